#include "benchmarks/load/bench.hpp"

#include <chrono>
#include <exception>

#include <fmt/format.h>

#include "benchmarks/load/clock.hpp"
#include "benchmarks/load/process_stats.hpp"
#include "benchmarks/load/progress.hpp"
#include "benchmarks/load/report.hpp"
#include "benchmarks/load/scenarios.hpp"

namespace lapwing::load {
namespace {

/// Descriptors besides streams and publishers: standard streams, loops, user set-up.
constexpr std::size_t spare_descriptors = 256;

run_result run_once(const run_context& context) {
  switch (context.options.which) {
    case scenario::connect: return run_connect(context);
    case scenario::fanout: return run_fanout(context);
    case scenario::users: return run_users(context);
    case scenario::webhooks: return run_webhooks(context);
    case scenario::end_to_end: return run_end_to_end(context);
    case scenario::resume: return run_resume(context);
  }
  return {};
}

} // namespace

int run_bench(const bench_options& asked, const bench_streams& out,
              const std::atomic<bool>& interrupted) {
  constexpr int fine = 0;
  constexpr int failed = 1;
  constexpr int wrong_use = 2;
  const auto checked = with_defaults(asked);
  if (!checked) {
    out.messages << "bench: " << checked.error().detail << '\n';
    return wrong_use;
  }
  const auto& options = *checked;
  const auto wanted = options.streams + options.publishers + spare_descriptors;
  if (const auto limit = raise_file_limit(); wanted > limit) {
    out.messages << fmt::format("bench: {} streams need {} open files and the hard limit is {}: "
                                "raise it (ulimit -Hn) or ask for at most {} streams\n",
                                options.streams, wanted, limit,
                                limit > spare_descriptors + options.publishers
                                  ? limit - spare_descriptors - options.publishers
                                  : 0);
    return wrong_use;
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const identity who{options.jwt_secret, options.token, now, std::chrono::hours{24}};
  progress shown{out.messages, out.messages_on_terminal};
  const int pid = options.pid != 0 ? options.pid : find_listener(options.target);
  const auto salt = static_cast<std::uint16_t>(monotonic_ns() >> 20);

  report result{std::string{to_string_view(options.which)}, to_string(options.target),
                setup_text(options), false, {}};
  try {
    for (std::size_t i = 0; i < options.runs && !interrupted.load(); ++i) {
      if (options.runs > 1)
        shown.line(fmt::format("run {} of {}", i + 1, options.runs));
      result.runs.push_back(run_once({options, who, interrupted, shown,
                                      static_cast<std::uint16_t>(salt + i), pid}));
      shown.clear();
    }
  } catch (const std::exception& failure) {
    shown.clear();
    out.messages << "bench: " << failure.what() << '\n';
    return failed;
  }
  result.interrupted = interrupted.load();
  out.results << (options.json ? to_json(result) : to_table(result)) << std::flush;
  const bool passed = !result.interrupted && median_of(result.runs).failures.empty();
  return passed ? fine : failed;
}

} // namespace lapwing::load
