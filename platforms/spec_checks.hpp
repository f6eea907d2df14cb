// What must hold between the keys of one platform, beyond each one's own range.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/mistake.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Fills in what follows from other keys: the title, the style of cursors and pages.
void complete(platform_spec& platform);

/// `where(key)` names the place a key was set at, for the mistake.
std::vector<config_mistake> check(const platform_spec& platform,
                                  const std::function<std::string(std::string_view)>& where);

} // namespace lapwing
