// `lapwing admin`: look into a running node and act on it.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_admin_command(CLI::App& app, int& exit_code);

} // namespace lapwing
