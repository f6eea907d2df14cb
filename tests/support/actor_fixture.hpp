// A world of actors without threads and without waiting: time moves only in advance(), and a seed
// picks the order in which ready actors run. Name the blocks of message types they use:
//
//   using fixture = lapwing::test::actor_fixture<caf::id_block::lapwing>;
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/runtime/runtime_config.hpp"
#include "core/time.hpp"

namespace lapwing::test {

/// Civil time, moved by the fixture together with the actors' clock.
struct manual_clock final : wall_clock {
  timestamp time{std::chrono::seconds{1'700'000'000}};
  timestamp now() const override { return time; }
};

template <class... TypeBlocks>
struct test_config : runtime_config {
  explicit test_config(runtime_options options = {}) : runtime_config(testing, std::move(options)) {
    (this->template add_message_types<TypeBlocks>(), ...);
  }
};

template <class... TypeBlocks>
struct actor_fixture {
  std::vector<actor_fault> faults; ///< What actors should not have met with; tests check it.
  test_config<TypeBlocks...> config{
    runtime_options{0, 50, [this](const actor_fault& fault) { faults.push_back(fault); }}};
  caf::actor_system sys{config};
  caf::scheduler::test_coordinator& sched
    = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  caf::scoped_actor self{sys, true};
  manual_clock clock;
  std::minstd_rand random{1}; ///< Tests that vary the order seed it, and print the seed on failure.

  actor_fixture() { sys.await_actors_before_shutdown(false); }

  /// Ends what the test has left, timers included: a poller would keep CAF's test coordinator
  /// going for ever.
  ~actor_fixture() {
    sched.clock().cancel_all();
    for (auto& actor : config.census().living())
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    settle();
    sched.clock().cancel_all();
  }
  actor_fixture(const actor_fixture&) = delete;
  actor_fixture& operator=(const actor_fixture&) = delete;

  /// Runs every ready actor, in an order that only the seed decides, until none is left.
  void settle() {
    while (!sched.jobs.empty()) {
      std::swap(sched.jobs.front(), sched.jobs[random() % sched.jobs.size()]);
      sched.run_once();
    }
  }

  /// Moves both clocks, stopping wherever a timer is due: a timer that re-arms itself runs as often
  /// as in life, and at its exact time.
  void advance(std::chrono::milliseconds duration) {
    settle();
    auto started = sched.clock().now();
    auto start = clock.time;
    auto end = started + duration;
    for (;;) {
      const auto& timers = sched.clock().schedule();
      auto next = timers.empty() ? end : std::min(end, timers.begin()->first);
      next = std::max(next, sched.clock().now());
      clock.time
        = start + std::chrono::duration_cast<std::chrono::milliseconds>(next - started);
      sched.advance_time(next - sched.clock().now());
      settle();
      if (next >= end && (timers.empty() || timers.begin()->first > end))
        return;
    }
  }
};

} // namespace lapwing::test
