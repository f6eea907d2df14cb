// The seed's table (seeds/001, S1-60): calls of a hundred users in a day by webhooks only, by polling
// only, and by both. Measured on the second day; the first one is spent on connecting.
#define CAF_SUITE drive_seed_table

#include <iomanip>
#include <sstream>

#include "platforms/poll/adaptive.hpp"
#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;
using sim::platform;

namespace {

constexpr unsigned users = 100;

enum class method { webhooks, polling, both };

/// By platform: calls in the day.
using day_calls = std::map<platform, std::uint64_t>;

day_calls measure(const std::vector<platform>& where, method how) {
  life_setup setup;
  setup.webhooks = how != method::polling;
  if (how == method::webhooks)
    setup.edit = [](platform_spec& spec) {
      // A poll a month is none.
      spec.poll.interval_max = std::chrono::hours{24 * 30};
      spec.poll.schedule = {spec.poll.interval_max, {}};
      for (auto& endpoint : spec.poll.endpoints)
        endpoint.schedule.reset();
    };
  life of{users, where, unlimited(), std::move(setup)};
  of.node.run_for(24h);
  day_calls before;
  for (auto one : where)
    before[one] = of.calls(one);
  of.node.run_for(24h);
  day_calls out;
  for (auto one : where)
    out[one] = of.calls(one) - before[one];
  of.check_connected();
  return out;
}

std::uint64_t sum(const day_calls& of) {
  std::uint64_t out = 0;
  for (const auto& [where, count] : of)
    out += count;
  return out;
}

std::string cell(const std::string& text) {
  std::ostringstream out;
  out << std::setw(12) << text;
  return out.str();
}

void print(const std::vector<platform>& where, const day_calls& hooks, const day_calls& polls,
           const day_calls& both) {
  CAF_MESSAGE(cell("calls a day") << cell("webhooks") << cell("polling") << cell("hybrid"));
  auto count = [](const day_calls& of, platform one) {
    return of.empty() ? std::string{"-"} : std::to_string(of.at(one));
  };
  for (auto one : where)
    CAF_MESSAGE(cell(std::string{sim::name_of(one)})
                << cell(count(hooks, one)) << cell(count(polls, one)) << cell(count(both, one)));
  CAF_MESSAGE(cell("all") << cell(hooks.empty() ? "-" : std::to_string(sum(hooks)))
                          << cell(std::to_string(sum(polls))) << cell(std::to_string(sum(both))));
}

} // namespace

CAF_TEST(a hundred users of the platforms with webhooks cost less than the five thousand calls of the seed) {
  const std::vector<platform> where{platform::github, platform::gmail, platform::slack};
  auto hooks = measure(where, method::webhooks);
  auto polls = measure(where, method::polling);
  auto both = measure(where, method::both);
  print(where, hooks, polls, both);
  CAF_CHECK(sum(both) < 5000);
  CAF_CHECK(sum(both) < sum(polls));
  CAF_CHECK(sum(hooks) < sum(both));
}

CAF_TEST(a hundred users of all seven platforms cost less by both methods than by polling) {
  const std::vector<platform> where{platform::github,  platform::gmail,   platform::slack,
                                    platform::spotify, platform::youtube, platform::discord,
                                    platform::calendar};
  auto polls = measure(where, method::polling);
  auto both = measure(where, method::both);
  print(where, {}, polls, both);
  CAF_CHECK(sum(both) < sum(polls));
  // The seed's number for polling alone.
  CAF_CHECK(sum(polls) < 48'000);
}

CAF_TEST(a wider safety net costs fewer calls and finds later what no delivery told of) {
  // How adaptive_rules::flow_factor was chosen: what is asked a day where webhooks flow, and how late
  // news are there of twelve hours in which no delivery comes.
  struct row {
    double calls;
    std::chrono::milliseconds median;
  };
  std::vector<row> rows;
  CAF_MESSAGE(cell("factor") << cell("calls a day") << cell("median min") << cell("slowest min"));
  for (int factor : {1, 2, 4, 8}) {
    life_setup setup;
    setup.webhooks = true;
    setup.edit = [factor](platform_spec& spec) {
      auto& poll = spec.poll;
      auto wanted = poll.schedule.interval * factor;
      poll.schedule.interval = wanted / adaptive_rules{}.flow_factor;
      poll.interval_max = wanted;
    };
    life of{20, {platform::gmail, platform::calendar}, unlimited(), std::move(setup)};
    of.node.record_times = true;
    of.node.run_for(24h);
    auto all_calls = [&] { return of.calls(platform::gmail) + of.calls(platform::calendar); };
    auto calls = all_calls();
    of.node.run_for(48h);
    calls = all_calls() - calls;
    auto since = of.node.now();
    for (auto where : of.platforms) {
      sim::fault lost;
      lost.kind = sim::fault_kind::lose_delivery;
      lost.where = where;
      lost.until = since + 12h;
      of.world.add_fault(lost);
    }
    of.node.run_for(12h);
    auto end = of.node.now();
    of.node.run_for(24h);
    auto late = of.latencies(since, end);
    CAF_REQUIRE(late.size() > 50);
    row one{static_cast<double>(calls) / 20 / 2, late[late.size() / 2]};
    auto minutes = [](std::chrono::milliseconds time) {
      return cell(std::to_string(time.count() / 60'000));
    };
    CAF_MESSAGE(cell(std::to_string(factor)) << cell(std::to_string(one.calls).substr(0, 5))
                                             << minutes(one.median) << minutes(late.back()));
    rows.push_back(one);
  }
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CAF_CHECK(rows[i].calls < rows[i - 1].calls);
    CAF_CHECK(rows[i].median > rows[i - 1].median);
  }
}
