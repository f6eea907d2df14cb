// The process environment as a value, so that tests choose it and typing errors in it are found.
#pragma once

#include <map>
#include <string>

namespace lapwing {

using environment = std::map<std::string, std::string, std::less<>>;

/// A copy of this process's environment. Not while another thread changes it.
environment process_environment();

} // namespace lapwing
