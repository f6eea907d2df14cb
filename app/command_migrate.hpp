// `lapwing migrate`: apply the schema.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_migrate_command(CLI::App& app, int& exit_code);

} // namespace lapwing
