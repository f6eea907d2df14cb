// Metered actors on the deterministic coordinator: figures, faults, timers.
#define CAF_SUITE metered
#include "tests/support/caf_test.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <caf/send.hpp>

#include "actors/runtime/metered.hpp"
#include "tests/support/actor_fixture.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

struct counter_state {
  static inline const char* name = "counter";
  int sum = 0;
};

using counter_actor = caf::typed_actor<caf::reacts_to<int>, caf::replies_to<std::string>::with<int>>;

counter_actor::behavior_type counter(stateful_metered_pointer<counter_actor, counter_state> self) {
  return {[self](int add) { self->state.sum += add; },
          [self](const std::string&) { return self->state.sum; }};
}

struct fixture : test::actor_fixture<> {
  std::vector<actor_figures> census() {
    std::vector<actor_figures> all;
    config.census().for_each_actor([&](const actor_figures& figures) { all.push_back(figures); });
    return all;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(metered_tests, fixture)

CAF_TEST(the census knows an actor by kind and label and counts its messages) {
  auto actor = spawn_home(sys, {0, "ann"}, counter);
  settle();
  for (int i = 1; i <= 3; ++i)
    caf::anon_send(actor, i);
  auto all = census();
  CAF_REQUIRE_EQUAL(all.size(), 1u);
  CAF_CHECK_EQUAL(std::string{all[0].kind}, "counter");
  CAF_CHECK_EQUAL(all[0].label, "ann");
  CAF_CHECK_EQUAL(all[0].id, actor.id());
  CAF_CHECK_EQUAL(all[0].enqueued, 3u);
  CAF_CHECK_EQUAL(all[0].backlog, 3u);
  settle();
  all = census();
  CAF_CHECK_EQUAL(all[0].processed, 3u);
  CAF_CHECK_EQUAL(all[0].backlog, 0u);
}

CAF_TEST(an actor leaves the census when it ends even while handles to it exist) {
  auto actor = spawn_home(sys, {0, "ann"}, counter);
  settle();
  CAF_CHECK_EQUAL(config.census().size(), 1u);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  settle();
  CAF_CHECK_EQUAL(config.census().size(), 0u);
}

CAF_TEST(an actor that nobody ever sends to leaves the census with its last handle) {
  spawn_home<metered_actor<caf::actor>, caf::lazy_init>(sys, {});
  settle();
  CAF_CHECK_EQUAL(config.census().size(), 0u);
}

CAF_TEST(an exception ends the actor and is reported with its text but not to the requester) {
  auto actor = spawn_home(sys, {0, "ann"}, [](metered_pointer<caf::actor>) -> caf::behavior {
    return {[](int) -> int { throw std::runtime_error("the text"); }};
  });
  auto pending = self->request(actor, caf::infinite, 1);
  settle();
  caf::error failure;
  pending.receive([](int) { CAF_FAIL("an answer"); }, [&](caf::error& e) { failure = e; });
  CAF_CHECK(failure == caf::sec::runtime_error);
  CAF_CHECK(to_string(failure.context()).find("the text") == std::string::npos);
  CAF_REQUIRE_EQUAL(faults.size(), 1u);
  CAF_CHECK(faults[0].kind == actor_fault::what::exception);
  CAF_CHECK_EQUAL(faults[0].label, "ann");
  CAF_CHECK_EQUAL(faults[0].text, "the text");
  CAF_CHECK_EQUAL(config.census().size(), 0u);
}

CAF_TEST(an unexpected message is reported by its types only and the actor lives) {
  auto actor = spawn_home(sys, {0, "ann"}, [](metered_pointer<caf::actor>) -> caf::behavior {
    return {[](int x) { return x; }};
  });
  caf::anon_send(actor, std::string{"secret"}, caf::atom("odd"), 1.5);
  auto pending = self->request(actor, caf::infinite, std::string{"secret"});
  settle();
  pending.receive([](int) { CAF_FAIL("an answer"); },
                  [](caf::error& e) { CAF_CHECK(e == caf::sec::unexpected_message); });
  CAF_REQUIRE_EQUAL(faults.size(), 2u);
  CAF_CHECK(faults[0].kind == actor_fault::what::unexpected_message);
  CAF_CHECK(faults[0].text.find("odd") != std::string::npos);
  CAF_CHECK(faults[0].text.find("secret") == std::string::npos);
  CAF_CHECK_EQUAL(config.census().size(), 1u);
}

CAF_TEST(a timer runs once at its time and not when it was cancelled) {
  std::vector<std::string> ran;
  metered_pointer<caf::actor> actor = nullptr;
  actor_timer second;
  auto handle = spawn_home(sys, {}, [&](metered_pointer<caf::actor> me) -> caf::behavior {
    actor = me;
    me->run_after(1s, [&] { ran.push_back("first"); });
    second = me->run_after(2s, [&] { ran.push_back("second"); });
    return {[&](int) { CAF_CHECK(actor->cancel(second)); }};
  });
  advance(999ms);
  CAF_CHECK(ran.empty());
  advance(1ms);
  CAF_CHECK_EQUAL(ran, std::vector<std::string>{"first"});
  caf::anon_send(handle, 1);
  advance(10s);
  CAF_CHECK_EQUAL(ran.size(), 1u);
  CAF_CHECK(!sched.has_pending_timeout());
}

CAF_TEST(a timer that is due but not yet run can still be cancelled) {
  bool ran = false;
  actor_timer timer;
  metered_pointer<caf::actor> actor = nullptr;
  auto handle = spawn_home(sys, {}, [&](metered_pointer<caf::actor> me) -> caf::behavior {
    actor = me;
    timer = me->run_after(1s, [&] { ran = true; });
    return {[&](int) {
      CAF_CHECK(actor->cancel(timer));
      CAF_CHECK(!timer);
      CAF_CHECK(!actor->cancel(timer));
    }};
  });
  settle();
  caf::anon_send(handle, 1);   // In the mailbox before the timer's message.
  sched.advance_time(1s);
  settle();
  CAF_CHECK(!ran);
}

CAF_TEST(a timer does not run on an actor that has ended) {
  bool ran = false;
  auto handle = spawn_home(sys, {}, [&](metered_pointer<caf::actor> me) -> caf::behavior {
    me->run_after(1s, [&] { ran = true; });
    return {[me](int) { me->quit(); }};
  });
  settle();
  caf::anon_send(handle, 1);
  advance(5s);
  CAF_CHECK(!ran);
}

CAF_TEST(an answered request leaves no timer behind) {
  auto server = spawn_home(sys, {}, counter);
  auto client = spawn_home(sys, {}, [=](metered_pointer<caf::actor> me) -> caf::behavior {
    return {[=](int) { me->request(server, 30s, std::string{"sum"}).then([](int) {}); }};
  });
  settle();
  caf::anon_send(client, 1);
  settle();
  CAF_CHECK(!sched.has_pending_timeout());
}

CAF_TEST(spawning from an actor works like spawning from outside) {
  auto parent = spawn_home(sys, {}, [](metered_pointer<caf::actor> me) -> caf::behavior {
    return {[me](int) { me->spawn(counter); }};
  });
  settle();
  caf::anon_send(parent, 1);
  sched.run_once();
  CAF_CHECK_EQUAL(config.census().size(), 2u);
  CAF_CHECK_EQUAL(home_count(sys), 1u);
  CAF_CHECK_EQUAL(current_home(sys), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
