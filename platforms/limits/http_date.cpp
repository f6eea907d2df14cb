#include "platforms/limits/http_date.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

namespace lapwing {
namespace {

std::string_view trimmed(std::string_view text) {
  auto from = text.find_first_not_of(" \t");
  if (from == text.npos)
    return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// At most as many as a date has.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (words.size() < 8) {
    auto from = text.find_first_not_of(" -");
    if (from == text.npos)
      break;
    text.remove_prefix(from);
    words.push_back(text.substr(0, text.find_first_of(" -")));
    text.remove_prefix(words.back().size());
  }
  return words;
}

std::optional<unsigned> number(std::string_view text, std::size_t digits_min,
                               std::size_t digits_max) {
  unsigned value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() < digits_min || text.size() > digits_max || code != std::errc{}
      || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<unsigned> month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned i = 0; i < names.size(); ++i)
    if (names[i] == name)
      return i + 1;
  return std::nullopt;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':')
    return std::nullopt;
  auto hour = number(text.substr(0, 2), 2, 2);
  auto minute = number(text.substr(3, 2), 2, 2);
  auto second = number(text.substr(6, 2), 2, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

} // namespace

std::optional<timestamp> parse_http_date(std::string_view text) {
  auto words = words_of(text);
  // Weekday, then day month year time "GMT", or month day time year (asctime).
  if (words.size() != 6 && words.size() != 5)
    return std::nullopt;
  bool is_asctime = words.size() == 5;
  if (!is_asctime && words[5] != "GMT")
    return std::nullopt;
  auto month = month_of(words[is_asctime ? 1 : 2]);
  auto day = number(words[is_asctime ? 2 : 1], 1, 2);
  auto year = number(words[is_asctime ? 4 : 3], 2, 4);
  auto time = time_of_day(words[is_asctime ? 3 : 4]);
  if (!month || !day || !year || !time || words[is_asctime ? 4 : 3].size() == 3)
    return std::nullopt;
  if (*year < 100) // Two digits: RFC 850's form, dead since the nineties.
    *year += *year < 70 ? 2000 : 1900;
  std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                   std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok())
    return std::nullopt;
  return timestamp{std::chrono::sys_days{date}} + *time;
}

std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.find_first_not_of("0123456789.") != text.npos || text.front() == '.')
    return std::nullopt;
  double value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || value > 1e12)
    return std::nullopt;
  // Less than a thousandth of a millisecond is the binary fraction's: 1470173023.123 is not exact.
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(value * 1000 - 0.001))};
}

} // namespace lapwing
