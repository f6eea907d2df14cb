#define CAF_SUITE drive_clock

#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;
using sim::platform;

namespace {

/// Those that can be refreshed: a token that cannot be is over when the clock says so.
std::vector<platform> refreshable() {
  auto all = everywhere();
  std::erase(all, platform::linkedin);
  return all;
}

/// The clock is wrong for some hours: every hour keeps to bounds, and a day later all is told.
void live_with_wrong_clock(std::chrono::milliseconds error, int hours) {
  life of{2, refreshable(), unlimited()};
  of.node.run_for(24h);
  auto play = [&](int count) {
    for (int hour = 0; hour < count; ++hour) {
      auto seen = of.run_hour();
      for (auto where : of.platforms) {
        // Everything is due at once, some of it asks a second time (a token that only seems good, a
        // cursor that is gone), and then as planned.
        auto readings = static_cast<double>(of.readings(where));
        auto bound = static_cast<double>(of.names.size())
                     * (4 * readings + of.calls_a_day(where) / 24);
        auto calls = static_cast<double>(seen.calls[where]);
        if (calls > bound)
          CAF_MESSAGE(sim::name_of(where) << " hour " << hour << " of " << count << ": " << calls
                                          << " calls of " << bound);
        CAF_CHECK(calls <= bound);
      }
    }
  };
  of.node.set_clock_wrong_by(error);
  play(hours);
  of.node.set_clock_wrong_by(0ms);
  play(2);
  auto end = of.node.now();
  play(30);
  of.check_connected();
  of.check_books(end);
}

} // namespace

CAF_TEST(a clock that was three days ahead leaves nobody asleep) {
  live_with_wrong_clock(72h, 6);
}

CAF_TEST(a clock that was five hours behind delays and loses nothing) {
  live_with_wrong_clock(-5h, 6);
}

CAF_TEST(a clock that was two years behind is lived through) {
  live_with_wrong_clock(-24h * 730, 3);
}

CAF_TEST(a machine that slept for two days polls everything once when it wakes) {
  life of{2, everywhere(), unlimited()};
  of.node.run_for(24h);
  std::map<platform, std::uint64_t> before;
  for (auto where : of.platforms)
    before[where] = of.calls(where);
  of.node.sleep(48h);
  for (auto where : of.platforms)
    CAF_CHECK_EQUAL(of.calls(where), before[where]);
  of.node.run_for(20min);
  for (auto where : of.platforms) {
    // Each reading once, however many ticks were missed; an expired cursor costs a few more.
    CAF_CHECK(of.calls(where) - before[where] <= of.names.size() * (of.readings(where) + 3));
    CAF_CHECK(of.calls(where) > before[where]);
  }
  auto end = of.node.now();
  of.node.run_for(26h);
  of.check_tokens();
  of.check_books(end);
}

CAF_TEST(a due time of a clock that was years ahead is forgotten after a start) {
  life of{2, {platform::spotify, platform::github}, unlimited()};
  of.node.set_clock_wrong_by(24h * 365 * 3);
  of.node.run_for(30min);
  of.node.crash();
  of.node.set_clock_wrong_by(0ms);
  auto before = of.calls(platform::github);
  of.node.run_for(5min);
  CAF_CHECK(of.calls(platform::github) > before);
  of.node.run_for(30h);
  of.check_connected();
  of.check_books(of.node.now() - 7h);
}
