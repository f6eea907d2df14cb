// `lapwing version`: what this binary is.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_version_command(CLI::App& app, int& exit_code);

} // namespace lapwing
