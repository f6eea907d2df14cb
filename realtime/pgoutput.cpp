#include "realtime/pgoutput.hpp"

#include <charconv>

#include "realtime/byte_reader.hpp"

namespace lapwing::realtime {

std::string to_text(lsn place) {
  char out[20];
  char* end = out + sizeof out;
  char* at = std::to_chars(out, end, static_cast<std::uint32_t>(place >> 32), 16).ptr;
  *at++ = '/';
  at = std::to_chars(at, end, static_cast<std::uint32_t>(place), 16).ptr;
  for (char* c = out; c != at; ++c)
    if (*c >= 'a' && *c <= 'f')
      *c = static_cast<char>(*c - 'a' + 'A');
  return {out, at};
}

std::optional<lsn> parse_lsn(std::string_view text) {
  std::uint32_t halves[2] = {0, 0};
  auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  std::string_view parts[2] = {text.substr(0, slash), text.substr(slash + 1)};
  for (int i = 0; i < 2; ++i) {
    auto* end = parts[i].data() + parts[i].size();
    auto [at, bad] = std::from_chars(parts[i].data(), end, halves[i], 16);
    if (bad != std::errc{} || at != end)
      return std::nullopt;
  }
  return lsn{halves[0]} << 32 | halves[1];
}

namespace pgoutput {
namespace {

/// PostgreSQL counts microseconds from 2000-01-01.
constexpr std::int64_t epoch_us = 946'684'800'000'000;

std::int64_t read_time(byte_reader& in) {
  // Unsigned arithmetic: a hostile time must not overflow.
  return static_cast<std::int64_t>(in.u64() + static_cast<std::uint64_t>(epoch_us));
}

tuple read_tuple(byte_reader& in) {
  tuple row;
  std::size_t count = in.u16();
  row.reserve(std::min(count, in.left())); // A cell takes a byte at least.
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    cell& one = row.emplace_back();
    switch (in.u8()) {
      case 'n': break;
      case 'u': one.kind = cell_kind::unchanged; break;
      case 't':
        one.kind = cell_kind::text;
        one.value = in.bytes(in.u32());
        break;
      case 'b':
        one.kind = cell_kind::binary;
        one.value = in.bytes(in.u32());
        break;
      default: in.bytes(~std::size_t{0}); // Not a tuple: fails the reader.
    }
  }
  return row;
}

/// What neither is there nor can be read fails the reader.
void expect(byte_reader& in, std::uint8_t found, std::uint8_t wanted) {
  if (found != wanted)
    in.bytes(~std::size_t{0});
}

begin read_begin(byte_reader& in) {
  begin made;
  made.final_lsn = in.u64();
  made.time_us = read_time(in);
  made.xid = in.u32();
  return made;
}

commit read_commit(byte_reader& in) {
  commit made;
  in.u8(); // Flags: none exists yet.
  made.commit_lsn = in.u64();
  made.end_lsn = in.u64();
  made.time_us = read_time(in);
  return made;
}

relation read_relation(byte_reader& in) {
  relation made;
  made.id = in.u32();
  made.schema = in.text();
  if (made.schema.empty())
    made.schema = "pg_catalog";
  made.name = in.text();
  made.replica_identity = static_cast<char>(in.u8());
  std::size_t count = in.u16();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    relation_column& one = made.columns.emplace_back();
    one.key = (in.u8() & 1U) != 0;
    one.name = in.text();
    one.type = in.u32();
    one.modifier = static_cast<std::int32_t>(in.u32());
  }
  return made;
}

type read_type(byte_reader& in) {
  type made;
  made.id = in.u32();
  made.schema = in.text();
  made.name = in.text();
  return made;
}

insert read_insert(byte_reader& in) {
  insert made;
  made.relation = in.u32();
  expect(in, in.u8(), 'N');
  made.row = read_tuple(in);
  return made;
}

update read_update(byte_reader& in) {
  update made;
  made.relation = in.u32();
  auto part = in.u8();
  if (part == 'K' || part == 'O') {
    made.old_is_key = part == 'K';
    made.old = read_tuple(in);
    part = in.u8();
  }
  expect(in, part, 'N');
  made.row = read_tuple(in);
  return made;
}

remove read_remove(byte_reader& in) {
  remove made;
  made.relation = in.u32();
  auto part = in.u8();
  made.old_is_key = part == 'K';
  if (!made.old_is_key)
    expect(in, part, 'O');
  made.old = read_tuple(in);
  return made;
}

truncate read_truncate(byte_reader& in) {
  truncate made;
  std::size_t count = in.u32();
  auto options = in.u8();
  made.cascade = (options & 1U) != 0;
  made.restart_identity = (options & 2U) != 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i)
    made.relations.push_back(in.u32());
  return made;
}

message read_message(byte_reader& in) {
  message made;
  made.transactional = (in.u8() & 1U) != 0;
  made.place = in.u64();
  made.prefix = in.text();
  made.content = in.bytes(in.u32());
  return made;
}

/// True for the kinds that carry a transaction id inside a streamed block.
bool names_its_transaction(char kind) {
  return std::string_view{"RYIUDTM"}.find(kind) != std::string_view::npos;
}

std::optional<body> read_body(char kind, byte_reader& in) {
  switch (kind) {
    case 'B': return read_begin(in);
    case 'C': return read_commit(in);
    case 'O': {
      origin made;
      made.commit_lsn = in.u64();
      made.name = in.text();
      return made;
    }
    case 'R': return read_relation(in);
    case 'Y': return read_type(in);
    case 'I': return read_insert(in);
    case 'U': return read_update(in);
    case 'D': return read_remove(in);
    case 'T': return read_truncate(in);
    case 'M': return read_message(in);
    case 'S': {
      stream_start made;
      made.xid = in.u32();
      made.first_segment = in.u8() == 1;
      return made;
    }
    case 'E': return stream_stop{};
    case 'c': {
      stream_commit made;
      made.xid = in.u32();
      made.how = read_commit(in);
      return made;
    }
    case 'A': {
      stream_abort made;
      made.xid = in.u32();
      made.subtransaction = in.u32();
      return made;
    }
    default: return std::nullopt;
  }
}

} // namespace

result<decoded> decode(std::string_view bytes, bool streamed) {
  byte_reader in{bytes};
  auto kind = static_cast<char>(in.u8());
  decoded made;
  if (streamed && names_its_transaction(kind))
    made.xid = in.u32();
  auto what = read_body(kind, in);
  if (!what)
    return error{errc::protocol_error, "pgoutput: a message of an unknown kind"};
  if (!in.complete())
    return error{errc::protocol_error, "pgoutput: a message that is too short or too long"};
  made.what = std::move(*what);
  return made;
}

} // namespace pgoutput
} // namespace lapwing::realtime
