// `lapwing bench`: drive a running node as clients do, and measure it.
#pragma once

#include "app/command.hpp"

namespace lapwing {

void add_bench_command(CLI::App& app, int& exit_code);

} // namespace lapwing
