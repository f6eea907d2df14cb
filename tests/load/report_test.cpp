#define CAF_SUITE load_report
#include "tests/support/caf_test.hpp"

#include <sstream>

#include <nlohmann/json.hpp>

#include "benchmarks/load/progress.hpp"
#include "benchmarks/load/report.hpp"

using namespace lapwing::load;

namespace {

run_result run_with(double rate, std::uint64_t latency_ns) {
  run_result out;
  out.add("rate", "sends a second", unit::per_second, rate);
  histogram values;
  values.add(latency_ns);
  out.add("delivery", "send to stream", values);
  return out;
}

report three_runs() {
  report out{"fanout", "127.0.0.1:3001", "1000 streams", false, {}};
  out.runs = {run_with(1200, 1000), run_with(1'000'000, 3000), run_with(1100, 2000)};
  return out;
}

} // namespace

CAF_TEST(the median of an odd number of runs is the middle one) {
  const auto shown = median_of(three_runs().runs);
  CAF_REQUIRE_EQUAL(shown.metrics.size(), 1u);
  CAF_CHECK_EQUAL(shown.metrics[0].value, 1200.0);
  CAF_REQUIRE_EQUAL(shown.latencies.size(), 1u);
  CAF_CHECK_EQUAL(shown.latencies[0].p99, 2.0);
}

CAF_TEST(the median of an even number of runs lies between the middle two) {
  const auto shown = median_of({run_with(10, 1000), run_with(20, 1000)});
  CAF_CHECK_EQUAL(shown.metrics[0].value, 15.0);
}

CAF_TEST(a failure of any run is a failure of all) {
  auto runs = three_runs().runs;
  runs[1].failures.emplace_back("deliveries lost: 1");
  runs[2].failures.emplace_back("deliveries lost: 1");
  CAF_CHECK_EQUAL(median_of(runs).failures.size(), 1u);
}

CAF_TEST(a number that only some runs have is the median of those) {
  auto runs = three_runs().runs;
  runs[2].add("extra", "extra", unit::count, 7);
  const auto shown = median_of(runs);
  CAF_REQUIRE_EQUAL(shown.metrics.size(), 2u);
  CAF_CHECK_EQUAL(shown.metrics[1].value, 7.0);
}

CAF_TEST(numbers are written for people) {
  CAF_CHECK_EQUAL(to_text(1234567, unit::count), "1,234,567");
  CAF_CHECK_EQUAL(to_text(999, unit::count), "999");
  CAF_CHECK_EQUAL(to_text(-1234, unit::bytes), "-1,234 B");
  CAF_CHECK_EQUAL(to_text(12.34, unit::per_second), "12.3");
  CAF_CHECK_EQUAL(to_text(2.5, unit::seconds), "2.50 s");
}

CAF_TEST(the table is aligned and names its failures) {
  auto what = three_runs();
  what.runs[0].failures.emplace_back("deliveries lost: 3");
  CAF_CHECK_EQUAL(to_table(what),
                  "fanout  127.0.0.1:3001  1000 streams\n"
                  "median of 3 runs, and the least .. the most\n"
                  "\n"
                  "sends a second  1,200  1,100 .. 1,000,000\n"
                  "\n"
                  "latency, ms           p50       p99     p99.9       max        count\n"
                  "send to stream      0.002     0.002     0.002     0.002            1\n"
                  "\n"
                  "FAILED: deliveries lost: 3\n");
}

CAF_TEST(the json holds every run and whether all passed) {
  auto what = three_runs();
  auto parsed = nlohmann::json::parse(to_json(what));
  CAF_CHECK_EQUAL(parsed["passed"].get<bool>(), true);
  CAF_CHECK_EQUAL(parsed["runs"].size(), 3u);
  CAF_CHECK_EQUAL(parsed["median"]["rate"].get<double>(), 1200.0);
  CAF_CHECK_EQUAL(parsed["median"]["delivery"]["p999_us"].get<double>(), 2.0);
  what.interrupted = true;
  CAF_CHECK_EQUAL(nlohmann::json::parse(to_json(what))["passed"].get<bool>(), false);
}

CAF_TEST(progress is one rewritten line on a terminal and plain lines elsewhere) {
  std::ostringstream terminal;
  progress rewritten{terminal, true};
  rewritten.update(1'000'000'000, "one");
  rewritten.update(2'000'000'000, "two");
  rewritten.line("done");
  CAF_CHECK_EQUAL(terminal.str(), "\rone\x1b[K\rtwo\x1b[K\r\x1b[Kdone\n");
  std::ostringstream file;
  progress plain{file, false};
  plain.update(1'000'000'000, "one");
  plain.clear();
  CAF_CHECK_EQUAL(file.str(), "one\n");
  CAF_CHECK(!plain.due(1'900'000'000));
  CAF_CHECK(plain.due(2'000'000'000));
}
