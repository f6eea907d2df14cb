#include "storage/row_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "storage/job_refused.hpp"

namespace lapwing {
namespace {

using std::chrono::milliseconds;

constexpr timestamp latest{milliseconds{253402300799999}}; // 9999-12-31T23:59:59.999Z

constexpr std::array<std::string_view, 4> status_texts{"connected", "degraded", "needs_reauth",
                                                       "disconnected"};

/// The number in these many digits, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  for (char c : text.substr(at, count)) {
    if (c < '0' || c > '9')
      return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

} // namespace

std::string to_row_time(timestamp time) {
  return to_rfc3339(std::clamp(time, timestamp{}, latest));
}

std::optional<std::string> to_row_time(const std::optional<timestamp>& time) {
  return time ? std::optional{to_row_time(*time)} : std::nullopt;
}

std::optional<timestamp> parse_row_time(std::string_view text) noexcept {
  using namespace std::chrono;
  constexpr std::string_view form = "0000-00-00T00:00:00.000Z";
  if (text.size() != form.size())
    return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '0' && form[i] != text[i])
      return std::nullopt;
  }
  const int numbers[] = {digits(text, 0, 4),  digits(text, 5, 2),  digits(text, 8, 2),
                         digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2),
                         digits(text, 20, 3)};
  if (std::any_of(std::begin(numbers), std::end(numbers), [](int n) { return n < 0; }))
    return std::nullopt;
  const year_month_day date{year{numbers[0]}, month{static_cast<unsigned>(numbers[1])},
                            day{static_cast<unsigned>(numbers[2])}};
  if (!date.ok() || numbers[3] > 23 || numbers[4] > 59 || numbers[5] > 59)
    return std::nullopt;
  return timestamp{sys_days{date}} + hours{numbers[3]} + minutes{numbers[4]} + seconds{numbers[5]}
         + milliseconds{numbers[6]};
}

std::optional<std::string> make_uuid(timestamp now, const random_source& random) {
  std::array<std::uint8_t, 16> bytes{};
  if (!random(bytes))
    return std::nullopt;
  auto time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (std::size_t i = 6; i-- > 0; time >>= 8)
    bytes[i] = static_cast<std::uint8_t>(time);
  bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      text += '-';
    text += hex[bytes[i] >> 4];
    text += hex[bytes[i] & 15];
  }
  return text;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

std::string_view to_row_status(connection_status status) noexcept {
  return status_texts.at(static_cast<std::size_t>(status));
}

connection_status parse_row_status(std::string_view text) noexcept {
  const auto found = std::find(status_texts.begin(), status_texts.end(), text);
  return found == status_texts.end() ? connection_status::disconnected
                                     : static_cast<connection_status>(found - status_texts.begin());
}

std::int64_t page_end(const std::string& after) {
  auto below = std::numeric_limits<std::int64_t>::max();
  if (!after.empty()) {
    const auto* end = after.data() + after.size();
    const auto read = std::from_chars(after.data(), end, below);
    if (read.ec != std::errc{} || read.ptr != end)
      throw job_refused{{errc::bad_request, "after is not the end of a page"}};
  }
  return below;
}

std::int64_t to_column(std::uint64_t value) noexcept {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(value, largest));
}

} // namespace lapwing
