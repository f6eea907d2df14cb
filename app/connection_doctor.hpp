// The connection doctor for connections that sleep: between two polls nothing of them is in memory,
// and what is known of them is in the store.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "core/time.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// `document` is what a user's actors say: an object whose list `name` has one object for each
/// platform. Returns it with what `stored` says of the connections that are missing there. Those that
/// the person ended are left out. Anything else than such a document comes back as it is.
std::string with_sleeping_connections(std::string document, std::string_view name,
                                      const std::vector<loaded_connection>& stored,
                                      const std::vector<platform_spec>& platforms, timestamp now);

} // namespace lapwing
