// What a run measured, and how it is shown: an aligned table for people, JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/load/histogram.hpp"

namespace lapwing::load {

enum class unit : std::uint8_t {
  count,
  per_second,
  seconds,
  bytes,
  cores,      ///< CPU seconds a second.
  per_cpu_second,
};

struct metric {
  std::string key;   ///< In JSON; carries its unit.
  std::string label; ///< In the table.
  unit in = unit::count;
  double value = 0;
};

/// Microseconds.
struct latency_metric {
  std::string key;
  std::string label;
  std::uint64_t count = 0;
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

struct run_result {
  std::vector<metric> metrics;
  std::vector<latency_metric> latencies;
  std::vector<std::string> failures; ///< What must not be; any makes the command fail.
  std::vector<std::string> notes;

  void add(std::string key, std::string label, unit in, double value);
  /// Nothing when `values` is empty.
  void add(std::string key, std::string label, const histogram& values);
};

struct report {
  std::string scenario;
  std::string target;
  std::string setup; ///< One line: what was asked for.
  bool interrupted = false;
  std::vector<run_result> runs;
};

/// Each number is the median over the runs that have it; failures and notes are those of all runs.
run_result median_of(const std::vector<run_result>& runs);

std::string to_table(const report& what);
std::string to_json(const report& what);

/// "412,345", "3.21", "1.5 KiB": a number as the table shows it.
std::string to_text(double value, unit in);

} // namespace lapwing::load
