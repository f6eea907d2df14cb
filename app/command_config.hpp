// What the commands that read a configuration share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Loads `file` (empty: none), this process's environment and `overrides`. With mistakes: prints
/// all of them to standard error, one a line, and returns nothing.
std::optional<config> load_or_explain(const std::string& file,
                                      const std::vector<config_override>& overrides = {},
                                      config_purpose purpose = config_purpose::serve);

/// The platforms of a node with these settings: those that ship, and the files of
/// `platforms.directory`, or of `platforms` beside `file`. Mistakes as above.
std::optional<std::vector<platform_spec>> platforms_or_explain(const config& settings,
                                                               const std::string& file);

} // namespace lapwing
