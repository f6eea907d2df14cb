// What a batch writer tells the writers of logs when the store answers (actors/batch_writer.hpp).
#define CAF_SUITE batch_writer
#include "tests/support/caf_test.hpp"

#include <caf/typed_event_based_actor.hpp>

#include "actors/batch_writer.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/memory_store.hpp"

using namespace lapwing;

namespace {

/// Answers when the test says so, and in the order it says.
struct patient_store final : event_store {
  struct waiting {
    std::vector<append_request> batch;
    callback<std::vector<append_result>> done;
  };
  std::vector<waiting> batches;

  void answer(std::size_t i) {
    auto& one = batches.at(i);
    std::vector<append_result> results;
    for (const auto& request : one.batch)
      results.push_back({append_outcome::stored, request.item->seq});
    one.done(std::move(results));
  }
  void append(std::vector<append_request> batch,
              callback<std::vector<append_result>> done) override {
    batches.push_back({std::move(batch), std::move(done)});
  }
  void read(log_id, sequence, std::size_t, callback<event_range>) override { std::terminate(); }
  void find(log_id, sequence, callback<event_ptr>) override { std::terminate(); }
  void open(log_id, callback<log_state>) override { std::terminate(); }
  void put_user(user_id, std::vector<account>, callback<bool>) override { std::terminate(); }
  void find_account(account, callback<std::optional<user_id>>) override { std::terminate(); }
  void trim(retention_rule, callback<retention_step>) override { std::terminate(); }
  void check(callback<bool>) override { std::terminate(); }
};

using told = std::vector<std::pair<std::size_t, sequence>>; ///< How many, and the first number.

struct fixture : test::actor_fixture<> {
  patient_store store;
  batch_writer_actor writer = spawn_batch_writer(sys, 0, &store, 2);

  log_owner_actor owner(told& list) {
    return sys.spawn([&list](log_owner_actor::pointer) -> log_owner_actor::behavior_type {
      return {
        [&list](const append_done& done) {
          list.emplace_back(done.count, (*done.results)->at(0).seq);
        },
        [](const log_opened&) {},
        [](const log_page&) {},
        [](atom::retry) {},
      };
    });
  }
  void append(const log_owner_actor& from, const char* user, sequence seq) {
    event_draft draft;
    draft.type = "custom_notification";
    const auto log = log_id::of(user_id{user});
    auto item = make_event(log, seq, clock.now(), std::move(draft));
    caf::anon_send(writer, append_message{from, {{std::move(item), "", ""}}});
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(batch_writer_tests, fixture)

CAF_TEST(batches may be answered in any order and each owner hears of its own) {
  told ann, bob, carl;
  const auto ann_log = owner(ann);
  const auto bob_log = owner(bob);
  const auto carl_log = owner(carl);
  append(ann_log, "ann", 5);
  settle();
  append(bob_log, "bob", 7);
  append(bob_log, "bob", 8);
  settle();
  append(carl_log, "carl", 9);
  settle();
  CAF_REQUIRE_EQUAL(store.batches.size(), 3u);
  store.answer(2);
  store.answer(1);
  settle();
  CAF_CHECK(ann.empty());
  CAF_CHECK(bob == (told{{2, 7}}));
  CAF_CHECK(carl == (told{{1, 9}}));
  store.answer(0);
  settle();
  CAF_CHECK(ann == (told{{1, 5}}));
}

CAF_TEST(what waits goes on as soon as a batch is answered) {
  told ann;
  const auto log = owner(ann);
  for (sequence seq = 1; seq <= 6; ++seq) {
    append(log, "ann", seq);
    settle();
  }
  CAF_REQUIRE_EQUAL(store.batches.size(), 4u); // The most that are under way.
  store.answer(0);
  settle();
  CAF_REQUIRE_EQUAL(store.batches.size(), 5u);
  CAF_CHECK_EQUAL(store.batches[4].batch.size(), 2u);
  for (std::size_t i = 1; i < 5; ++i)
    store.answer(i);
  settle();
  CAF_CHECK(ann == (told{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 5}}));
}

CAF_TEST_FIXTURE_SCOPE_END()
