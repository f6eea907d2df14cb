// `lapwing keys`: make secrets and key pairs.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_keys_command(CLI::App& app, int& exit_code);

} // namespace lapwing
