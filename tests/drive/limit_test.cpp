#define CAF_SUITE drive_limit

#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;
using sim::fault_kind;
using sim::platform;

namespace {

/// Refusals of one closed lane in an hour. With "Retry-After: 30" the waits are 30 s, and after the
/// fifth 32, 64, 128, 256 and then 300 s (closure): twenty in the first hour, thirteen in a later one.
/// Without a time they are 1, 2, 4, 8, 16, 32 and then 60 min.
struct refusals {
  std::uint64_t first_hour;
  std::uint64_t later_hour;
};
constexpr refusals named{20, 13};
constexpr refusals unnamed{7, 2};

/// How many lanes a platform's refusal closes separately: one for the application, one for each user,
/// or one for each reading of each user.
std::uint64_t lanes(const life& of, platform where) {
  const auto& limits = of.spec(where).limits;
  auto users = of.names.size();
  if (limits.requests_per_minute || !limits.bucket_header.empty())
    return users * of.readings(where);
  if (limits.refusal_reach == limit_reach::token)
    return users;
  // When a closed application opens again, as many may ask as poll at a time.
  return limits.concurrency;
}

void storm(refusals most, std::optional<std::chrono::seconds> retry_after, int status) {
  life of{10, everywhere(), unlimited()};
  of.node.run_for(24h);
  for (auto where : of.platforms) {
    sim::fault what;
    what.kind = fault_kind::rate_limit;
    what.retry_after = retry_after;
    what.status = status;
    of.break_all(where, what, 6h, false);
  }
  for (int hour = 0; hour < 6; ++hour) {
    auto seen = of.run_hour();
    for (auto where : of.platforms) {
      auto tries = hour * 1h <= of.longest_period(where) + 1h ? most.first_hour : most.later_hour;
      auto bound = lanes(of, where) * tries;
      if (seen.calls[where] > bound)
        CAF_MESSAGE(sim::name_of(where) << " hour " << hour << ": " << seen.calls[where] << " of "
                                        << bound);
      CAF_CHECK(seen.calls[where] <= bound);
    }
  }
  auto end = of.node.now();
  of.node.run_for(27h);
  of.check_tokens();
  of.check_books(end);
}

} // namespace

CAF_TEST(a storm of 429 with Retry After costs a few calls an hour and loses nothing) {
  storm(named, 30s, 0);
}

CAF_TEST(a storm of refusals that name no time costs fewer still) {
  storm(unnamed, std::nullopt, 0);
}

CAF_TEST(a storm of 403 that mean too fast is no different) {
  storm(named, 30s, 403);
}

CAF_TEST(the daily quota of YouTube is asked for once and waited for until midnight) {
  auto options = unlimited(7, 4);
  // A day of three users costs 111 units.
  options.youtube_units_per_day = 80;
  life of{3, {platform::youtube}, options};
  constexpr int days = 5;
  of.node.run_for(24h * days);
  std::uint64_t limited = 0;
  for (const auto& [name, counted] : of.world.stats().endpoints)
    limited += counted.limited;
  CAF_MESSAGE(limited << " refusals in " << days << " days, " << of.calls(platform::youtube)
                      << " calls");
  CAF_CHECK(limited >= 3u);
  CAF_CHECK(limited <= (days + 1) * of.spec(platform::youtube).limits.concurrency);
  of.check_tokens();
  of.check_books(of.node.now() - 26h);
}

CAF_TEST(a low limit of Spotify for everybody together is kept to) {
  auto options = unlimited();
  options.spotify_calls_per_30s = 10; // Twenty a minute; thirty users need two.
  life of{30, {platform::spotify}, options};
  of.node.run_for(48h);
  std::uint64_t limited = 0;
  for (const auto& [name, counted] : of.world.stats().endpoints)
    limited += counted.limited;
  CAF_MESSAGE(limited << " refusals of " << of.calls(platform::spotify) << " calls");
  CAF_CHECK(limited * 20 <= of.calls(platform::spotify));
  of.check_tokens();
  of.check_books(of.node.now() - 2h);
}

CAF_TEST(the hourly limit of GitHub is read from the answers and never run into) {
  auto options = unlimited();
  options.github_calls_per_hour = 6;
  life of{2, {platform::github}, options};
  for (int i = 0; i < 48; ++i) {
    for (const auto& user : of.names)
      of.node.wake(life::key(platform::github, user), connection_work::sync);
    of.node.run_for(10min);
  }
  CAF_CHECK_EQUAL(of.world.stats().of(platform::github, "user_events").limited, 0u);
  CAF_CHECK(of.calls(platform::github) <= 2u * 6 * 9 + of.world.stats().of(platform::github, "user_events").not_modified
                                            + of.world.stats().of(platform::github, "user_repos").not_modified);
  of.node.run_for(7h);
  of.check_tokens();
  of.check_books(of.node.now() - 6h - 15min);
}

CAF_TEST(a bucket of Discord is read from the answers and never run into) {
  auto options = unlimited(7, 20);
  options.discord_guild_calls_per_5s = 1;
  life of{2, {platform::discord}, options};
  of.node.run_for(1h);
  auto before = of.calls(platform::discord);
  for (int i = 0; i < 120; ++i) {
    for (const auto& user : of.names)
      of.node.wake(life::key(platform::discord, user), connection_work::sync);
    of.node.run_for(1s);
  }
  std::uint64_t limited = 0;
  for (const auto& [name, counted] : of.world.stats().endpoints)
    limited += counted.limited;
  CAF_CHECK_EQUAL(limited, 0u);
  // "me" is in a bucket of its own; the guilds at most once in five seconds.
  CAF_CHECK(of.world.stats().of(platform::discord, "guilds").calls <= 2u * (120 / 5 + 3));
  CAF_CHECK(of.calls(platform::discord) > before);
  of.node.run_for(5h);
  of.check_tokens();
  of.check_books(of.node.now() - 4h - 15min);
}

CAF_TEST(a global limit of Discord stops one person and nobody else) {
  life of{2, {platform::discord}, unlimited(7, 20)};
  of.node.run_for(24h);
  sim::fault what;
  what.kind = fault_kind::rate_limit;
  what.scope = "global";
  what.user = of.names.front();
  what.retry_after = 600s;
  of.break_all(platform::discord, what, 12h, false);
  auto before = of.calls(platform::discord);
  of.node.run_for(12h);
  auto end = of.node.now();
  // Every ten minutes at most one of the one; the other as planned.
  CAF_CHECK(of.world.faults_struck(fault_kind::rate_limit) <= 12u * 6 + 1);
  auto others = of.calls(platform::discord) - before - of.world.faults_struck(fault_kind::rate_limit);
  CAF_CHECK(others >= 2u * 12 / 4 - 2);
  of.node.run_for(5h);
  of.check_tokens();
  of.check_books(end);
}

CAF_TEST(a busy channel of Slack is read to its end although a page a minute is allowed) {
  // 40 messages in four hours and channel: three pages of fifteen.
  life of{2, {platform::slack}, unlimited(7, 20)};
  of.node.run_for(48h);
  CAF_CHECK_EQUAL(of.world.stats().of(platform::slack, "history").limited, 0u);
  of.check_tokens();
  of.check_books(of.node.now() - 4h - 15min);
}
