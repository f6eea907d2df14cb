// One number of users: a store of them, a simulator and a node, and what that costs.
//
// Three states of the same connections are measured, in this order:
//   rows     the node knows them from the store only: nothing was due since it started
//   active   every user's supervisor and every connection's platform actor are alive, nothing is due
//   polling  everything is due at once, and is polled
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "benchmarks/load/progress.hpp"
#include "benchmarks/load/report.hpp"
#include "benchmarks/poll/options.hpp"
#include "core/error.hpp"

namespace lapwing::poll_bench {

struct measurement {
  const poll_options& options;
  std::size_t users = 0;
  const std::atomic<bool>& interrupted;
  load::progress& shown;
};

/// Blocks for minutes. errc::shutting_down: interrupted.
result<load::run_result> measure(const measurement& what);

} // namespace lapwing::poll_bench
