// What must hold between settings, beyond each one's own range.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/load.hpp"
#include "config/mistake.hpp"

namespace lapwing {

/// `where(key)` names the place a key was set at, for the mistake.
std::vector<config_mistake> check(const config& value, config_purpose purpose,
                                  const std::function<std::string(std::string_view)>& where);

} // namespace lapwing
