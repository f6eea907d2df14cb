// `lapwing sim`: the eight platforms played on this machine, for tests, demos and benchmarks.
#pragma once

namespace CLI {
class App;
}

namespace lapwing {

void add_sim_command(CLI::App& app, int& exit_code);

} // namespace lapwing
