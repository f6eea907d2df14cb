// `lapwing check-config`: every mistake in the configuration at once.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_check_config_command(CLI::App& app, int& exit_code);

} // namespace lapwing
