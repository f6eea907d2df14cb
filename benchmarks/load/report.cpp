#include "benchmarks/load/report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lapwing::load {
namespace {

using nlohmann::ordered_json;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double in_microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e3; }

/// "1234567" as "1,234,567".
std::string grouped(double value) {
  auto text = fmt::format("{:.0f}", value);
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;)
    text.insert(at -= 3, 1, ',');
  return text;
}

std::string milliseconds_text(double microseconds) {
  const auto value = microseconds / 1e3;
  return fmt::format("{:.{}f}", value, value < 1 ? 3 : value < 100 ? 2 : 1);
}

ordered_json to_object(const run_result& run) {
  ordered_json out = ordered_json::object();
  for (const auto& item : run.metrics)
    out[item.key] = std::round(item.value * 1000) / 1000;
  for (const auto& item : run.latencies)
    out[item.key] = {{"count", item.count},
                     {"p50_us", item.p50},
                     {"p99_us", item.p99},
                     {"p999_us", item.p999},
                     {"max_us", item.max}};
  if (!run.failures.empty())
    out["failures"] = run.failures;
  if (!run.notes.empty())
    out["notes"] = run.notes;
  return out;
}

/// The smallest and the largest of a metric over the runs, or nothing for a single one.
std::string spread(const report& what, const metric& of) {
  if (what.runs.size() < 2)
    return {};
  double least = of.value;
  double most = of.value;
  for (const auto& run : what.runs)
    for (const auto& item : run.metrics)
      if (item.key == of.key) {
        least = std::min(least, item.value);
        most = std::max(most, item.value);
      }
  return least == most ? std::string{}
                       : fmt::format("  {} .. {}", to_text(least, of.in), to_text(most, of.in));
}

void append_unique(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const auto& line : from)
    if (std::find(to.begin(), to.end(), line) == to.end())
      to.push_back(line);
}

} // namespace

void run_result::add(std::string key, std::string label, unit in, double value) {
  metrics.push_back({std::move(key), std::move(label), in, value});
}

void run_result::add(std::string key, std::string label, const histogram& values) {
  if (values.count() == 0)
    return;
  latencies.push_back({std::move(key), std::move(label), values.count(),
                       in_microseconds(values.quantile(0.5)), in_microseconds(values.quantile(0.99)),
                       in_microseconds(values.quantile(0.999)), in_microseconds(values.max())});
}

run_result median_of(const std::vector<run_result>& runs) {
  run_result out;
  for (const auto& run : runs) {
    append_unique(out.failures, run.failures);
    append_unique(out.notes, run.notes);
    // The first run that has a number gives its place.
    for (const auto& item : run.metrics)
      if (std::none_of(out.metrics.begin(), out.metrics.end(),
                       [&](const metric& other) { return other.key == item.key; }))
        out.metrics.push_back(item);
    for (const auto& item : run.latencies)
      if (std::none_of(out.latencies.begin(), out.latencies.end(),
                       [&](const latency_metric& other) { return other.key == item.key; }))
        out.latencies.push_back(item);
  }
  for (auto& item : out.metrics) {
    std::vector<double> values;
    for (const auto& run : runs)
      for (const auto& other : run.metrics)
        if (other.key == item.key)
          values.push_back(other.value);
    item.value = median(std::move(values));
  }
  for (auto& item : out.latencies) {
    const auto over_runs = [&](double latency_metric::*member) {
      std::vector<double> values;
      for (const auto& run : runs)
        for (const auto& other : run.latencies)
          if (other.key == item.key)
            values.push_back(other.*member);
      return median(std::move(values));
    };
    item.p50 = over_runs(&latency_metric::p50);
    item.p99 = over_runs(&latency_metric::p99);
    item.p999 = over_runs(&latency_metric::p999);
    item.max = over_runs(&latency_metric::max);
  }
  return out;
}

std::string to_text(double value, unit in) {
  switch (in) {
    case unit::count: return grouped(value);
    case unit::per_second:
    case unit::per_cpu_second: return value < 100 ? fmt::format("{:.1f}", value) : grouped(value);
    case unit::seconds: return fmt::format("{:.2f} s", value);
    case unit::cores: return fmt::format("{:.{}f}", value, value < 0.1 ? 4 : 2);
    case unit::bytes: return grouped(value) + " B";
  }
  return {};
}

std::string to_table(const report& what) {
  const auto shown = median_of(what.runs);
  auto out = fmt::format("{}  {}  {}\n", what.scenario, what.target, what.setup);
  if (what.runs.size() > 1)
    out += fmt::format("median of {} runs, and the least .. the most\n", what.runs.size());
  out += '\n';
  std::size_t label_width = 0;
  std::size_t value_width = 0;
  for (const auto& item : shown.metrics) {
    label_width = std::max(label_width, item.label.size());
    value_width = std::max(value_width, to_text(item.value, item.in).size());
  }
  for (const auto& item : shown.latencies)
    label_width = std::max(label_width, item.label.size());
  label_width = std::max<std::size_t>(label_width, 12);
  for (const auto& item : shown.metrics)
    out += fmt::format("{:<{}}  {:>{}}{}\n", item.label, label_width, to_text(item.value, item.in),
                       value_width, spread(what, item));
  if (!shown.latencies.empty()) {
    out += fmt::format("\n{:<{}}  {:>9} {:>9} {:>9} {:>9} {:>12}\n", "latency, ms", label_width,
                       "p50", "p99", "p99.9", "max", "count");
    for (const auto& item : shown.latencies)
      out += fmt::format("{:<{}}  {:>9} {:>9} {:>9} {:>9} {:>12}\n", item.label, label_width,
                         milliseconds_text(item.p50), milliseconds_text(item.p99),
                         milliseconds_text(item.p999), milliseconds_text(item.max),
                         grouped(static_cast<double>(item.count)));
  }
  if (!shown.notes.empty() || !shown.failures.empty() || what.interrupted)
    out += '\n';
  for (const auto& line : shown.notes)
    out += "note: " + line + '\n';
  for (const auto& line : shown.failures)
    out += "FAILED: " + line + '\n';
  if (what.interrupted)
    out += "interrupted: these are the numbers so far\n";
  return out;
}

std::string to_json(const report& what) {
  ordered_json out{{"scenario", what.scenario},
                   {"target", what.target},
                   {"setup", what.setup},
                   {"interrupted", what.interrupted}};
  const auto median_run = median_of(what.runs);
  out["passed"] = median_run.failures.empty() && !what.interrupted;
  out["median"] = to_object(median_run);
  auto& runs = out["runs"] = ordered_json::array();
  for (const auto& run : what.runs)
    runs.push_back(to_object(run));
  // Texts from the node's answers may be anything.
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

} // namespace lapwing::load
