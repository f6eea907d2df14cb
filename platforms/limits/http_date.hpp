// Times as HTTP writes them (RFC 9110 5.6.7), and numbers of seconds as rate limits write them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "core/time.hpp"

namespace lapwing {

/// "Sun, 06 Nov 1994 08:49:37 GMT", and the two obsolete forms "Sunday, 06-Nov-94 08:49:37 GMT" and
/// "Sun Nov  6 08:49:37 1994". The weekday is not checked.
std::optional<timestamp> parse_http_date(std::string_view text);

/// "64", "64.57", "1470173023.123": rounded up to a millisecond. Nothing for negative numbers,
/// anything else in the text, or more than 10^12.
std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text);

} // namespace lapwing
