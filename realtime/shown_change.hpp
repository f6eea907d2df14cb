// A change as one client is shown it: the row as the database lets its subject see it now, and of
// the old row what it may know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "realtime/change_feed.hpp"

namespace lapwing::realtime {

/// The change's primary key as JSON text, to tell rows apart: of the new row, of the old one for a
/// remove. Empty when it is not all there.
std::string row_key(const row_change& change, const table_rules& rules);

/// The `data` of a message, or nothing when the subject may not see the change. `seen`: it was
/// shown this row before.
std::optional<std::string> shown_change(const row_change& change, timestamp committed,
                                        const table_rules& rules, const sight& may, bool seen,
                                        const std::optional<std::vector<std::string>>& select);

} // namespace lapwing::realtime
