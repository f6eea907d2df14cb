#include "platforms/poll/cron.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <span>
#include <string>
#include <vector>

namespace lapwing {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed",
                                                        "thu", "fri", "sat"};
constexpr std::array<unsigned, 12> longest_month{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
/// No expression is longer in earnest; a bound for what one field costs.
constexpr std::size_t text_bytes_max = 512;

struct field_rule {
  std::string_view title;
  unsigned low;
  unsigned high;
  std::span<const std::string_view> names;
};

const std::array<field_rule, 5> rules{{{"minute", 0, 59, {}},
                                       {"hour", 0, 23, {}},
                                       {"day of month", 1, 31, {}},
                                       {"month", 1, 12, month_names},
                                       {"day of week", 0, 7, weekday_names}}};

error refusal(const field_rule& rule, std::string_view part, std::string_view why) {
  return {errc::bad_request, "cron: " + std::string{rule.title} + " \"" + std::string{part} + "\": "
                               + std::string{why}};
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<unsigned> value_of(const field_rule& rule, std::string_view text) {
  if (text.size() == 3) {
    std::string lower;
    for (char c : text)
      lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (std::size_t i = 0; i < rule.names.size(); ++i)
      if (rule.names[i] == lower)
        return static_cast<unsigned>(i) + (rule.low == 1 ? 1 : 0);
  }
  return number(text);
}

struct cut_text {
  std::string_view before;
  std::optional<std::string_view> after;
};

cut_text cut(std::string_view text, char at) {
  auto place = text.find(at);
  if (place == std::string_view::npos)
    return {text, std::nullopt};
  return {text.substr(0, place), text.substr(place + 1)};
}

/// One member of a list: `*`, `*/n`, `a`, `a-b`, `a-b/n`.
result<std::uint64_t> read_part(const field_rule& rule, std::string_view part) {
  auto [range, step_text] = cut(part, '/');
  unsigned low = rule.low;
  unsigned high = rule.high;
  bool is_range = true;
  if (range == "*") {
    if (rule.high == 7)
      high = 6;
  } else {
    auto [first, last] = cut(range, '-');
    auto from = value_of(rule, first);
    auto to = last ? value_of(rule, *last) : from;
    if (!from || !to)
      return refusal(rule, part, "neither a number nor a name of this field");
    // "fri-sun": Sunday ends the week when it stands last.
    if (last && rule.high == 7 && *to == 0 && *from > 0)
      to = 7;
    if (*from < low || *from > high || *to < low || *to > high)
      return refusal(rule, part,
                     "must be " + std::to_string(low) + " to " + std::to_string(high));
    if (*from > *to)
      return refusal(rule, part, "the range ends before it begins");
    is_range = last.has_value();
    low = *from;
    high = *to;
  }
  unsigned step = 1;
  if (step_text) {
    auto given = number(*step_text);
    if (!given || *given == 0)
      return refusal(rule, part, "the step must be a number of at least 1");
    if (!is_range)
      return refusal(rule, part, "a step needs `*` or a range before it");
    step = *given;
  }
  std::uint64_t bits = 0;
  for (unsigned value = low; value <= high; value += step) {
    bits |= std::uint64_t{1} << value;
    if (step > high)
      break; // Also keeps the sum from wrapping.
  }
  return bits;
}

result<std::uint64_t> read_field(const field_rule& rule, std::string_view text) {
  std::uint64_t bits = 0;
  std::optional<std::string_view> rest = text;
  while (rest) {
    auto [part, after] = cut(*rest, ',');
    if (part.empty())
      return refusal(rule, text, "an empty member in the list");
    auto more = read_part(rule, part);
    if (!more)
      return more.error();
    bits |= *more;
    rest = after;
  }
  if (rule.high == 7 && (bits & (1U << 7)) != 0)
    bits = (bits | 1U) & 0x7fU; // 7 is Sunday, too.
  return bits;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t", at)) != std::string_view::npos) {
    auto end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

/// The lowest set bit from `from` on; 64 when there is none.
unsigned next_bit(std::uint64_t bits, unsigned from) {
  if (from > 63)
    return 64;
  return static_cast<unsigned>(std::countr_zero(bits & (~std::uint64_t{0} << from)));
}

} // namespace

result<cron_expression> cron_expression::parse(std::string_view text) {
  if (text.size() > text_bytes_max)
    return error{errc::bad_request, "cron: the expression is too long"};
  auto words = words_of(text);
  if (words.size() == 6)
    return error{errc::bad_request, "cron: six fields; seconds are not known here, give five"};
  if (words.size() != rules.size())
    return error{errc::bad_request, "cron: five fields are needed (minute hour day month weekday), "
                                      + std::to_string(words.size()) + " are given"};
  std::array<std::uint64_t, 5> bits{};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto read = read_field(rules[i], words[i]);
    if (!read)
      return read.error();
    bits[i] = *read;
  }
  cron_expression made;
  made.minutes_ = bits[0];
  made.hours_ = bits[1];
  made.days_ = bits[2];
  made.months_ = bits[3];
  made.weekdays_ = bits[4];
  made.either_day_ = words[2].front() != '*' && words[4].front() != '*';
  if (!made.either_day_) {
    bool possible = false;
    for (unsigned month = 1; month <= 12; ++month)
      possible |= (made.months_ >> month & 1) != 0
                  && next_bit(made.days_, 1) <= longest_month[month - 1];
    if (!possible)
      return error{errc::bad_request, "cron: no month of \"" + std::string{words[3]}
                                        + "\" has a day of \"" + std::string{words[2]} + '"'};
  }
  return made;
}

bool cron_expression::fits_day(sys_days date, day of_month) const {
  bool by_date = (days_ >> static_cast<unsigned>(of_month) & 1) != 0;
  bool by_weekday = (weekdays_ >> weekday{date}.c_encoding() & 1) != 0;
  return either_day_ ? by_date || by_weekday : by_date && by_weekday;
}

std::optional<timestamp> cron_expression::next_after(timestamp time) const {
  constexpr year last_year{9000};
  auto from = floor<minutes>(time) + minutes{1};
  auto date = floor<days>(from);
  auto hour_from = static_cast<unsigned>(duration_cast<hours>(from - date).count());
  auto minute_from = static_cast<unsigned>(((from - date) % hours{1}).count());
  if (date >= sys_days{last_year / 1 / 1})
    return std::nullopt;
  year_month_day at{date};
  while (at.year() < last_year) {
    auto month_now = static_cast<unsigned>(at.month());
    if ((months_ >> month_now & 1) == 0) {
      auto next = next_bit(months_, month_now);
      at = next <= 12 ? at.year() / month{next} / 1
                      : (at.year() + years{1}) / month{next_bit(months_, 1)} / 1;
      date = at;
      hour_from = minute_from = 0;
      continue;
    }
    if (fits_day(date, at.day())) {
      auto hour = next_bit(hours_, hour_from);
      auto minute = next_bit(minutes_, hour == hour_from ? minute_from : 0);
      if (hour == hour_from && minute > 59) {
        hour = next_bit(hours_, hour_from + 1);
        minute = next_bit(minutes_, 0);
      }
      if (hour <= 23)
        return date + hours{hour} + minutes{minute};
    }
    date += days{1};
    at = year_month_day{date};
    hour_from = minute_from = 0;
  }
  return std::nullopt;
}

} // namespace lapwing
