#include "sim/text.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>

namespace lapwing::sim {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
         || c == '_' || c == '.' || c == '~';
}

std::string base64_of(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k <= left; ++k)
      out += alphabet[group >> (18 - 6 * k) & 63];
  }
  return out;
}

/// Digits only; moves `text` behind them.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count)
    return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9')
      return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

} // namespace

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0
        && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += c == '+' && plus_is_space ? ' ' : c;
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

parameters::parameters(std::string_view encoded) {
  for (auto part : split(encoded, '&')) {
    auto equals = part.find('=');
    auto value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    all_.emplace_back(percent_decoded(part.substr(0, equals), true), percent_decoded(value, true));
  }
}

std::optional<std::string_view> parameters::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : all_)
    if (key == name)
      return std::string_view{value};
  return std::nullopt;
}

std::string_view parameters::get(std::string_view name) const noexcept {
  return find(name).value_or(std::string_view{});
}

void append_parameter(std::string& url, std::string_view name, std::string_view value) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += name;
  url += '=';
  url += percent_encoded(value);
}

std::string lower_hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string lower_hex(std::uint64_t value, int digits) {
  std::string out(static_cast<std::size_t>(digits), '0');
  for (auto i = out.size(); i-- > 0; value >>= 4)
    out[i] = "0123456789abcdef"[value & 15];
  return out;
}

std::optional<std::uint64_t> parse_hex(std::string_view text) noexcept {
  if (text.empty() || text.size() > 16)
    return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    auto digit = hex_value(c);
    if (digit < 0)
      return std::nullopt;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  return value;
}

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  std::int64_t value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::string base64(std::string_view bytes) {
  auto out =
    base64_of(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::string base64url(std::string_view bytes) {
  return base64_of(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

std::optional<std::string> base64_decoded(std::string_view text) {
  while (!text.empty() && text.back() == '=')
    text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '-')
      value = 62;
    else if (c == '/' || c == '_')
      value = 63;
    else
      return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 255);
    }
  }
  return out;
}

std::optional<timestamp> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  auto year_number = take_digits(text, 4);
  if (!year_number || !take(text, '-'))
    return std::nullopt;
  auto month_number = take_digits(text, 2);
  if (!month_number || !take(text, '-'))
    return std::nullopt;
  auto day_number = take_digits(text, 2);
  if (!day_number || (!take(text, 'T') && !take(text, 't')))
    return std::nullopt;
  auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':'))
    return std::nullopt;
  auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':'))
    return std::nullopt;
  auto second = take_digits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  int ms = 0;
  if (take(text, '.')) {
    int scale = 100;
    std::size_t digits = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      ms += (text.front() - '0') * scale;
      scale /= 10;
      ++digits;
      text.remove_prefix(1);
    }
    if (digits == 0)
      return std::nullopt;
  }
  minutes offset{0};
  if (!take(text, 'Z') && !take(text, 'z')) {
    bool behind = take(text, '-');
    if (!behind && !take(text, '+'))
      return std::nullopt;
    auto offset_hour = take_digits(text, 2);
    if (!offset_hour || !take(text, ':'))
      return std::nullopt;
    auto offset_minute = take_digits(text, 2);
    if (!offset_minute)
      return std::nullopt;
    offset = hours{*offset_hour} + minutes{*offset_minute};
    if (behind)
      offset = -offset;
  }
  year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                      day{static_cast<unsigned>(*day_number)}};
  if (!text.empty() || !date.ok())
    return std::nullopt;
  return timestamp{sys_days{date}} + hours{*hour} + minutes{*minute} + seconds{*second}
         + milliseconds{ms} - offset;
}

std::string http_date(timestamp time) {
  using namespace std::chrono;
  constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  auto days_since = floor<days>(time);
  year_month_day date{days_since};
  auto iso = to_rfc3339(time);
  std::string out{weekdays.substr(weekday{days_since}.c_encoding() * 3, 3)};
  out += ", " + iso.substr(8, 2) + ' ';
  out += months.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3);
  out += ' ' + iso.substr(0, 4) + ' ' + iso.substr(11, 8) + " GMT";
  return out;
}

std::int64_t pacific_day(timestamp time) {
  using namespace std::chrono;
  auto standard = time - hours{8};
  year_month_day date{floor<days>(standard)};
  // Daylight saving: second Sunday of March 02:00 to first Sunday of November 02:00, local time.
  timestamp begin = sys_days{date.year() / March / Sunday[2]} + hours{2};
  timestamp end = sys_days{date.year() / November / Sunday[1]} + hours{1};
  auto local = standard >= begin && standard < end ? standard + hours{1} : standard;
  return floor<days>(local).time_since_epoch().count();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto end = text.find(separator);
    if (end != 0)
      out.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x))
           == std::tolower(static_cast<unsigned char>(y));
  };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
}

std::int64_t to_ms(timestamp time) noexcept { return time.time_since_epoch().count(); }

timestamp from_ms(std::int64_t ms) noexcept { return timestamp{std::chrono::milliseconds{ms}}; }

std::int64_t to_seconds(timestamp time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

} // namespace lapwing::sim
