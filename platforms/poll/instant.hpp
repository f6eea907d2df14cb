// Times as providers write them: RFC 3339, with as many digits after the second as they like.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace lapwing {

struct instant {
  std::chrono::sys_seconds second;
  std::string_view fraction; ///< Digits after the point, without trailing zeros; borrows the text.
};

/// "2026-11-21T09:00:00[.123](Z|+01:00)" (RFC 3339 5.6); nothing for anything else.
std::optional<instant> parse_instant(std::string_view text);

/// "2026-11-21T09:00:00Z".
std::string to_whole_seconds(timestamp time);

} // namespace lapwing
