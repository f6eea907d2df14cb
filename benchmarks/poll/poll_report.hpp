// What the poll benchmark measured: a column for each number of users, and the targets beside them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "benchmarks/load/report.hpp"

namespace lapwing::poll_bench {

struct sized_result {
  std::size_t users = 0;
  load::run_result numbers;
};

struct poll_report {
  std::string setup; ///< One line: what was asked for.
  std::vector<sized_result> sizes; ///< Rising.
  std::vector<std::string> failures;
  bool interrupted = false;
};

/// Nothing failed, and it went to its end.
bool passed(const poll_report& what);

std::string to_table(const poll_report& what);
std::string to_json(const poll_report& what);

} // namespace lapwing::poll_bench
