// Our clock on real threads: what is due arrives once, what is cancelled never, and the load that
// stops CAF's own clock for good (benchmarks/micro, case clock-stall) does not stop it.
#define CAF_SUITE home_clock
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/runtime/runtime_config.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

struct fixture {
  runtime_config config{runtime_options{2, 50, {}}};
  caf::actor_system sys{config};
  asio_scheduler& sched = asio_scheduler::of(sys);

  /// Number of timers waiting at that home.
  std::size_t timers_at(std::size_t home) {
    std::promise<std::size_t> count;
    boost::asio::post(sched.io(home),
                      [&] { count.set_value(sched.worker(home).timers().size()); });
    return count.get_future().get();
  }
};

void kill(const caf::actor& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); }

template <class T>
bool arrives(std::future<T>& result) {
  return result.wait_for(patience) == std::future_status::ready;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(home_clock_tests, fixture)

CAF_TEST(delayed messages arrive once each and in the order of their times) {
  for (bool pinned : {true, false}) {
    constexpr int count = 500;
    std::promise<std::vector<int>> all;
    auto behavior = [&all](auto* self) -> caf::behavior {
      // The later ones first; two of each time.
      auto start = self->clock().now();
      for (int i = count / 2 - 1; i >= 0; --i)
        for (int j = 0; j < 2; ++j)
          self->scheduled_send(self, start + std::chrono::microseconds{100 * i}, 2 * i + j);
      auto seen = std::make_shared<std::vector<int>>();
      self->scheduled_send(self, start + std::chrono::microseconds{100 * count}, caf::ok_atom_v);
      return {[seen](int i) { seen->push_back(i); },
              [&all, self, seen](caf::ok_atom) {
                all.set_value(*seen);
                self->quit();
              }};
    };
    if (pinned)
      spawn_home(sys, {1}, [=](metered_pointer<caf::actor> self) { return behavior(self); });
    else
      sys.spawn([=](caf::event_based_actor* self) { return behavior(self); });
    auto result = all.get_future();
    CAF_REQUIRE(arrives(result));
    auto seen = result.get();
    CAF_CHECK_EQUAL(seen.size(), static_cast<std::size_t>(count));
    CAF_CHECK(std::is_sorted(seen.begin(), seen.end()));
  }
}

CAF_TEST(a delayed message from outside arrives) {
  std::promise<void> done;
  auto actor = spawn_home(sys, {1}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&, self](int) {
      done.set_value();
      self->quit();
    }};
  });
  caf::delayed_anon_send(actor, 10min, 1);
  caf::delayed_anon_send(actor, 1ms, 1); // Sooner than what the clock waits for.
  auto result = done.get_future();
  CAF_CHECK(arrives(result));
  sys.await_all_actors_done();
  (void)timers_at(1); // Its last turn is over now.
  CAF_CHECK_EQUAL(sched.clock().shared_size(), 0u); // The ten minutes ended with the actor.
}

CAF_TEST(a request that is not answered fails when its time is over) {
  auto silent = sys.spawn([](caf::event_based_actor* self) -> caf::behavior {
    auto promises = std::make_shared<std::vector<caf::response_promise>>();
    return {[=](int) { promises->push_back(self->make_response_promise()); }};
  });
  for (bool pinned : {true, false}) {
    std::promise<caf::error> failure;
    auto behavior = [&](auto* self) {
      self->request(silent, 5ms, 1).then([](int) {},
                                         [&failure](caf::error& e) { failure.set_value(e); });
    };
    if (pinned)
      spawn_home(sys, {1}, [=](metered_pointer<caf::actor> self) { behavior(self); });
    else
      sys.spawn([=](caf::event_based_actor* self) { behavior(self); });
    auto result = failure.get_future();
    CAF_REQUIRE(arrives(result));
    CAF_CHECK(result.get() == caf::sec::request_timeout);
  }
  kill(silent);
}

CAF_TEST(an answered request leaves nothing in the clock) {
  std::promise<void> done;
  auto echo = spawn_home(sys, {0}, [](metered_pointer<caf::actor>) -> caf::behavior {
    return {[](int x) { return x; }};
  });
  auto client = spawn_home(sys, {1}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&, self](int) {
      auto left = std::make_shared<int>(1000);
      for (int i = 0; i < 1000; ++i)
        self->request(echo, 10min, i).then([&, left](int) {
          if (--*left == 0)
            done.set_value();
        });
    }};
  });
  caf::anon_send(client, 1);
  auto result = done.get_future();
  CAF_REQUIRE(arrives(result));
  CAF_CHECK_EQUAL(timers_at(1), 0u);
  kill(client);
  kill(echo);
}

CAF_TEST(a cancelled timer never runs and the others do) {
  std::promise<std::vector<int>> done;
  spawn_home(sys, {0}, [&](metered_pointer<caf::actor> self) {
    auto ran = std::make_shared<std::vector<int>>();
    std::vector<actor_timer> timers;
    for (int i = 0; i < 100; ++i)
      timers.push_back(self->run_after(std::chrono::microseconds{(i * 37) % 100},
                                       [=] { ran->push_back(i); }));
    for (std::size_t i = 0; i < 100; i += 2)
      self->cancel(timers[i]);
    self->run_after(20ms, [&, ran] { done.set_value(*ran); });
  });
  auto result = done.get_future();
  CAF_REQUIRE(arrives(result));
  auto ran = result.get();
  CAF_CHECK_EQUAL(ran.size(), 50u);
  for (int i : ran)
    CAF_CHECK(i % 2 == 1);
}

CAF_TEST(an actor takes its pending timers with it) {
  std::latch ready{100};
  std::vector<caf::actor> actors;
  for (int i = 0; i < 100; ++i)
    actors.push_back(spawn_home(sys, {1}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
      self->delayed_send(self, 10min, 1);
      self->run_after(10min, [] {});
      ready.count_down();
      return {[](int) {}};
    }));
  ready.wait();
  CAF_CHECK_EQUAL(timers_at(1), 200u);
  for (auto& actor : actors)
    kill(actor);
  sys.await_all_actors_done();
  CAF_CHECK_EQUAL(timers_at(1), 0u);
}

CAF_TEST(a receive timeout that is set anew replaces the old one) {
  // after() sets one with every message; only the last may ring.
  std::promise<int> rang;
  auto seen = std::make_shared<int>(0);
  auto actor = sys.spawn([&, seen](caf::event_based_actor* self) -> caf::behavior {
    return {[seen](int) { ++*seen; },
            caf::after(20ms) >> [&, self, seen] {
              rang.set_value(*seen);
              self->quit();
            }};
  });
  for (int i = 0; i < 100; ++i)
    caf::anon_send(actor, i);
  auto result = rang.get_future();
  CAF_REQUIRE(arrives(result));
  CAF_CHECK_EQUAL(result.get(), 100);
}

CAF_TEST(many timers due at once do not keep a socket waiting for all of them) {
  constexpr int count = 20'000;
  std::atomic<int> delivered{0};
  std::atomic<int> at_handler{-1};
  std::promise<void> done;
  std::promise<void> set;
  auto actor = spawn_home(sys, {0}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&](int) {
              if (++delivered == count)
                done.set_value();
            },
            [&, self](bool) {
              auto when = self->clock().now() + 1ms;
              for (int i = 0; i < count; ++i)
                self->scheduled_send(self, when, i);
              // All are overdue now, and this handler stands behind the first batch at most.
              boost::asio::post(sched.io(0), [&] { at_handler = delivered.load(); });
              set.set_value();
            }};
  });
  caf::anon_send(actor, true);
  auto result = done.get_future();
  CAF_REQUIRE(arrives(result));
  CAF_CHECK(at_handler >= 0);
  CAF_CHECK(at_handler < count);
  kill(actor);
}

CAF_TEST(timers that own the last reference to an actor stop nothing) {
  // CAF's clock waits for room in its own queue when it lets go of such actors.
  constexpr int spawners = 4;
  constexpr int each = 30'000;
  std::atomic<int> ticks{0};
  std::latch spawned{spawners};
  auto gone = sys.spawn([](caf::event_based_actor* self) { self->quit(); });
  sys.await_all_actors_done();
  for (std::size_t s = 0; s < spawners; ++s)
    caf::anon_send(
      spawn_home(sys, {s % 2},
                 [&](metered_pointer<caf::actor> self) -> caf::behavior {
                   return {[&, self](int left) {
                     // Nobody keeps a handle but timers: one to the child, one to nobody.
                     auto behavior = [&ticks, left,
                                      parent = caf::actor{self}](auto* child) -> caf::behavior {
                       child->delayed_send(child, std::chrono::microseconds{left % 3000}, 1);
                       child->request(parent, 5ms, true).then([](bool) {},
                                                                        [](caf::error&) {});
                       return {[&ticks](int) { ++ticks; }};
                     };
                     caf::actor child;
                     if (left % 2 == 0)
                       child = self->spawn([=](metered_pointer<caf::actor> actor) {
                         return behavior(actor);
                       });
                     else
                       child = self->spawn(
                         [=](caf::event_based_actor* actor) { return behavior(actor); });
                     self->delayed_send(gone, std::chrono::microseconds{left % 5000}, child);
                     if (left > 1)
                       return self->send(self, left - 1);
                     spawned.count_down();
                     self->quit();
                   },
                   [](bool value) { return value; }};
                 }),
      each);
  spawned.wait();
  std::promise<void> all_done;
  std::thread waiter{[&] {
    sys.await_all_actors_done();
    all_done.set_value();
  }};
  auto result = all_done.get_future();
  if (!arrives(result)) {
    waiter.detach();
    CAF_FAIL("the clock has stopped");
  }
  waiter.join();
  CAF_CHECK_EQUAL(ticks, spawners * each);
}

CAF_TEST_FIXTURE_SCOPE_END()
