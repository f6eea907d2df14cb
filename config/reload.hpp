// What SIGHUP changes: log level, limits, secrets, TLS certificates and CORS origins, without
// dropping a connection. Everything else keeps its value until the next start.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace lapwing {

struct reload_plan {
  config merged;                          ///< `current` with every change that may be made now.
  std::vector<std::string> changed;       ///< Keys in force from now on.
  std::vector<std::string> needs_restart; ///< Keys that differ but keep their old value.
};

/// Both must have passed load(). Key names only: secrets never get into the lists.
reload_plan apply_reload(const config& current, const config& next);

} // namespace lapwing
