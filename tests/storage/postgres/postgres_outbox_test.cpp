// The promises of core/outbox.hpp, kept by the PostgreSQL store, and what only PostgreSQL has to
// show: several nodes, and one that was replaced.
#define CAF_SUITE postgres_outbox

#include "tests/support/caf_test.hpp"

#include "storage/postgres/postgres_store.hpp"
#include "tests/storage/outbox_contract.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::outbox_contract;

struct postgres_outbox_fixture {
  std::unique_ptr<postgres_store> open(std::optional<node_identity> node
                                       = node_identity{"n1", "127.0.0.1:3001", "test"}) {
    postgres_options options;
    options.url = database.url();
    options.take_over_as = std::move(node);
    auto store = postgres_store::open_url(std::move(options));
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }

  scratch_database database;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_outbox_contract, postgres_outbox_fixture)

#include "tests/storage/outbox_cases.inc"

CAF_TEST(an event that is refused leaves no message) {
  an_event_that_is_refused_leaves_no_message(*this);
}
CAF_TEST(of many who claim at once nobody gets the same) {
  of_many_who_claim_at_once_nobody_gets_the_same(*this);
}

CAF_TEST(two nodes that claim at once never get the same) {
  auto one = open(std::nullopt); // Nodes that nobody fences: as many as there will be in a cluster.
  auto other = open(std::nullopt);
  put(*one, 200);
  std::vector<std::uint64_t> got[2];
  auto take_all = [](postgres_store& store, std::vector<std::uint64_t>& into) {
    for (int round = 0; round < 40; ++round)
      for (const auto& each : claim(store, 5000, 900'000, 7).entries)
        into.push_back(each.id);
  };
  std::thread second{[&] { take_all(*other, got[1]); }};
  take_all(*one, got[0]);
  second.join();
  std::set<std::uint64_t> all(got[0].begin(), got[0].end());
  all.insert(got[1].begin(), got[1].end());
  CAF_CHECK_EQUAL(got[0].size() + got[1].size(), 200u);
  CAF_CHECK_EQUAL(all.size(), 200u);
}

CAF_TEST(a node that was replaced claims and settles nothing) {
  auto old = open();
  put(*old, 2);
  const auto held = claim(*old, 5000, 9000, 1);
  auto fresh = open(node_identity{"n2", "127.0.0.1:3002", "test"});
  awaited<outbox_claims> claimed;
  old->outbox().claim("mail", at(5000), at(9000), 10, claimed.callback());
  CAF_CHECK(!claimed.get());
  awaited<bool> settled;
  old->outbox().settle(held.entries[0].id, held.entries[0].claim, sent(), settled.callback());
  CAF_CHECK(!settled.get());
  CAF_CHECK_EQUAL(keys_of(claim(*fresh, 9000, 10'000)), (std::vector<std::string>{"m2", "m1"}));
}

CAF_TEST_FIXTURE_SCOPE_END()
