#include "benchmarks/poll/options.hpp"

#include <set>

namespace lapwing::poll_bench {

result<poll_options> with_defaults(poll_options asked) {
  const auto refuse = [](const char* why) { return error{errc::bad_request, why}; };
  if (asked.platforms.empty())
    asked.platforms = {"spotify", "github", "gmail"};
  if (asked.users == 0 || asked.users > 1'000'000)
    return refuse("users must be 1 to 1000000");
  if (!(asked.rest >= 0 && asked.rest <= 3600) || !(asked.duration > 0 && asked.duration <= 3600))
    return refuse("times must be at most an hour, and duration above 0");
  if (!(asked.item_rate >= 0 && asked.item_rate <= 1000))
    return refuse("item rate must be 0 to 1000 an hour");
  if (asked.threads > 64)
    return refuse("threads must be 0 to 64");
  // The others are polled for things that yet another endpoint must bring first.
  const std::set<std::string> possible{"spotify", "github", "gmail", "discord"};
  std::set<std::string> seen;
  for (const auto& platform : asked.platforms)
    if (!possible.contains(platform) || !seen.insert(platform).second)
      return refuse("platforms are spotify, github, gmail and discord, each once");
  return asked;
}

} // namespace lapwing::poll_bench
