#define CAF_SUITE event_log
#include "tests/support/caf_test.hpp"

#include "actors/event_log.hpp"
#include "core/outbox.hpp"

using namespace lapwing;

namespace {

struct fixture {
  event_log_limits limits{4, 8, 3};
  event_log log{log_id::of(user_id{"ann"}), limits};
  event_log::actions todo;
  timestamp now{};
  int answers = 0;

  fixture() = default;

  publish_job_ptr job(std::string delivery = {}) {
    auto made = std::make_shared<publish_job>();
    made->request.target = log.log();
    made->request.draft.type = "webhook_received";
    made->request.source = "github";
    made->request.delivery_id = std::move(delivery);
    made->done = [this](const result<publish_receipt>&) { ++answers; };
    return made;
  }
  event_log::actions take() { return std::exchange(todo, {}); }
  void open(log_state state = {0, 0, true}) { log.opened(state, false, now, todo); }
  event_log::actions submit(std::string delivery = {}) {
    log.submit(job(std::move(delivery)), now, todo);
    return take();
  }
  event_log::actions done(std::vector<append_result> results) {
    auto count = results.size();
    log.appended(std::move(results), count, todo);
    return take();
  }
  event_log::actions failed(std::size_t count) {
    log.appended(error{errc::store_unavailable, "disk"}, count, todo);
    return take();
  }
};

std::string id_of(const publish_job_ptr& job) { return job->outcome->id; }

} // namespace

CAF_TEST_FIXTURE_SCOPE(event_log_tests, fixture)

CAF_TEST(a publication waits until the log is open and is then numbered on) {
  CAF_CHECK(submit().append.empty());
  open({41, 0, true});
  auto next = take();
  CAF_REQUIRE_EQUAL(next.append.size(), 1u);
  CAF_CHECK_EQUAL(next.append[0].item->seq, 42u);
  CAF_CHECK(next.publish.empty()); // Not before it is durable.
  CAF_CHECK(next.settled.empty());
  auto after = done({{append_outcome::stored, 42}});
  CAF_REQUIRE_EQUAL(after.publish.size(), 1u);
  CAF_REQUIRE_EQUAL(after.settled.size(), 1u);
  CAF_CHECK_EQUAL(id_of(after.settled[0]), "u42");
  CAF_CHECK(!after.settled[0]->outcome->duplicate);
}

CAF_TEST(a copy that brings a message along goes to the store which alone knows of messages) {
  open();
  submit("d1");
  done({{append_outcome::stored, 1}});
  CAF_CHECK(submit("d1").append.empty()); // Known.
  const auto with_message = [this] {
    auto made = job("d1");
    made->request.outgoing = std::make_shared<const outbox_item>();
    log.submit(std::move(made), now, todo);
    return take();
  };
  auto next = with_message();
  CAF_REQUIRE_EQUAL(next.append.size(), 1u);
  CAF_CHECK(next.append[0].outgoing != nullptr);
  CAF_CHECK_EQUAL(next.append[0].delivery_id, "d1");
  CAF_CHECK_EQUAL(with_message().append.size(), 1u); // Also while one is under way.
  auto after = done({{append_outcome::duplicate, 1}, {append_outcome::duplicate, 1}});
  CAF_CHECK(after.publish.empty());
  CAF_REQUIRE_EQUAL(after.settled.size(), 2u);
  CAF_CHECK_EQUAL(id_of(after.settled[1]), "u1");
  CAF_CHECK(after.settled[1]->outcome->duplicate);
}

CAF_TEST(a delivery that comes again while it is under way is stored once) {
  open();
  CAF_CHECK_EQUAL(submit("d1").append.size(), 1u);
  CAF_CHECK(submit("d1").append.empty());
  auto after = done({{append_outcome::stored, 1}});
  CAF_CHECK_EQUAL(after.publish.size(), 1u);
  CAF_REQUIRE_EQUAL(after.settled.size(), 2u);
  std::size_t duplicates = 0;
  for (auto& job : after.settled) {
    CAF_CHECK_EQUAL(id_of(job), "u1");
    duplicates += job->outcome->duplicate ? 1 : 0;
  }
  CAF_CHECK_EQUAL(duplicates, 1u);
}

CAF_TEST(a recent delivery is recognised without the store and an old one by the store) {
  open();
  submit("d1");
  done({{append_outcome::stored, 1}});
  auto again = submit("d1");
  CAF_CHECK(again.append.empty());
  CAF_REQUIRE_EQUAL(again.settled.size(), 1u);
  CAF_CHECK(again.settled[0]->outcome->duplicate);
  for (auto* other : {"d2", "d3", "d4"}) {
    auto n = submit(other).append.at(0).item->seq;
    done({{append_outcome::stored, n}});
  }
  CAF_CHECK_EQUAL(submit("d1").append.size(), 1u); // Forgotten here: the store decides.
  auto after = done({{append_outcome::duplicate, 1}});
  CAF_CHECK(after.publish.empty());
  CAF_CHECK(after.settled.at(0)->outcome->duplicate);
  CAF_CHECK_EQUAL(id_of(after.settled[0]), "u1");
}

CAF_TEST(after a failed append nothing is numbered until the store has been asked) {
  open();
  submit("d1");
  auto after = failed(1);
  CAF_REQUIRE_EQUAL(after.settled.size(), 1u);
  CAF_CHECK(!after.settled[0]->outcome);
  CAF_CHECK(after.reopen);
  CAF_CHECK(submit("d2").append.empty());
  open({0, 0, true});
  auto next = take();
  CAF_REQUIRE_EQUAL(next.append.size(), 1u);
  CAF_CHECK_EQUAL(next.append[0].item->seq, 2u); // 1 was given once; a hole is harmless.
}

CAF_TEST(an event whose answer was lost is published from the store before later ones) {
  open();
  auto lost = submit("d1").append.at(0).item;
  auto second = submit("d2").append.at(0).item;
  failed(1);                                          // d1 did get to the disk.
  auto after = done({{append_outcome::stored, 2}});   // d2, of a later batch.
  CAF_CHECK(after.publish.empty());                   // In doubt: order first.
  CAF_CHECK(after.reopen);
  open({2, 0, true});
  auto ask = take();
  CAF_REQUIRE(ask.recover_after.has_value());
  CAF_CHECK_EQUAL(*ask.recover_after, 0u);
  log.recovered({lost, second}, true, now, todo);
  auto found = take();
  CAF_REQUIRE_EQUAL(found.publish.size(), 2u);
  CAF_CHECK_EQUAL(found.publish[0]->seq, 1u);
  CAF_CHECK_EQUAL(found.publish[1]->seq, 2u);
  CAF_CHECK_EQUAL(submit("d3").append.at(0).item->seq, 3u);
}

CAF_TEST(deliveries for an unknown user are refused unless they are welcome) {
  open({0, 0, false});
  auto refused = submit("d1");
  CAF_REQUIRE_EQUAL(refused.settled.size(), 1u);
  CAF_CHECK(refused.settled[0]->outcome.error().code == errc::unknown_user);
  log.opened(log_state{0, 0, false}, true, now, todo);
  CAF_CHECK_EQUAL(submit("d1").append.size(), 1u);
}

CAF_TEST(both queues are bounded) {
  for (int i = 0; i < 4; ++i)
    CAF_CHECK(submit().settled.empty());
  auto refused = submit();
  CAF_REQUIRE_EQUAL(refused.settled.size(), 1u);
  CAF_CHECK(refused.settled[0]->outcome.error().code == errc::store_unavailable);
  open();
  CAF_CHECK_EQUAL(take().append.size(), 4u);
  for (int i = 0; i < 4; ++i)
    CAF_CHECK_EQUAL(submit().append.size(), 1u);
  CAF_CHECK_EQUAL(submit().settled.size(), 1u);
}

CAF_TEST(a log that cannot be opened refuses who waits) {
  submit();
  log.opened(error{errc::store_unavailable, "down"}, false, now, todo);
  auto after = take();
  CAF_REQUIRE_EQUAL(after.settled.size(), 1u);
  CAF_CHECK(!after.settled[0]->outcome);
  CAF_CHECK(log.state() == event_log::phase::opening);
}

CAF_TEST(a job that is dropped is answered) {
  job().reset();
  CAF_CHECK_EQUAL(answers, 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
