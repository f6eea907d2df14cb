// What the commands that read a configuration share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace lapwing {

/// Loads `file` (empty: none), this process's environment and `overrides`. With mistakes: prints
/// all of them to standard error, one a line, and returns nothing.
std::optional<config> load_or_explain(const std::string& file,
                                      const std::vector<config_override>& overrides = {},
                                      config_purpose purpose = config_purpose::serve);

} // namespace lapwing
