// Writes pgoutput messages as PostgreSQL does, for tests of what reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lapwing::test {

class wire {
public:
  wire& u8(unsigned value) { return number(value, 1); }
  wire& c(char value) { return number(static_cast<unsigned char>(value), 1); }
  wire& u16(std::uint64_t value) { return number(value, 2); }
  wire& u32(std::uint64_t value) { return number(value, 4); }
  wire& u64(std::uint64_t value) { return number(value, 8); }
  wire& text(std::string_view value) {
    out_ += value;
    out_ += '\0';
    return *this;
  }
  wire& raw(std::string_view value) {
    out_ += value;
    return *this;
  }
  operator std::string() const { return out_; }

private:
  wire& number(std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
      out_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  std::string out_;
};

struct column_def {
  std::string name;
  std::uint32_t type;
  bool key = false;
};

/// "~" stands for an unchanged TOASTed value.
using cells = std::vector<std::optional<std::string>>;

inline std::string tuple_bytes(const cells& row) {
  wire out;
  out.u16(row.size());
  for (const auto& one : row) {
    if (!one)
      out.c('n');
    else if (*one == "~")
      out.c('u');
    else
      out.c('t').u32(one->size()).raw(*one);
  }
  return out;
}

/// 2026-11-21T09:00:00.123456Z in PostgreSQL's microseconds since 2000.
inline constexpr std::uint64_t commit_time = (1'795'251'600ULL - 946'684'800ULL) * 1'000'000 + 123'456;

inline std::string begin_bytes(std::uint64_t lsn = 100, std::uint32_t xid = 7) {
  return wire{}.c('B').u64(lsn).u64(commit_time).u32(xid);
}
inline std::string commit_bytes(std::uint64_t lsn = 100, std::uint64_t end = 108) {
  return wire{}.c('C').u8(0).u64(lsn).u64(end).u64(commit_time);
}
/// `xid`: inside of a streamed block.
inline std::string head(char kind, std::uint32_t xid) {
  wire out;
  out.c(kind);
  if (xid != 0)
    out.u32(xid);
  return out;
}
inline std::string relation_bytes(const std::vector<column_def>& columns, char identity = 'd',
                                  std::uint32_t id = 16384, std::uint32_t xid = 0,
                                  std::string_view name = "messages") {
  wire out;
  out.raw(head('R', xid)).u32(id).text("public").text(name).c(identity).u16(columns.size());
  for (const auto& one : columns)
    out.u8(one.key).text(one.name).u32(one.type).u32(0xFFFFFFFFU);
  return out;
}
inline std::string insert_bytes(const cells& row, std::uint32_t id = 16384, std::uint32_t xid = 0) {
  return wire{}.raw(head('I', xid)).u32(id).c('N').raw(tuple_bytes(row));
}
inline std::string update_bytes(const cells& row, const cells& old = {}, char form = 'K',
                                std::uint32_t id = 16384) {
  wire out;
  out.c('U').u32(id);
  if (!old.empty())
    out.c(form).raw(tuple_bytes(old));
  return out.c('N').raw(tuple_bytes(row));
}
inline std::string delete_bytes(const cells& old, char form = 'K', std::uint32_t id = 16384) {
  return wire{}.c('D').u32(id).c(form).raw(tuple_bytes(old));
}

} // namespace lapwing::test
