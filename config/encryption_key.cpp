#include "config/encryption_key.hpp"

#include <algorithm>

namespace lapwing {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '+' || c == '-')
    return 62;
  if (c == '/' || c == '_')
    return 63;
  return -1;
}

std::optional<encryption_key> from_hex(std::string_view text) {
  encryption_key key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return {};
    key[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return key;
}

/// 43 digits carry 258 bits: the two that are left over must be zero.
std::optional<encryption_key> from_base64(std::string_view text) {
  encryption_key key{};
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::size_t written = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0)
      return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    bit_count += 6;
    if (bit_count >= 8 && written < key.size()) {
      bit_count -= 8;
      key[written++] = static_cast<std::uint8_t>(bits >> bit_count & 0xff);
    }
  }
  if ((bits & 3) != 0)
    return {};
  return key;
}

} // namespace

std::optional<encryption_key> decode_encryption_key(std::string_view text) {
  if (text.size() == 64)
    return from_hex(text);
  if (text.size() == 44 && text.back() == '=')
    text.remove_suffix(1);
  if (text.size() == 43)
    return from_base64(text);
  encryption_key key{};
  if (text.size() != key.size())
    return {};
  std::copy(text.begin(), text.end(), key.begin());
  return key;
}

} // namespace lapwing
