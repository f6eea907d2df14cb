#include "benchmarks/load/mark.hpp"

#include <array>
#include <charconv>

#include "core/json_text.hpp"

namespace lapwing::load {
namespace {

/// Where GitHub's delivery id comes back (CONTRACT 4).
constexpr std::string_view delivery_member = "\"deliveryId\":\"";
constexpr std::size_t uuid_length = 36;

template <class Number>
bool take_number(std::string_view& text, Number& value, char end) noexcept {
  const auto* stop = text.data() + text.size();
  const auto [next, failure] = std::from_chars(text.data(), stop, value);
  if (failure != std::errc{})
    return false;
  text.remove_prefix(static_cast<std::size_t>(next - text.data()));
  if (end == '\0')
    return true;
  if (text.empty() || text.front() != end)
    return false;
  text.remove_prefix(1);
  return true;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

} // namespace

void append_mark_text(std::string& out, const mark& m) {
  append_number(out, m.salt);
  out += '.';
  append_number(out, m.publisher);
  out += '.';
  append_number(out, m.number);
  out += '.';
  append_number(out, m.due_ns);
}

std::optional<mark> parse_mark_text(std::string_view text) noexcept {
  mark m;
  if (!take_number(text, m.salt, '.') || !take_number(text, m.publisher, '.')
      || !take_number(text, m.number, '.') || !take_number(text, m.due_ns, '\0'))
    return std::nullopt;
  return m;
}

// 30 free hex digits: 14 of due_ns, 4 publisher, 8 number, 4 salt; the version digit '4' and the
// variant digit '8' stand between them at places 12 and 16.
void append_mark_uuid(std::string& out, const mark& m) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 30> hex{};
  std::size_t at = 0;
  const auto put = [&](std::uint64_t value, unsigned count) {
    for (unsigned i = count; i > 0; --i)
      hex[at++] = digits[(value >> (4 * (i - 1))) & 15U];
  };
  put(m.due_ns, 14);
  put(m.publisher, 4);
  put(m.number, 8);
  put(m.salt, 4);
  const std::string_view all{hex.data(), hex.size()};
  out += all.substr(0, 8);
  out += '-';
  out += all.substr(8, 4);
  out += "-4";
  out += all.substr(12, 3);
  out += "-8";
  out += all.substr(15, 3);
  out += '-';
  out += all.substr(18);
}

std::optional<mark> parse_mark_uuid(std::string_view text) noexcept {
  if (text.size() < uuid_length || text[8] != '-' || text[13] != '-' || text[14] != '4'
      || text[18] != '-' || text[19] != '8' || text[23] != '-')
    return std::nullopt;
  std::array<std::uint8_t, 30> hex{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid_length; ++i) {
    if (i == 8 || i == 13 || i == 14 || i == 18 || i == 19 || i == 23)
      continue;
    const int value = hex_value(text[i]);
    if (value < 0)
      return std::nullopt;
    hex[at++] = static_cast<std::uint8_t>(value);
  }
  at = 0;
  const auto take = [&](unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i)
      value = value << 4 | hex[at++];
    return value;
  };
  mark m;
  m.due_ns = take(14);
  m.publisher = static_cast<std::uint16_t>(take(4));
  m.number = static_cast<std::uint32_t>(take(8));
  m.salt = static_cast<std::uint16_t>(take(4));
  return m;
}

mark_finder::mark_finder(mark_form form) noexcept
  : form_(form), key_(form == mark_form::text ? mark_member : delivery_member) {}

std::optional<mark> mark_finder::find(std::string_view envelope) noexcept {
  auto at = last_position_;
  if (at > envelope.size() || envelope.compare(at, key_.size(), key_) != 0) {
    at = envelope.find(key_);
    if (at == std::string_view::npos)
      return std::nullopt;
    last_position_ = at;
  }
  const auto value = envelope.substr(at + key_.size());
  return form_ == mark_form::text ? parse_mark_text(value) : parse_mark_uuid(value);
}

} // namespace lapwing::load
