// The promises of core/connection_store.hpp, kept by the PostgreSQL store.
#define CAF_SUITE postgres_connections

#include <caf/test/unit_test.hpp>

#include "storage/postgres/postgres_store.hpp"
#include "tests/storage/connection_store_contract.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::connection_contract;

struct fixed_clock final : wall_clock {
  timestamp now() const override { return nine(); }
};

struct postgres_connection_fixture {
  std::unique_ptr<node_store> open(std::vector<std::string> keys = {first_key}) {
    postgres_options options;
    options.url = database.url();
    options.encryption_keys = std::move(keys);
    options.clock = &clock;
    options.queue_max = 50'000;
    options.take_over_as = node_identity{"n1", "127.0.0.1:3001", "test"};
    auto store = postgres_store::open_url(std::move(options));
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }
  /// Every column of every row, bytes as they are.
  std::string raw_bytes() {
    std::string bytes;
    pqxx::connection connection{database.url()};
    pqxx::work work{connection};
    for (const auto& column : work.exec("SELECT table_name, column_name, data_type"
                                        " FROM information_schema.columns"
                                        " WHERE table_schema = 'public'")) {
      const auto name = work.quote_name(column[1].c_str());
      const auto shown = std::string{column[2].c_str()} == "bytea"
                           ? "encode(" + name + ", 'escape')"
                           : name + "::text";
      for (const auto& row :
           work.exec("SELECT " + shown + " FROM " + work.quote_name(column[0].c_str()))) {
        if (!row[0].is_null())
          bytes += row[0].as<std::string>() + "\n";
      }
    }
    return bytes;
  }
  std::string value_of(const std::string& sql) { return database.value_of(sql); }

  fixed_clock clock;
  scratch_database database;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_connection_cases, postgres_connection_fixture)

CAF_TEST(what was connected is there after a restart) {
  what_was_connected_is_there_after_a_restart(*this);
}
CAF_TEST(what is empty stays empty) {
  what_is_empty_stays_empty(*this);
}
CAF_TEST(connecting again renews and keeps what was read) {
  connecting_again_renews_and_keeps_what_was_read(*this);
}
CAF_TEST(connecting another account begins anew and keeps the items) {
  connecting_another_account_begins_anew_and_keeps_the_items(*this);
}
CAF_TEST(of several who would refresh one may) {
  of_several_who_would_refresh_one_may(*this);
}
CAF_TEST(a list shows all of a user and no secret) {
  a_list_shows_all_of_a_user_and_no_secret(*this);
}
CAF_TEST(tokens are swapped only by who saw the last ones) {
  tokens_are_swapped_only_by_who_saw_the_last_ones(*this);
}
CAF_TEST(of many who swap at once one wins) {
  of_many_who_swap_at_once_one_wins(*this);
}
CAF_TEST(a status says why and the row shows it) {
  a_status_says_why_and_the_row_shows_it(*this);
}
CAF_TEST(progress is kept for each endpoint) {
  progress_is_kept_for_each_endpoint(*this);
}
CAF_TEST(what is due comes soonest first and no more than asked for) {
  what_is_due_comes_soonest_first_and_no_more_than_asked_for(*this);
}
CAF_TEST(what is due in years is found at once) {
  what_is_due_in_years_is_found_at_once(*this);
}
CAF_TEST(registrations are kept found and removed) {
  registrations_are_kept_found_and_removed(*this);
}
CAF_TEST(a state that is none of ours is refused alone) {
  a_state_that_is_none_of_ours_is_refused_alone(*this);
}
CAF_TEST(what is not there is not found) {
  what_is_not_there_is_not_found(*this);
}
CAF_TEST(a state is good once and not for long) {
  a_state_is_good_once_and_not_for_long(*this);
}
CAF_TEST(of many who take a state one gets it) {
  of_many_who_take_a_state_one_gets_it(*this);
}
CAF_TEST(states that nobody came back for are dropped) {
  states_that_nobody_came_back_for_are_dropped(*this);
}
CAF_TEST(an event and what it tells of are stored together) {
  an_event_and_what_it_tells_of_are_stored_together(*this);
}
CAF_TEST(a refused event leaves nothing of what it tells) {
  a_refused_event_leaves_nothing_of_what_it_tells(*this);
}
CAF_TEST(what an event tells of nobody comes to nothing) {
  what_an_event_tells_of_nobody_comes_to_nothing(*this);
}
CAF_TEST(an item that is no json does not hold up the others) {
  an_item_that_is_no_json_does_not_hold_up_the_others(*this);
}
CAF_TEST(unknown keys are told in their order) {
  unknown_keys_are_told_in_their_order(*this);
}
CAF_TEST(old items go and the lasting and the young stay) {
  old_items_go_and_the_lasting_and_the_young_stay(*this);
}
CAF_TEST(items are read newest first page by page) {
  items_are_read_newest_first_page_by_page(*this);
}
CAF_TEST(disconnecting forgets all but the history) {
  disconnecting_forgets_all_but_the_history(*this);
}
CAF_TEST(no secret is readable where the database is kept) {
  no_secret_is_readable_where_the_database_is_kept(*this);
}
CAF_TEST(without keys all works but what needs them) {
  without_keys_all_works_but_what_needs_them(*this);
}
CAF_TEST(secrets move to the newest key) {
  secrets_move_to_the_newest_key(*this);
}
CAF_TEST(every call is answered once also when the connections close) {
  every_call_is_answered_once_also_when_the_connections_close(*this);
}

CAF_TEST_FIXTURE_SCOPE_END()
