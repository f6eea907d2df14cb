// Where the program's own words go: standard error, one line each, text or JSON. Writing happens on
// a thread of its own; when it cannot keep up the oldest lines are lost, never an I/O thread's time.
#pragma once

#include <string>

#include "config/config.hpp"

namespace lapwing {

void start_logging(const log_config& settings);
/// trace, debug, info, warn, error; false: no such level. Any thread.
bool set_log_level(const std::string& level);

} // namespace lapwing
