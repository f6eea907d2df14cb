#include "benchmarks/load/options.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lapwing::load {
namespace {

/// One number per stream and publisher is kept to find losses: at most a quarter of a gigabyte.
constexpr std::size_t pairs_max = 64 * 1024 * 1024;
constexpr std::size_t publishers_max = 1024;
constexpr std::size_t streams_max = 1'000'000;

struct scenario_defaults {
  std::size_t streams;
  std::size_t users;
  std::size_t publishers;
  std::size_t window;
  double rate;
};

scenario_defaults defaults_of(scenario which) noexcept {
  switch (which) {
    case scenario::connect: return {1000, 1000, 0, 0, 0};
    case scenario::fanout: return {1000, 1000, 8, 32, 0};
    case scenario::users: return {7500, 5000, 64, 0, 0};
    case scenario::webhooks: return {0, 100, 32, 0, 0};
    case scenario::end_to_end: return {1000, 1000, 32, 0, 1000};
    case scenario::resume: return {1000, 1000, 16, 0, 1000};
  }
  return {};
}

} // namespace

std::string_view to_string_view(scenario which) noexcept {
  switch (which) {
    case scenario::connect: return "connect";
    case scenario::fanout: return "fanout";
    case scenario::users: return "users";
    case scenario::webhooks: return "webhooks";
    case scenario::end_to_end: return "end-to-end";
    case scenario::resume: return "resume";
  }
  return "";
}

result<bench_options> with_defaults(bench_options asked) {
  const auto refuse = [](std::string why) { return error{errc::bad_request, std::move(why)}; };
  const auto usual = defaults_of(asked.which);
  if (asked.which == scenario::webhooks && asked.streams != 0)
    return refuse("webhooks measures ingest alone; end-to-end has streams too");
  // One given number decides the other in the scenario's usual ratio.
  if (asked.streams == 0 && asked.users == 0) {
    asked.streams = usual.streams;
    asked.users = usual.users;
  } else if (asked.streams == 0) {
    asked.streams = asked.users * usual.streams / usual.users;
  } else if (asked.users == 0) {
    asked.users = std::max<std::size_t>(1, asked.streams * usual.users / usual.streams);
  }
  if (asked.streams != 0)
    asked.users = std::min(asked.users, asked.streams); // Every user has a stream.
  if (asked.publishers == 0)
    asked.publishers = usual.publishers;
  if (asked.window == 0)
    asked.window = usual.window;
  if (!asked.rate_given)
    asked.rate = usual.rate;

  if (asked.streams > streams_max)
    return refuse(fmt::format("at most {} streams", streams_max));
  if (asked.publishers > publishers_max)
    return refuse(fmt::format("at most {} publishers", publishers_max));
  if (asked.streams * asked.publishers > pairs_max)
    return refuse(fmt::format("streams x publishers must stay below {}", pairs_max));
  if (asked.threads == 0 || asked.threads > 64)
    return refuse("threads must be 1 to 64");
  if (asked.runs == 0 || asked.runs > 100)
    return refuse("runs must be 1 to 100");
  if (asked.padding > 60'000)
    return refuse("padding must be at most 60000 bytes");
  if (asked.burst == 0)
    return refuse("burst must be at least 1");
  if (asked.rate < 0 || asked.rate > 10'000'000)
    return refuse("rate must be 0 to 10000000 a second");
  for (const double seconds :
       {asked.warmup, asked.duration, asked.settle, asked.drain, asked.outage}) {
    if (!(seconds >= 0 && seconds <= 86'400))
      return refuse("times must be 0 to 86400 seconds");
  }
  if (asked.which != scenario::connect && asked.duration <= 0 && asked.requests_max == 0)
    return refuse("either duration or requests must be above 0");
  if (asked.which == scenario::resume && (asked.cuts == 0 || asked.cuts > 1000))
    return refuse("cuts must be 1 to 1000");
  if (asked.which == scenario::resume && asked.ephemeral)
    return refuse("ephemeral events cannot be resumed");
  const bool webhooks
    = asked.which == scenario::webhooks || asked.which == scenario::end_to_end;
  if (webhooks && asked.secret.empty())
    return refuse("webhooks need the node's GitHub secret: --secret or GITHUB_WEBHOOK_SECRET");
  return asked;
}

} // namespace lapwing::load
