// Reading a binary message of PostgreSQL (big-endian) without ever reading past its end: what is
// not there reads as zero, and `ok` says so afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lapwing::realtime {

class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) noexcept : rest_(bytes) {}

  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() noexcept { return number(8); }

  std::string_view bytes(std::size_t count) noexcept {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  /// A text that ends with a zero byte.
  std::string_view text() noexcept {
    auto end = rest_.find('\0');
    if (end == std::string_view::npos) {
      fail();
      return {};
    }
    auto taken = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return taken;
  }

  /// Everything so far was there.
  bool ok() const noexcept { return ok_; }
  /// Everything was there and nothing is left.
  bool complete() const noexcept { return ok_ && rest_.empty(); }
  std::size_t left() const noexcept { return rest_.size(); }

private:
  std::uint64_t number(std::size_t width) noexcept {
    std::uint64_t value = 0;
    for (unsigned char byte : bytes(width))
      value = value << 8 | byte;
    return value;
  }

  void fail() noexcept {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

} // namespace lapwing::realtime
