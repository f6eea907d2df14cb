// The next midnight somewhere in the United States, where Google's daily quotas begin. Computed
// from the rule in force since 2007, because a node may run without time zone files.
#pragma once

#include <string_view>

#include "core/time.hpp"

namespace lapwing {

/// Whether `next_midnight` knows it: "UTC" and the zones of the mainland ("America/Los_Angeles").
bool is_known_zone(std::string_view zone) noexcept;

/// The first midnight after `now`; by Los Angeles for a zone that is not known.
timestamp next_midnight(std::string_view zone, timestamp now);

} // namespace lapwing
