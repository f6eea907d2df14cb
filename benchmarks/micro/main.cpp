// lapwing_micro: the runtime's own costs beside CAF's two schedulers, one process a measurement.
//
//   lapwing_micro                     all cases, medians of 5, as a Markdown table
//   lapwing_micro --case timers --runs 1 --json
#include <CLI/CLI.hpp>

#include "benchmarks/micro/runner.hpp"

int main(int argc, char** argv) {
  lapwing::bench::run_options options;
  CLI::App app{"Micro-benchmarks of the actor runtime."};
  app.add_option("--case", options.filter, "only the cases with this in their name");
  app.add_option("--runs", options.runs, "runs of each, of which the median is shown")
    ->check(CLI::Range(1, 100))
    ->capture_default_str();
  app.add_option("--threads", options.threads, "worker threads of each policy")
    ->check(CLI::Range(1, 64))
    ->capture_default_str();
  std::size_t limit_seconds = 10;
  app.add_option("--limit", limit_seconds, "seconds after which a measurement counts as hung")
    ->check(CLI::Range(1, 600))
    ->capture_default_str();
  app.add_flag("--json", options.json, "all samples as JSON");
  CLI11_PARSE(app, argc, argv);
  options.time_limit = std::chrono::seconds{limit_seconds};
  lapwing::bench::run_all(lapwing::bench::runtime_cases(), options);
}
