// Text as HTTP carries it: forms, percent signs, hexadecimal, base64, dates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace lapwing::sim {

std::string percent_decoded(std::string_view text, bool plus_is_space);
/// Everything but unreserved characters (RFC 3986 2.3) is encoded.
std::string percent_encoded(std::string_view text);

/// A query or a form.
class parameters {
public:
  parameters() = default;
  /// application/x-www-form-urlencoded.
  explicit parameters(std::string_view encoded);

  /// The first of that name; nothing when it is absent.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// The same, "" when it is absent.
  std::string_view get(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept { return find(name).has_value(); }
  const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }

private:
  std::vector<std::pair<std::string, std::string>> all_;
};

/// Appends `name=value`, with `?` or `&` before it as `url` needs.
void append_parameter(std::string& url, std::string_view name, std::string_view value);

std::string lower_hex(std::string_view bytes);
std::string lower_hex(std::uint64_t value, int digits);
/// Nothing unless all of it is hexadecimal, 1 to 16 digits.
std::optional<std::uint64_t> parse_hex(std::string_view text) noexcept;
/// Nothing unless all of it is a decimal number.
std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;

std::string base64(std::string_view bytes);
/// Without padding.
std::string base64url(std::string_view bytes);
/// Both alphabets, padded or not; nothing for anything else.
std::optional<std::string> base64_decoded(std::string_view text);

/// "2026-11-21T09:00:00Z", with decimals and with an offset; nothing for anything else.
std::optional<timestamp> parse_rfc3339(std::string_view text);
/// "Tue, 29 Oct 2013 20:32:02 GMT" (RFC 9110 5.6.7).
std::string http_date(timestamp time);
/// Whole days since 1970 in California, where Google's quotas end at midnight.
std::int64_t pacific_day(timestamp time);

/// The pieces between separators, empty ones left out.
std::vector<std::string_view> split(std::string_view text, char separator);
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
std::int64_t to_ms(timestamp time) noexcept;
timestamp from_ms(std::int64_t ms) noexcept;
std::int64_t to_seconds(timestamp time) noexcept;

} // namespace lapwing::sim
