#include "benchmarks/micro/runner.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lapwing::bench {
namespace {

using samples = std::vector<double>; ///< Of one figure, over the runs.

/// Nothing when the time limit passed or the child died.
std::optional<std::vector<double>> measure_in_child(const bench_case& which, policy with,
                                                    const run_options& options) {
  int ends[2];
  if (::pipe(ends) != 0)
    return std::nullopt;
  auto child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    auto values = which.measure(with, options.threads);
    auto bytes = values.size() * sizeof(double);
    auto written = ::write(ends[1], values.data(), bytes);
    // No destructors: the measurement has ended its own threads or is done with them.
    ::_exit(written == static_cast<ssize_t>(bytes) ? 0 : 1);
  }
  ::close(ends[1]);
  std::vector<double> values(which.figures.size());
  auto bytes = static_cast<ssize_t>(values.size() * sizeof(double));
  pollfd wait{ends[0], POLLIN, 0};
  bool complete = child > 0 && ::poll(&wait, 1, static_cast<int>(options.time_limit.count())) == 1
                  && ::read(ends[0], values.data(), static_cast<std::size_t>(bytes)) == bytes;
  ::close(ends[0]);
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return complete ? std::optional{values} : std::nullopt;
}

double median(samples values) {
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string shown(double value) {
  if (value >= 1e6)
    return fmt::format("{:.2f} M", value / 1e6);
  if (value >= 1e4)
    return fmt::format("{:.0f} k", value / 1e3);
  return value < 100 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

struct cell {
  std::vector<samples> figures;
  std::size_t hung = 0;
};

} // namespace

void run_all(const std::vector<bench_case>& cases, const run_options& options) {
  nlohmann::json all = nlohmann::json::array();
  std::vector<std::vector<std::string>> table;
  table.push_back({"", ""});
  for (auto with : all_policies)
    table.back().emplace_back(to_string_view(with));
  for (const auto& which : cases) {
    if (which.name.find(options.filter) == std::string::npos)
      continue;
    std::map<policy, cell> cells;
    for (auto with : which.policies)
      cells[with].figures.resize(which.figures.size());
    // Round by round, so that a noisy minute hits all policies alike.
    for (std::size_t run = 0; run < options.runs; ++run)
      for (auto with : which.policies) {
        auto& cell = cells[with];
        if (cell.hung > 0)
          continue; // Once is enough.
        std::fprintf(stderr, "%s, %s, %zu/%zu\n", which.name.c_str(),
                     std::string{to_string_view(with)}.c_str(), run + 1, options.runs);
        auto values = measure_in_child(which, with, options);
        if (!values)
          ++cell.hung;
        else
          for (std::size_t i = 0; i < values->size(); ++i)
            cell.figures[i].push_back((*values)[i]);
      }
    for (std::size_t i = 0; i < which.figures.size(); ++i) {
      table.push_back({which.figures[i].name, which.figures[i].unit});
      nlohmann::json row{{"case", which.name},
                         {"figure", which.figures[i].name},
                         {"unit", which.figures[i].unit}};
      for (auto with : all_policies) {
        auto found = cells.find(with);
        std::string name{to_string_view(with)};
        if (found == cells.end()) {
          table.back().push_back("");
        } else if (found->second.hung > 0) {
          table.back().push_back("HUNG");
          row["policies"][name] = {{"hung", true}, {"samples", found->second.figures[i]}};
        } else {
          auto value = median(found->second.figures[i]);
          table.back().push_back(shown(value));
          row["policies"][name] = {{"median", value}, {"samples", found->second.figures[i]}};
        }
      }
      all.push_back(std::move(row));
    }
  }
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"threads", options.threads},
                                      {"runs", options.runs},
                                      {"time_limit_ms", options.time_limit.count()},
                                      {"results", all}}
                         .dump(2));
    return;
  }
  std::vector<std::size_t> widths(table.front().size());
  for (const auto& row : table)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (std::size_t r = 0; r < table.size(); ++r) {
    std::string line = "|";
    for (std::size_t i = 0; i < widths.size(); ++i)
      line += i < 2 ? fmt::format(" {:<{}} |", table[r][i], widths[i])
                    : fmt::format(" {:>{}} |", table[r][i], widths[i]);
    fmt::print("{}\n", line);
    if (r == 0) {
      std::string rule = "|";
      for (std::size_t i = 0; i < widths.size(); ++i)
        rule += std::string(widths[i] + (i < 2 ? 2 : 1), '-') + (i < 2 ? "|" : ":|");
      fmt::print("{}\n", rule);
    }
  }
}

} // namespace lapwing::bench
