#define CAF_SUITE drive_month

#include <chrono>
#include <cstdlib>

#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;

namespace {

/// Larger runs: LAPWING_MONTH_USERS=1000 LAPWING_MONTH_DAYS=30 (docs/verification.md).
unsigned setting(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

} // namespace

CAF_TEST(a simulated month passes without a lost item or an avoidable end of a connection) {
  const auto users = setting("LAPWING_MONTH_USERS", 3);
  const auto days = setting("LAPWING_MONTH_DAYS", 30);
  const auto real_begin = std::chrono::steady_clock::now();
  life of{users, everywhere(), unlimited()};
  of.node.run_for(std::chrono::hours{24 * days});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - real_begin;
  std::uint64_t all_calls = 0;
  for (auto where : of.platforms) {
    const auto& counted = of.world.stats().of(where);
    all_calls += counted.calls;
    auto planned = of.calls_a_day(where) * days * users;
    // Each reading keeps its place in the grid of its interval: one more or less for where the month
    // is cut, one for the first at once, and what a first sync asks besides.
    auto readings = static_cast<double>(of.readings(where) * users);
    CAF_MESSAGE(sim::name_of(where)
                << ": " << counted.calls << " calls, planned " << planned << ", "
                << static_cast<double>(counted.calls) / users / days << " a user and day, "
                << counted.refreshes << " refreshes");
    CAF_CHECK(static_cast<double>(counted.calls) >= planned - readings);
    CAF_CHECK(static_cast<double>(counted.calls) <= planned + 2 * readings + 3.0 * users);
  }
  CAF_MESSAGE(all_calls << " calls, " << of.node.store().items_stored << " items stored, "
                        << of.node.steps << " steps in " << took.count() << " s");
  of.check_tokens();
  // What is younger than the longest interval may not have been polled yet.
  of.check_books(of.node.now() - 26h);
}
