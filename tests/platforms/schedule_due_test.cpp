#define CAF_SUITE platform_schedule
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "platforms/poll/adaptive.hpp"
#include "platforms/poll/instant.hpp"
#include "platforms/poll/schedule.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

timestamp at(std::string_view text) {
  auto parsed = parse_instant(text);
  CAF_REQUIRE(parsed);
  return parsed->second;
}

const timestamp start = timestamp{std::chrono::seconds{1'795'252'000}};

poll_schedule cron(const char* text) {
  auto made = poll_schedule::make({0s, text});
  CAF_REQUIRE(made);
  return *made;
}

} // namespace

CAF_TEST(a schedule is an interval or an expression) {
  CAF_CHECK(poll_schedule::make({30min, ""}));
  CAF_CHECK(poll_schedule::make({0s, "*/30 * * * *"}));
  CAF_CHECK(!poll_schedule::make({0s, ""}));
  CAF_CHECK(!poll_schedule::make({-1s, ""}));
  CAF_CHECK(!poll_schedule::make({30min, "*/30 * * * *"}));
  CAF_CHECK(!poll_schedule::make({0s, "*/30 * * *"}));
  CAF_CHECK_EQUAL(cron("*/30 * * * *").period(start).count(), 1800);
  CAF_CHECK_EQUAL(poll_schedule::every(0s).period(start).count(), 1);
}

CAF_TEST(who was never polled is due now) {
  CAF_CHECK(next_due(poll_schedule::every(1h), 99, 0.5, std::nullopt, start) == start);
  CAF_CHECK(next_due(cron("0 0 * * *"), 99, 0.5, std::nullopt, start) == start);
}

CAF_TEST(ten thousand users are spread evenly over their interval) {
  auto schedule = poll_schedule::every(30min);
  std::vector<int> minutes(30);
  for (int i = 0; i < 10'000; ++i) {
    auto due = next_due(schedule, spread_of("user" + std::to_string(i) + "/spotify/x"), 0, start,
                        start);
    auto minute = std::chrono::duration_cast<std::chrono::minutes>(due.time_since_epoch()) % 30min;
    ++minutes[static_cast<std::size_t>(minute.count())];
  }
  auto [least, most] = std::minmax_element(minutes.begin(), minutes.end());
  CAF_CHECK(*least > 270); // 333 on average.
  CAF_CHECK(*most < 400);
}

CAF_TEST(the users of one cron tick are spread after it) {
  auto schedule = cron("0 */2 * * *");
  auto last = at("2026-11-21T09:00:00Z");
  std::vector<int> minutes(15);
  for (int i = 0; i < 3'000; ++i) {
    auto due = next_due(schedule, spread_of(std::to_string(i)), 0, last, last);
    auto late = std::chrono::duration_cast<std::chrono::minutes>(due - at("2026-11-21T10:00:00Z"));
    CAF_REQUIRE(late >= 0min);
    CAF_REQUIRE(late < 15min);
    ++minutes[static_cast<std::size_t>(late.count())];
  }
  CAF_CHECK(*std::min_element(minutes.begin(), minutes.end()) > 130); // 200 on average.
}

CAF_TEST(a month of polls are as many as the interval says) {
  struct row {
    poll_schedule schedule;
    long expected;
  };
  const row rows[] = {{poll_schedule::every(30min), 1440}, {poll_schedule::every(2h), 360},
                      {poll_schedule::every(6h), 120},     {cron("*/30 * * * *"), 1440},
                      {cron("0 */6 * * *"), 120},          {cron("0 0 * * *"), 30}};
  std::mt19937_64 chance{11};
  std::uniform_real_distribution<double> unit{0, 1};
  for (const auto& row : rows) {
    for (int user = 0; user < 20; ++user) {
      auto spread = chance();
      auto now = start;
      std::optional<timestamp> last = now;
      long count = 0;
      for (;;) {
        auto due = next_due(row.schedule, spread, unit(chance), last, now);
        CAF_REQUIRE(due > now);
        if (due >= start + std::chrono::days{30})
          break;
        // Polls begin late by up to 20 s and take up to 5 s.
        now = due + std::chrono::milliseconds{chance() % 20'000};
        last = now;
        now += std::chrono::milliseconds{chance() % 5'000};
        ++count;
      }
      CAF_CHECK(std::abs(count - row.expected) <= 1);
    }
  }
}

CAF_TEST(ticks that were missed fire once and late) {
  for (const auto& schedule : {poll_schedule::every(1h), cron("0 * * * *")}) {
    auto last = start;
    auto back = start + 50h;
    auto due = next_due(schedule, 12'345, 0, last, back);
    CAF_CHECK(due <= back);
    auto next = next_due(schedule, 12'345, 0, back, back);
    CAF_CHECK(next > back);
    CAF_CHECK(next <= back + 90min);
  }
}

CAF_TEST(a clock that is set back does not stall anything) {
  for (const auto& schedule : {poll_schedule::every(1h), cron("0 * * * *")}) {
    auto now = start - 240h; // Ten days back.
    auto due = next_due(schedule, 777, 0.9, start, now);
    CAF_CHECK(due > now);
    CAF_CHECK(due <= now + 2h);
    CAF_CHECK(due_is_too_far(schedule, start + 30min, now));
    CAF_CHECK(!due_is_too_far(schedule, due, now));
    CAF_CHECK(!due_is_too_far(schedule, now - 5h, now));
  }
}

CAF_TEST(retries double up to a bound) {
  CAF_CHECK_EQUAL(retry_delay(0, 0.5).count(), 0);
  CAF_CHECK_EQUAL(retry_delay(1, 0.5).count(), 30'000);
  CAF_CHECK_EQUAL(retry_delay(2, 0.5).count(), 60'000);
  CAF_CHECK_EQUAL(retry_delay(3, 0).count(), 90'000);
  CAF_CHECK_EQUAL(retry_delay(4'000'000'000U, 0.5).count(), 900'000);
  CAF_CHECK_EQUAL(retry_delay(1, -5).count(), 22'500);
}

CAF_TEST(the interval follows who looks and what is left) {
  poll_spec limits;
  limits.interval_min = 5min;
  limits.interval_max = 24h;
  struct row {
    const char* what;
    std::chrono::seconds base;
    poll_pressure pressure;
    std::chrono::seconds expected;
  };
  auto with = [](auto set) {
    poll_pressure pressure;
    set(pressure);
    return pressure;
  };
  const row rows[] = {
    {"nothing special", 2h, {}, 2h},
    {"watched", 2h, with([](auto& p) { p.watched = true; }), 30min},
    {"watched, at the lower bound", 10min, with([](auto& p) { p.watched = true; }), 5min},
    {"watched, base below the bound", 2min, with([](auto& p) { p.watched = true; }), 2min},
    {"webhooks doubted", 6h, with([](auto& p) { p.webhooks_doubted = true; }), 90min},
    {"doubt wins over flow", 6h,
     with([](auto& p) { p.webhooks_doubted = p.webhooks_flow = true; }), 90min},
    {"webhooks flow", 1h, with([](auto& p) { p.webhooks_flow = true; }), 4h},
    {"webhooks flow and watched", 1h, with([](auto& p) { p.webhooks_flow = p.watched = true; }),
     4h},
    {"webhooks flow, at the upper bound", 12h, with([](auto& p) { p.webhooks_flow = true; }), 24h},
    {"base beyond the bound", 48h, with([](auto& p) { p.webhooks_flow = true; }), 48h},
    {"budget scarce stops speeding up", 2h,
     with([](auto& p) { p.watched = true; p.budget_left = 0.4; }), 2h},
    {"budget low", 2h, with([](auto& p) { p.budget_left = 0.1; }), 4h},
    {"budget gone", 2h, with([](auto& p) { p.budget_left = 0; }), 8h},
    {"budget unknown", 2h, with([](auto& p) { p.budget_left = std::nan(""); }), 8h},
    {"the provider asked for more", 5min, with([](auto& p) { p.provider_min = 10min; }), 10min},
    {"the provider asked for a year", 5min,
     with([](auto& p) { p.provider_min = std::chrono::hours{8760}; }), 24h},
  };
  for (const auto& row : rows) {
    CAF_MESSAGE(row.what);
    CAF_CHECK_EQUAL(adaptive_interval(row.base, limits, row.pressure).count(),
                    row.expected.count());
  }
}
