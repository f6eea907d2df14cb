#include "realtime/typed_value.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace lapwing::realtime {
namespace {

using std::int64_t;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\r\f\v";
  auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

std::string lowered(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  return out;
}

/// The words of PostgreSQL's boolin(): any unique beginning of them.
std::optional<bool> read_bool(std::string_view text) {
  auto word = lowered(trimmed(text));
  if (word.empty())
    return std::nullopt;
  std::string_view view = word;
  if (std::string_view{"true"}.starts_with(view) || std::string_view{"yes"}.starts_with(view)
      || view == "on" || view == "1")
    return true;
  if (std::string_view{"false"}.starts_with(view) || std::string_view{"no"}.starts_with(view)
      || view == "of" || view == "off" || view == "0")
    return false;
  return std::nullopt;
}

std::optional<double> read_double(std::string_view text) {
  auto word = lowered(trimmed(text));
  std::string_view rest = word;
  bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+'))
    rest.remove_prefix(1);
  if (rest == "nan" && !negative)
    return std::numeric_limits<double>::quiet_NaN();
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  if (rest == "inf" || rest == "infinity")
    return negative ? -infinity : infinity;
  if (rest.empty() || !(is_digit(rest[0]) || rest[0] == '.'))
    return std::nullopt;
  double value = 0;
  auto [end, bad] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (bad != std::errc{} || end != rest.data() + rest.size())
    return std::nullopt;
  return negative ? -value : value;
}

/// Takes an unsigned number of at most `digits_max` digits from the front.
std::optional<int64_t> take_number(std::string_view& text, std::size_t digits_min,
                                   std::size_t digits_max) {
  std::size_t count = 0;
  int64_t value = 0;
  while (count < text.size() && count < digits_max && is_digit(text[count]))
    value = value * 10 + (text[count++] - '0');
  if (count < digits_min)
    return std::nullopt;
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted))
    return false;
  text.remove_prefix(1);
  return true;
}

/// ISO 8601, as PostgreSQL writes it; `bc` turns the year round.
std::optional<int64_t> take_date(std::string_view& text, bool bc) {
  auto year = take_number(text, 4, 6);
  if (!year || !take(text, '-'))
    return std::nullopt;
  auto month = take_number(text, 1, 2);
  if (!month || !take(text, '-'))
    return std::nullopt;
  auto day = take_number(text, 1, 2);
  // Further years would overflow the microseconds; PostgreSQL ends at 294276 and 4713 BC.
  if (!day || *year > (bc ? 4713 : 290'000))
    return std::nullopt;
  auto y = static_cast<int>(bc ? 1 - *year : *year);
  // <chrono> knows years to 32767; further ones move by whole cycles of 400 years.
  int cycles = y > 30'000 ? (y - 30'000) / 400 + 1 : 0;
  std::chrono::year_month_day date{std::chrono::year{y - 400 * cycles},
                                   std::chrono::month{static_cast<unsigned>(*month)},
                                   std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok())
    return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count() + int64_t{cycles} * 146'097;
}

constexpr int64_t second_us = 1'000'000;

std::optional<int64_t> take_time(std::string_view& text) {
  auto hour = take_number(text, 1, 2);
  if (!hour || *hour > 24 || !take(text, ':'))
    return std::nullopt;
  auto minute = take_number(text, 2, 2);
  if (!minute || *minute > 59)
    return std::nullopt;
  int64_t value = (*hour * 60 + *minute) * 60 * second_us;
  if (take(text, ':')) {
    auto seconds = take_number(text, 2, 2);
    if (!seconds || *seconds > 60)
      return std::nullopt;
    value += *seconds * second_us;
    if (take(text, '.')) {
      int64_t unit = second_us;
      if (text.empty() || !is_digit(text[0]))
        return std::nullopt;
      for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
        unit /= 10;
        value += unit * (text[0] - '0');
      }
    }
  }
  return value;
}

/// How far east of UTC, in microseconds.
std::optional<int64_t> take_zone(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z'))
    return 0;
  bool west = text.starts_with('-');
  if (!west && !text.starts_with('+'))
    return std::nullopt;
  text.remove_prefix(1);
  auto hours = take_number(text, 1, 2);
  if (!hours || *hours > 15)
    return std::nullopt;
  int64_t minutes = 0;
  take(text, ':');
  if (auto more = take_number(text, 2, 2))
    minutes = *more;
  if (minutes > 59)
    return std::nullopt;
  auto offset = (*hours * 60 + minutes) * 60 * second_us;
  return west ? -offset : offset;
}

std::optional<int64_t> read_moment(std::string_view text, type_kind kind) {
  auto word = trimmed(text);
  if (lowered(word) == "infinity")
    return std::numeric_limits<int64_t>::max();
  if (lowered(word) == "-infinity")
    return std::numeric_limits<int64_t>::min();
  bool bc = word.ends_with(" BC");
  if (bc)
    word.remove_suffix(3);
  auto days = take_date(word, bc);
  if (!days)
    return std::nullopt;
  int64_t time = 0;
  int64_t zone = 0;
  if (take(word, 'T') || take(word, 't') || take(word, ' ')) {
    auto told = take_time(word);
    if (!told)
      return std::nullopt;
    time = *told;
    take(word, ' ');
    if (!word.empty()) {
      auto east = take_zone(word);
      if (!east)
        return std::nullopt;
      zone = *east;
    }
  }
  if (!word.empty())
    return std::nullopt;
  if (kind == type_kind::date)
    return *days;
  constexpr int64_t day_us = 24 * 3600 * second_us;
  auto moment = *days * day_us + time;
  return kind == type_kind::timestamptz ? moment - zone : moment; // As casts: others drop the zone.
}

std::optional<std::string> read_uuid(std::string_view text) {
  auto word = lowered(trimmed(text));
  if (word.size() > 2 && word.front() == '{' && word.back() == '}')
    word = word.substr(1, word.size() - 2);
  std::erase(word, '-');
  if (word.size() != 32
      || !std::all_of(word.begin(), word.end(),
                      [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }))
    return std::nullopt;
  return word;
}

std::optional<std::string> read_bytea(std::string_view text) {
  if (!text.starts_with("\\x"))
    return std::nullopt; // The old escape form is not read.
  auto hex = lowered(text.substr(2));
  if (hex.size() % 2 != 0
      || !std::all_of(hex.begin(), hex.end(),
                      [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }))
    return std::nullopt;
  return hex;
}

/// Whoever writes JSON out again recurses: a value nested deeper than this is not compared.
constexpr int json_depth_max = 200;

bool is_shallow(std::string_view json) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '[' || c == '{') && ++depth > json_depth_max)
      return false;
    else if (!quoted && (c == ']' || c == '}'))
      --depth;
  }
  return true;
}

std::optional<std::string> read_json(std::string_view text) {
  if (!is_shallow(text))
    return std::nullopt;
  auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded())
    return std::nullopt;
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// NaN is equal to itself and above everything, as in PostgreSQL.
std::strong_ordering order(double a, double b) noexcept {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) <=> std::isnan(b);
  return a < b ? std::strong_ordering::less
         : a > b ? std::strong_ordering::greater
                 : std::strong_ordering::equal;
}

} // namespace

std::optional<decimal> decimal::parse(std::string_view text) {
  text = trimmed(text);
  decimal made;
  auto word = lowered(text);
  if (word == "nan")
    made.is = form::nan;
  else if (word == "infinity" || word == "inf" || word == "+infinity" || word == "+inf")
    made.is = form::infinity;
  else if (word == "-infinity" || word == "-inf")
    made.is = form::minus_infinity;
  if (made.is != form::finite)
    return made;
  made.negative = text.starts_with('-');
  if (made.negative || text.starts_with('+'))
    text.remove_prefix(1);
  bool any = false;
  bool point = false;
  for (; !text.empty() && (is_digit(text[0]) || (text[0] == '.' && !point));
       text.remove_prefix(1)) {
    if (text[0] == '.') {
      point = true;
      continue;
    }
    any = true;
    if (!made.digits.empty() || text[0] != '0') {
      made.digits += text[0];
      made.exponent += point ? 0 : 1;
    } else if (point) {
      --made.exponent;
    }
  }
  if (!any)
    return std::nullopt;
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    bool minus = text.starts_with('-');
    if (minus || text.starts_with('+'))
      text.remove_prefix(1);
    auto more = take_number(text, 1, 6);
    if (!more)
      return std::nullopt;
    made.exponent += minus ? -*more : *more;
  }
  if (!text.empty())
    return std::nullopt;
  while (!made.digits.empty() && made.digits.back() == '0')
    made.digits.pop_back();
  if (made.digits.empty()) {
    made.negative = false;
    made.exponent = 0;
  }
  return made;
}

std::strong_ordering decimal::operator<=>(const decimal& other) const noexcept {
  if (is != other.is || is != form::finite)
    return is <=> other.is;
  if (negative != other.negative)
    return negative ? std::strong_ordering::less : std::strong_ordering::greater;
  auto magnitude = [&] {
    if (digits.empty() || other.digits.empty())
      return !digits.empty() <=> !other.digits.empty();
    if (exponent != other.exponent)
      return exponent <=> other.exponent;
    return digits <=> other.digits;
  }();
  return negative ? 0 <=> magnitude : magnitude;
}

std::optional<typed_value> typed_value::read(type_kind kind, std::string_view text) {
  typed_value made;
  auto put = [&](auto&& value) -> std::optional<typed_value> {
    if (!value)
      return std::nullopt;
    made.value_ = std::move(*value);
    return std::move(made);
  };
  switch (kind) {
    case type_kind::boolean: {
      auto value = read_bool(text);
      if (!value)
        return std::nullopt;
      made.value_ = int64_t{*value};
      return made;
    }
    case type_kind::integer: {
      int64_t value = 0;
      auto digits = trimmed(text);
      if (digits.starts_with('+'))
        digits.remove_prefix(1);
      auto* end = digits.data() + digits.size();
      auto [at, bad] = std::from_chars(digits.data(), end, value);
      if (bad != std::errc{} || at != end)
        return std::nullopt;
      made.value_ = value;
      return made;
    }
    case type_kind::numeric: return put(decimal::parse(text));
    case type_kind::float4: {
      auto value = read_double(text);
      if (value)
        *value = static_cast<double>(static_cast<float>(*value));
      return put(value);
    }
    case type_kind::float8: return put(read_double(text));
    case type_kind::bpchar: {
      std::string value{text};
      while (value.ends_with(' '))
        value.pop_back();
      made.value_ = std::move(value);
      return made;
    }
    case type_kind::citext: made.value_ = lowered(text); return made;
    case type_kind::uuid: return put(read_uuid(text));
    case type_kind::bytea: return put(read_bytea(text));
    case type_kind::json:
    case type_kind::jsonb: return put(read_json(text));
    case type_kind::time: {
      auto rest = trimmed(text);
      auto value = take_time(rest);
      return rest.empty() ? put(value) : std::nullopt;
    }
    case type_kind::date:
    case type_kind::timestamp:
    case type_kind::timestamptz: return put(read_moment(text, kind));
    default: made.value_ = std::string{text}; return made;
  }
}

std::strong_ordering operator<=>(const typed_value& a, const typed_value& b) noexcept {
  if (a.value_.index() != b.value_.index())
    return a.value_.index() <=> b.value_.index();
  if (auto* number = std::get_if<int64_t>(&a.value_))
    return *number <=> std::get<int64_t>(b.value_);
  if (auto* real = std::get_if<double>(&a.value_))
    return order(*real, std::get<double>(b.value_));
  if (auto* exact = std::get_if<decimal>(&a.value_))
    return *exact <=> std::get<decimal>(b.value_);
  return std::get<std::string>(a.value_).compare(std::get<std::string>(b.value_)) <=> 0;
}

std::string_view typed_value::text() const noexcept {
  auto* text = std::get_if<std::string>(&value_);
  return text ? std::string_view{*text} : std::string_view{};
}

} // namespace lapwing::realtime
