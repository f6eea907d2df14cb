// `lapwing bench poll`: what connected users cost a node.
#pragma once

#include <atomic>
#include <functional>

namespace CLI {
class App;
}

namespace lapwing {

/// `interrupted` is set by whoever handles signals; `prepare` runs before the measurement.
void add_bench_poll_command(CLI::App& bench, const std::atomic<bool>& interrupted,
                            std::function<void()> prepare, int& exit_code);

} // namespace lapwing
