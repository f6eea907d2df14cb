// Which polled items say how things are, rather than what happened.
#pragma once

#include <vector>

#include "core/store.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Kept whatever their age: lists that are only stored when they change (digests), and what other
/// endpoints and registrations are made for (resources_from).
std::vector<stored_kind> lasting_kinds(const std::vector<platform_spec>& platforms);

} // namespace lapwing
