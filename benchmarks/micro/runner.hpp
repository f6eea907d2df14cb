// Runs each measurement in a process of its own, so that one that hangs can be told and ended and
// none inherits another's heap; then tells medians as a table or as JSON.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/micro/policy.hpp"

namespace lapwing::bench {

/// One row of the table.
struct figure {
  std::string name;
  std::string unit;
};

struct bench_case {
  std::string name; ///< For --case.
  std::vector<figure> figures;
  std::vector<policy> policies; ///< That it makes sense for.
  /// Measures once: a number for each of `figures`. Runs in a fresh process.
  std::function<std::vector<double>(policy, std::size_t threads)> measure;
};

struct run_options {
  std::size_t threads = 2;
  std::size_t runs = 5;
  std::chrono::milliseconds time_limit{10'000}; ///< Of one measurement; beyond it counts as hung.
  std::string filter;                           ///< Part of a case's name.
  bool json = false;
};

/// Prints to standard output; progress goes to standard error.
void run_all(const std::vector<bench_case>& cases, const run_options& options);

std::vector<bench_case> runtime_cases();

} // namespace lapwing::bench
