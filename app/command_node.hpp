// `lapwing node`: run a node until SIGTERM.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_node_command(CLI::App& app, int& exit_code);

} // namespace lapwing
