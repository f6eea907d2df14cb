// The bounds of what is under way, and who is next.
#define CAF_SUITE outbound_host_lines
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "net/outbound/host_lines.hpp"

using lapwing::net::host_lines;

namespace {

host_lines::time_point at(int seconds) {
  return host_lines::time_point{} + std::chrono::seconds{seconds};
}

} // namespace

CAF_TEST(a host waits in its own line and hosts take turns) {
  host_lines lines{4, 2};
  for (std::uint64_t id = 1; id <= 4; ++id)
    lines.add(id, "a", at(10));
  lines.add(5, "b", at(10));
  CAF_CHECK_EQUAL(lines.next().value_or(0), 1u);
  CAF_CHECK_EQUAL(lines.next().value_or(0), 5u);
  CAF_CHECK_EQUAL(lines.next().value_or(0), 2u);
  CAF_CHECK(!lines.next().has_value());
  lines.finished(5);
  CAF_CHECK(!lines.next().has_value());
  lines.finished(1);
  CAF_CHECK_EQUAL(lines.next().value_or(0), 3u);
  CAF_CHECK_EQUAL(lines.waiting(), 1u);
  CAF_CHECK_EQUAL(lines.under_way(), 2u);
}

CAF_TEST(the bound of all holds whatever the hosts) {
  host_lines lines{2, 2};
  for (std::uint64_t id = 1; id <= 3; ++id)
    lines.add(id, "host " + std::to_string(id), at(10));
  CAF_CHECK(lines.next().has_value());
  CAF_CHECK(lines.next().has_value());
  CAF_CHECK(!lines.next().has_value());
  lines.finished(1);
  CAF_CHECK_EQUAL(lines.next().value_or(0), 3u);
}

CAF_TEST(who waits past the deadline leaves the line) {
  host_lines lines{1, 1};
  lines.add(1, "a", at(10));
  CAF_CHECK_EQUAL(lines.next().value_or(0), 1u);
  lines.add(2, "a", at(5));
  lines.add(3, "a", at(7));
  CAF_CHECK(lines.first_deadline() == at(5));
  CAF_CHECK(!lines.expired(at(4)).has_value());
  CAF_CHECK_EQUAL(lines.expired(at(5)).value_or(0), 2u);
  CAF_CHECK(!lines.expired(at(5)).has_value());
  lines.finished(1);
  CAF_CHECK_EQUAL(lines.next().value_or(0), 3u);
  CAF_CHECK(!lines.expired(at(100)).has_value());
  CAF_CHECK(!lines.first_deadline().has_value());
}

CAF_TEST(under random use the bounds hold and everybody gets a turn) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937 chance{seed};
    host_lines lines{5, 2};
    std::map<std::uint64_t, std::string> waiting;
    std::map<std::uint64_t, std::string> under_way;
    std::map<std::string, std::size_t> per_host;
    std::uint64_t last = 0;
    std::size_t served = 0;
    std::size_t expired = 0;
    for (int step = 0; step < 4000; ++step) {
      if (step < 3000 && chance() % 3 == 0) {
        auto host = std::string(1, static_cast<char>('a' + chance() % 6));
        lines.add(++last, host, at(step + 50 + static_cast<int>(chance() % 500)));
        waiting.emplace(last, host);
      }
      while (auto id = lines.next()) {
        auto moved = waiting.extract(*id);
        CAF_REQUIRE(!moved.empty());
        ++per_host[moved.mapped()];
        under_way.insert(std::move(moved));
      }
      while (auto id = lines.expired(at(step))) {
        CAF_REQUIRE_EQUAL(waiting.erase(*id), 1u);
        ++expired;
      }
      if (!under_way.empty() && chance() % 3 == 0) {
        auto gone = std::next(under_way.begin(),
                              static_cast<std::ptrdiff_t>(chance() % under_way.size()));
        lines.finished(gone->first);
        --per_host[gone->second];
        under_way.erase(gone);
        ++served;
      }
      CAF_REQUIRE(under_way.size() <= 5);
      CAF_REQUIRE(std::all_of(per_host.begin(), per_host.end(),
                              [](const auto& each) { return each.second <= 2; }));
      CAF_REQUIRE_EQUAL(lines.waiting(), waiting.size());
      CAF_REQUIRE_EQUAL(lines.under_way(), under_way.size());
    }
    CAF_CHECK(waiting.empty());
    CAF_CHECK_EQUAL(served + expired + under_way.size(), last);
  }
}
