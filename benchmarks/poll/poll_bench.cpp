#include "benchmarks/poll/poll_bench.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/load/progress.hpp"
#include "benchmarks/poll/measuring.hpp"
#include "benchmarks/poll/poll_report.hpp"

namespace lapwing::poll_bench {
namespace {

std::vector<std::size_t> sizes_of(const poll_options& options) {
  std::vector<std::size_t> out;
  if (options.linear)
    for (const std::size_t part : {10, 3})
      if (const auto users = options.users / part; users > 0)
        out.push_back(users);
  out.push_back(options.users);
  return out;
}

std::string setup_text(const poll_options& options) {
  std::string platforms;
  for (const auto& platform : options.platforms)
    platforms += (platforms.empty() ? "" : " + ") + platform;
  return fmt::format("{} users with {}, {} items an hour, {} s at rest, {} s of polls",
                     options.users, platforms, options.item_rate, options.rest, options.duration);
}

} // namespace

int run_poll_bench(const poll_options& asked, const load::bench_streams& out,
                   const std::atomic<bool>& interrupted) {
  constexpr int fine = 0;
  constexpr int failed = 1;
  constexpr int wrong_use = 2;
  const auto checked = with_defaults(asked);
  if (!checked) {
    out.messages << "bench: " << checked.error().detail << '\n';
    return wrong_use;
  }
  load::progress shown{out.messages, out.messages_on_terminal};
  poll_report report{setup_text(*checked), {}, {}, false};
  for (const auto users : sizes_of(*checked)) {
    auto measured = measure({*checked, users, interrupted, shown});
    shown.clear();
    if (!measured) {
      report.interrupted = interrupted.load();
      if (!report.interrupted)
        report.failures.push_back(
          fmt::format("{} users: {}", users, measured.error().detail));
      break;
    }
    report.sizes.push_back({users, std::move(*measured)});
  }
  out.results << (checked->json ? to_json(report) : to_table(report)) << std::flush;
  return passed(report) ? fine : failed;
}

} // namespace lapwing::poll_bench
