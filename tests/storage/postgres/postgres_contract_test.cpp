// The promises of core/store.hpp, kept by the PostgreSQL store.
#define CAF_SUITE postgres_contract

#include <caf/test/unit_test.hpp>

#include "storage/postgres/postgres_store.hpp"
#include "tests/storage/event_store_contract.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::store_contract;

struct postgres_fixture {
  std::unique_ptr<event_store> open() {
    postgres_options options;
    options.url = database.url();
    options.queue_max = 20000;
    options.take_over_as = node_identity{"n1", "127.0.0.1:3001", "test"};
    auto store = postgres_store::open_url(options);
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }

  scratch_database database;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_contract_cases, postgres_fixture)

CAF_TEST(what was stored is there after a restart) {
  what_was_stored_is_there_after_a_restart(*this);
}
CAF_TEST(a delivery is stored once) {
  a_delivery_is_stored_once(*this);
}
CAF_TEST(of one delivery offered by many threads one is fresh) {
  of_one_delivery_offered_by_many_threads_one_is_fresh(*this);
}
CAF_TEST(events are read in order and no more than asked for) {
  events_are_read_in_order_and_no_more_than_asked_for(*this);
}
CAF_TEST(an event is found by its number and a hole is nothing) {
  an_event_is_found_by_its_number_and_a_hole_is_nothing(*this);
}
CAF_TEST(retention by count keeps the newest of each log) {
  retention_by_count_keeps_the_newest_of_each_log(*this);
}
CAF_TEST(retention by age keeps the young and the number of the newest) {
  retention_by_age_keeps_the_young_and_the_number_of_the_newest(*this);
}
CAF_TEST(two writers of a log are noticed and others not disturbed) {
  two_writers_of_a_log_are_noticed_and_others_not_disturbed(*this);
}
CAF_TEST(what cannot be numbered is refused) {
  what_cannot_be_numbered_is_refused(*this);
}
CAF_TEST(users exist once named and accounts have one owner) {
  users_exist_once_named_and_accounts_have_one_owner(*this);
}
CAF_TEST(every call is answered once also when the store closes) {
  every_call_is_answered_once_also_when_the_store_closes(*this);
}

CAF_TEST_FIXTURE_SCOPE_END()
