// `lapwing bench` without its command line: checks what was asked, runs it, prints it.
#pragma once

#include <atomic>
#include <ostream>

#include "benchmarks/load/options.hpp"

namespace lapwing::load {

struct bench_streams {
  std::ostream& results;  ///< The table or the JSON.
  std::ostream& messages; ///< Progress and complaints.
  bool messages_on_terminal = false;
};

/// 0: measured, and nothing was lost, doubled or refused; 1: something was, or `interrupted` was
/// set meanwhile; 2: `asked` cannot be done. Runs until the scenario's time is over.
int run_bench(const bench_options& asked, const bench_streams& out,
              const std::atomic<bool>& interrupted);

} // namespace lapwing::load
