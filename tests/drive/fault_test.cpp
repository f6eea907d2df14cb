#define CAF_SUITE drive_fault

#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;
using sim::fault_kind;

namespace {

sim::fault made(fault_kind kind, int status = 0) {
  sim::fault out;
  out.kind = kind;
  out.status = status;
  return out;
}

/// Calls of one reading in an hour in which everything fails. The waits between tries are 30 s,
/// doubling to 15 min, each 75 to 125 % (retry_delay): at the shortest 22.5, 45, 90, 180, 360 and then
/// 675 s, which makes ten tries in the hour of the first one and at most six in any later hour.
constexpr std::uint64_t tries_first_hour = 10;
constexpr std::uint64_t tries_later_hour = 6;
/// Of the token endpoint (token_keeper): 5 s doubling to 15 min, each 50 to 100 %: at the shortest
/// 2.5, 5, 10, 20, 40, 80, 160, 320 and then 450 s.
constexpr std::uint64_t refreshes_first_hour = 15;
constexpr std::uint64_t refreshes_later_hour = 9;

/// How long an access token lives: an outage of the token endpoint is met within that time.
std::chrono::hours token_life(sim::platform where) {
  switch (where) {
    case sim::platform::github: return 8h;
    case sim::platform::slack: return 12h;
    case sim::platform::discord: return 7 * 24h;
    default: return 1h;
  }
}

/// Plays `hours` of an outage, and checks every hour of every platform.
void play_outage(life& of, int hours) {
  for (int hour = 0; hour < hours; ++hour) {
    auto seen = of.run_hour();
    for (auto where : of.platforms) {
      // A reading meets the outage within its interval. From then on it is beyond its first hour.
      bool is_first = hour * 1h <= of.longest_period(where) + 1h;
      auto bound = of.names.size() * of.readings(where)
                   * (is_first ? tries_first_hour : tries_later_hour);
      auto refreshes = of.names.size()
                       * (hour * 1h <= token_life(where) + 1h ? refreshes_first_hour
                                                              : refreshes_later_hour);
      if (seen.calls[where] > bound)
        CAF_MESSAGE(sim::name_of(where) << " hour " << hour << ": " << seen.calls[where] << " of "
                                        << bound);
      CAF_CHECK(seen.calls[where] <= bound);
      CAF_CHECK(seen.refreshes[where] <= refreshes);
    }
  }
}

/// A day as usual, an outage, and as long as the slowest platform needs to come back.
void live_through(fault_kind kind, int status, int hours, bool tokens) {
  life of{2, everywhere(), unlimited()};
  of.node.run_for(24h);
  for (auto where : of.platforms)
    of.break_all(where, made(kind, status), std::chrono::hours{hours}, tokens);
  play_outage(of, hours);
  auto end = of.node.now();
  CAF_CHECK(of.world.faults_struck(kind) > 0);
  of.node.run_for(26h);
  of.check_connected();
  of.check_books(end);
}

} // namespace

CAF_TEST(six hours of server errors lose nothing and cost few calls) {
  live_through(fault_kind::server_error, 500, 6, true);
  live_through(fault_kind::server_error, 503, 6, true);
}

CAF_TEST(six hours of hanging requests lose nothing) {
  live_through(fault_kind::hang, 0, 6, true);
}

CAF_TEST(six hours of dropped connections lose nothing) {
  live_through(fault_kind::drop, 0, 6, true);
}

CAF_TEST(answers that break off are asked for again) {
  // Not of the token endpoint: what a platform does when the answer to a rotation is lost is the token
  // keeper's own test.
  live_through(fault_kind::half_answer, 0, 6, false);
  live_through(fault_kind::lose_answer, 0, 6, false);
}

CAF_TEST(answers that are no JSON change nothing) {
  // Not of the token endpoint either: it has rotated the tokens before it answers nonsense.
  live_through(fault_kind::wrong_json, 0, 6, false);
}

CAF_TEST(a provider may be away for a day) {
  live_through(fault_kind::drop, 0, 24, true);
}

CAF_TEST(faults that strike one request in three are lived through) {
  life of{2, everywhere(), unlimited()};
  of.node.run_for(1h);
  for (auto kind : {fault_kind::server_error, fault_kind::hang, fault_kind::half_answer,
                    fault_kind::wrong_json})
    for (auto where : of.platforms) {
      auto what = made(kind);
      what.probability = 0.1;
      of.break_all(where, what, 72h, false);
    }
  of.node.run_for(72h);
  auto end = of.node.now();
  of.node.run_for(26h);
  of.check_tokens();
  of.check_books(end);
}

CAF_TEST(slow answers below the time out are no fault) {
  life of{2, everywhere(), unlimited()};
  for (auto where : of.platforms) {
    auto what = made(fault_kind::latency);
    what.delay = 9s;
    what.where = where;
    of.world.add_fault(what);
  }
  of.node.run_for(72h);
  of.check_tokens();
  of.check_books(of.node.now() - 26h);
}

CAF_TEST(expired cursors of Gmail and Calendar are replaced without a loss) {
  life of{3, {sim::platform::gmail, sim::platform::calendar}, unlimited(7, 2)};
  for (int hour = 0; hour < 96; ++hour) {
    if (hour % 5 == 4)
      for (auto where : of.platforms)
        of.world.expire_cursors(where, "");
    of.run_hour();
  }
  auto end = of.node.now();
  of.node.run_for(3h);
  // A 404 or 410, then what a full reading asks: at most so many calls for one.
  for (auto where : of.platforms)
    CAF_CHECK(static_cast<double>(of.calls(where)) <= of.calls_a_day(where) * 3 * 4.2 + 3 * 20 * 6);
  CAF_CHECK(of.world.stats().of(sim::platform::gmail, "history").refused >= 3u * 15);
  of.check_tokens();
  of.check_books(end);
}

CAF_TEST(access tokens that stop working early are replaced at the first refusal) {
  life of{2, everywhere(), unlimited()};
  for (int day = 0; day < 4; ++day) {
    of.node.run_for(24h);
    for (auto where : of.platforms)
      if (where != sim::platform::linkedin) // Without a refresh token there is nothing to be done.
        of.world.expire_access_tokens(where, "");
  }
  auto end = of.node.now();
  of.node.run_for(26h);
  for (auto where : of.platforms) {
    auto bad = of.world.stats().of(where).invalid_tokens;
    if (bad > 2u * 4)
      CAF_MESSAGE(sim::name_of(where) << ": " << bad << " calls with a bad token");
    CAF_CHECK(bad <= 2u * 4);
  }
  of.check_connected();
  of.check_books(end);
}
