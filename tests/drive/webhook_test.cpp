#define CAF_SUITE drive_webhook

#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;
using sim::fault_kind;
using sim::platform;

namespace {

/// Those whose webhooks the node registers itself, and Slack, where an operator does.
const std::vector<platform> told{platform::github, platform::gmail, platform::calendar,
                                 platform::youtube, platform::slack};
/// Where an unwatched, unlimited poll of what webhooks tell of is the safety net.
constexpr auto net = 26h;

life a_life(unsigned users, std::vector<platform> where, double items_per_hour = 0.5) {
  return life{users, std::move(where), unlimited(7, items_per_hour), {.webhooks = true}};
}

sim::fault of_kind(fault_kind kind, platform where, double probability = 1) {
  sim::fault out;
  out.kind = kind;
  out.where = where;
  out.probability = probability;
  return out;
}

/// A month with one kind of trouble on the way of every delivery: nothing is lost or doubled.
void deliver_with(fault_kind kind, double probability, std::chrono::milliseconds delay) {
  auto of = a_life(3, told);
  of.node.run_for(24h);
  for (auto where : of.platforms) {
    auto what = of_kind(kind, where, probability);
    what.delay = delay;
    of.world.add_fault(what);
  }
  of.node.run_for(6 * 24h);
  auto end = of.node.now();
  of.world.clear_faults();
  of.node.run_for(net);
  CAF_CHECK(of.world.faults_struck(kind) > 0);
  of.check_tokens(true);
  of.check_books(end);
}

} // namespace

CAF_TEST(webhooks are registered once and kept alive for weeks) {
  auto of = a_life(2, told);
  of.node.run_for(1h);
  std::map<platform, std::size_t> live;
  for (auto where : of.platforms) {
    if (where == platform::slack)
      continue; // Its one address stands in the app's settings.
    live[where] = of.world.registrations(where, "");
    CAF_MESSAGE(sim::name_of(where) << ": " << live[where]);
    CAF_CHECK_EQUAL(live[where], of.names.size() * of.world.resources(where, "user-0").size()
                                   + (where == platform::gmail ? of.names.size() : 0));
  }
  for (int day = 0; day < 21; ++day) {
    of.node.run_for(24h);
    // A renewed channel of Calendar lives beside the old one until that is stopped.
    for (const auto& [where, count] : live)
      CAF_CHECK(of.world.registrations(where, "") >= count);
  }
  for (auto where : of.platforms) {
    const auto& counted = of.world.stats().of(where);
    CAF_MESSAGE(sim::name_of(where) << ": " << counted.deliveries << " deliveries, "
                                    << counted.accepted << " accepted");
    CAF_CHECK(counted.accepted > 0);
    CAF_CHECK_EQUAL(counted.failed, 0u);
  }
  CAF_CHECK(of.node.refused_deliveries().empty());
  of.check_tokens();
  of.check_books(of.node.now() - net);
}

CAF_TEST(news of Gmail and Calendar are there within seconds of their notice) {
  auto of = a_life(3, {platform::gmail, platform::calendar}, 2);
  of.node.record_times = true;
  of.node.run_for(72h);
  auto late = of.latencies(of.begin + 24h);
  CAF_REQUIRE(late.size() > 50);
  CAF_MESSAGE("median " << late[late.size() / 2].count() << " ms, slowest "
                        << late.back().count() << " ms");
  CAF_CHECK(late[late.size() / 2] <= 5s);
  // A notice in the same second as another is left out by Gmail; the next one's poll brings it.
  CAF_CHECK(late[late.size() * 95 / 100] <= 60s);
}

CAF_TEST(deliveries that come twice are one event) {
  auto plain = a_life(2, told);
  plain.node.run_for(7 * 24h);
  auto of = a_life(2, told);
  for (auto where : of.platforms)
    of.world.add_fault(of_kind(fault_kind::duplicate_delivery, where));
  of.node.run_for(7 * 24h);
  CAF_CHECK(of.world.faults_struck(fault_kind::duplicate_delivery) > 0);
  CAF_CHECK_EQUAL(of.node.events["webhook_received"], plain.node.events["webhook_received"]);
  CAF_CHECK(of.node.duplicate_deliveries > 0);
  of.check_tokens();
  of.check_books(of.node.now() - net);
}

CAF_TEST(late deliveries lose and double nothing) {
  deliver_with(fault_kind::late_delivery, 0.5, 2h);
}

CAF_TEST(deliveries in any order lose and double nothing) {
  deliver_with(fault_kind::reorder_deliveries, 1, 30min);
}

CAF_TEST(deliveries that never come are found by polls) {
  deliver_with(fault_kind::lose_delivery, 0.5, 0s);
}

CAF_TEST(deliveries with a bad signature are refused and found by polls) {
  deliver_with(fault_kind::bad_signature, 0.5, 0s);
}

CAF_TEST(a provider that refuses registrations is polled as if it had none) {
  life of{2, {platform::github, platform::gmail, platform::calendar}, unlimited(),
          {.webhooks = true, .before = [](sim::world& world) {
             for (auto where : {platform::github, platform::gmail, platform::calendar})
               world.add_fault(of_kind(fault_kind::refuse_registration, where));
           }}};
  of.node.run_for(24h);
  std::map<platform, std::uint64_t> before;
  for (auto where : of.platforms)
    before[where] = of.calls(where);
  of.node.run_for(3 * 24h);
  for (auto where : of.platforms) {
    CAF_CHECK_EQUAL(of.world.registrations(where, ""), 0u);
    auto calls = static_cast<double>(of.calls(where) - before[where]);
    auto planned = of.calls_a_day(where) * 3 * static_cast<double>(of.names.size());
    CAF_MESSAGE(sim::name_of(where) << ": " << calls << " calls, planned " << planned);
    // The intervals of polling, and a few tries to register.
    CAF_CHECK(calls >= planned - 10);
    CAF_CHECK(calls <= planned * 1.5 + 40);
  }
  of.check_tokens(true);
  of.check_books(of.node.now() - net);
}

CAF_TEST(hooks that vanish at the provider are noticed and made again) {
  auto of = a_life(2, {platform::github, platform::gmail, platform::calendar, platform::youtube}, 2);
  of.node.run_for(24h);
  std::map<platform, std::size_t> live;
  for (auto where : of.platforms) {
    live[where] = of.world.registrations(where, "");
    CAF_CHECK(of.world.delete_registrations(where, "") > 0);
    CAF_CHECK_EQUAL(of.world.registrations(where, ""), 0u);
  }
  // Found by a poll that brings what no delivery told of, or at the latest when the registration is
  // renewed.
  for (int day = 0; day < 8; ++day)
    of.node.run_for(24h);
  for (auto where : of.platforms) {
    CAF_MESSAGE(sim::name_of(where) << ": " << of.world.registrations(where, "") << " of "
                                    << live[where]);
    CAF_CHECK(of.world.registrations(where, "") >= live[where]);
  }
  of.check_tokens(true);
  of.check_books(of.node.now() - net);
}

CAF_TEST(what GitHub could not deliver is asked for again) {
  auto of = a_life(2, {platform::github}, 2);
  of.node.run_for(24h);
  auto before = of.node.events["webhook_received"];
  auto lost = of_kind(fault_kind::lose_delivery, platform::github);
  lost.from = of.node.now();
  lost.until = of.node.now() + 6h;
  of.world.add_fault(lost);
  of.node.run_for(6h);
  auto count = of.world.faults_struck(fault_kind::lose_delivery);
  CAF_REQUIRE(count > 0);
  auto meanwhile = of.node.events["webhook_received"];
  CAF_CHECK_EQUAL(meanwhile, before);
  of.node.run_for(24h);
  CAF_MESSAGE(count << " lost, " << of.node.events["webhook_received"] - meanwhile << " since");
  // GitHub keeps a delivery for three days; each that failed is redelivered.
  auto plain = a_life(2, {platform::github}, 2);
  plain.node.run_for(54h);
  CAF_CHECK_EQUAL(of.node.events["webhook_received"], plain.node.events["webhook_received"]);
}

CAF_TEST(a node that is away for hours hears of everything afterwards) {
  auto of = a_life(2, told, 1);
  of.node.run_for(24h);
  of.node.store().down = true; // Deliveries are answered 503.
  of.node.run_for(5h);
  of.node.store().down = false;
  auto end = of.node.now();
  of.node.run_for(net);
  of.check_tokens(true);
  of.check_books(end);
}
