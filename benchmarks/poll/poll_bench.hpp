// `lapwing bench poll` without its command line: what connected users cost a node, at rest and while
// they are polled, and whether that grows linearly. Starts what it needs, and leaves nothing.
#pragma once

#include <atomic>

#include "benchmarks/load/bench.hpp"
#include "benchmarks/poll/options.hpp"

namespace lapwing::poll_bench {

/// 0: measured, and nothing was lost or refused; 1: something was, or `interrupted` was set
/// meanwhile; 2: `asked` cannot be done. Whether the targets are met is in the output alone: a
/// smaller machine is no failure.
int run_poll_bench(const poll_options& asked, const load::bench_streams& out,
                   const std::atomic<bool>& interrupted);

} // namespace lapwing::poll_bench
