// A metered actor has a home: the one thread it ever runs on, together with the sockets of that
// home; and figures anybody may read (actor_census). Every actor of Lapwing is one.
//
//   // room.hpp
//   using room_actor = caf::typed_actor<caf::reacts_to<atom::publish, event_ptr>,
//                                       caf::replies_to<atom::count>::with<std::uint64_t>>;
//
//   // room.cpp
//   struct room_state {
//     static inline const char* name = "room";        // The census shows it as the actor's kind.
//     explicit room_state(metered_pointer<room_actor> actor) : self(actor) {}
//     metered_pointer<room_actor> self;               // self->send, ->request, ->quit, ->run_after
//     actor_timer idle;                                // Cancelled by itself when the actor ends.
//   };
//
//   room_actor::behavior_type room(stateful_metered_pointer<room_actor, room_state> self,
//                                  room_id id) {
//     self->state.idle = self->run_after(30s, [self] { self->quit(); });
//     return {[self](atom::publish, const event_ptr& event) { ... },
//             [self](atom::count) -> std::uint64_t { ... }};
//   }
//
//   // Somewhere: 3 is the home's index, e.g. home_of(id.str(), home_count(system)).
//   room_actor a = spawn_home(system, {3, id.str()}, room, id);
//   auto b = spawn_home<some_class>(system, {any_home}, args...);   // class some_class :
//                                                 // public metered<caf::event_based_actor>
//
// A metered actor that another one spawns (`self->spawn(...)`) has its parent's home. Under CAF's
// test coordinator the same code runs with one home and no threads; time is the test's.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/runtime/actor_census.hpp"
#include "actors/runtime/io_worker.hpp"

namespace lapwing {

class runtime_config;

/// A timer of a metered actor; default-constructed: none.
struct actor_timer {
  caf::message_id id;
  explicit operator bool() const noexcept { return id.is_response(); }
};

/// What metered<Base> needs that does not depend on Base.
class metered_part {
public:
  actor_meter& meter() noexcept { return meter_; }
  /// Index of the home; 0 under the test coordinator.
  std::size_t home() const noexcept { return meter_.home; }

protected:
  /// The home is `host` when that is a worker (spawn_home, or a parent's), else the next in turn.
  metered_part(caf::actor_system& system, caf::execution_unit* host);
  ~metered_part();

  void enter_census(caf::actor_control_block* self, const char* kind);
  void leave_census() noexcept;
  caf::error report_exception(std::exception_ptr& thrown);
  void report_unexpected(const caf::type_erased_tuple& message);

  /// The thread's worker, or null where there are no threads of ours.
  io_worker* const worker_;
  const runtime_config* const config_;
  actor_meter meter_;
};

template <class Base>
class metered : public Base, public metered_part {
public:
  template <class... Args>
  explicit metered(caf::actor_config& config, Args&&... args)
    : Base(config, std::forward<Args>(args)...), metered_part(this->system(), config.host) {
    this->set_exception_handler([](caf::scheduled_actor* self, std::exception_ptr& thrown) {
      return static_cast<metered*>(self)->report_exception(thrown);
    });
    this->set_default_handler(
      [](caf::scheduled_actor* self, caf::message_view& message) -> caf::result<caf::message> {
        static_cast<metered*>(self)->report_unexpected(message.content());
        return caf::sec::unexpected_message;
      });
  }

  /// Calls `run` on this actor once `delay` has passed. It may throw no exception.
  actor_timer run_after(caf::actor_clock::duration_type delay, std::function<void()> run) {
    // A request that is never sent: its time-out is the timer. So it can be cancelled up to the
    // moment it runs, needs no message in the actor's interface, and tests move its clock.
    auto id = this->new_request_id(caf::message_priority::normal).response_id();
    this->add_multiplexed_response_handler(
      id, caf::behavior{[run = std::move(run)](const caf::error&) { run(); }});
    this->clock().set_request_timeout(this->clock().now() + delay, this, id);
    return {id};
  }

  /// False when it has run, or there is none.
  bool cancel(actor_timer& timer) {
    auto id = std::exchange(timer, {}).id;
    auto found = this->multiplexed_responses_.find(id);
    if (found == this->multiplexed_responses_.end())
      return false;
    this->multiplexed_responses_.erase(found);
    this->clock().cancel_request_timeout(this, id);
    return true;
  }

  using Base::enqueue;

  void enqueue(caf::mailbox_element_ptr mail, caf::execution_unit* host) override {
    meter_.enqueued.fetch_add(1, std::memory_order_relaxed);
    Base::enqueue(std::move(mail), worker_ ? worker_ : host);
  }

  void launch(caf::execution_unit* host, bool lazy, bool hide) override {
    enter_census(this->ctrl(), this->name()); // Here, not in the constructor: name() is virtual.
    Base::launch(worker_ ? worker_ : host, lazy, hide);
  }

  caf::resumable::resume_result resume(caf::execution_unit* host, std::size_t max) override {
    if (!worker_ || host != worker_) {
      // Tests, or detached: on a thread of its own.
      auto begin = this->clock().now();
      auto result = Base::resume(host, max);
      count_turn(begin, this->clock().now());
      return result;
    }
    auto begin = worker_->begin_turn(this);
    auto result = Base::resume(host, max);
    count_turn(begin, worker_->end_turn(result == caf::resumable::done));
    return result;
  }

  caf::invoke_message_result consume(caf::mailbox_element& mail) override {
    auto id = mail.mid;
    auto result = Base::consume(mail);
    if (result == caf::invoke_message_result::skipped)
      return result;
    meter_.processed.store(meter_.processed.load(std::memory_order_relaxed) + 1,
                           std::memory_order_release);
    // CAF 0.17 leaves the time-out of an answered request in its clock until it is due.
    if (id.is_response())
      this->clock().cancel_request_timeout(this, id);
    return result;
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    leave_census();
    return Base::cleanup(std::move(reason), host);
  }

private:
  void count_turn(caf::actor_clock::time_point begin, caf::actor_clock::time_point end) noexcept {
    auto busy = std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
    meter_.busy_ns.store(meter_.busy_ns.load(std::memory_order_relaxed) + busy,
                         std::memory_order_relaxed);
    meter_.last_activity_ns.store(
      std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch()).count(),
      std::memory_order_relaxed);
  }
};

template <class Handle>
struct metered_base {
  using type = metered<typename Handle::base>;
};
template <>
struct metered_base<caf::actor> {
  using type = metered<caf::event_based_actor>;
};

/// The class of a metered actor behind a `Handle` (caf::actor or a typed_actor).
template <class Handle>
using metered_actor = typename metered_base<Handle>::type;
/// What such an actor's state keeps as `self`.
template <class Handle>
using metered_pointer = metered_actor<Handle>*;
template <class Handle, class State>
using stateful_metered_pointer = caf::stateful_actor<State, metered_actor<Handle>>*;

inline constexpr std::size_t any_home = std::numeric_limits<std::size_t>::max();

/// Where an actor is born and whose it is.
struct birth {
  std::size_t home = any_home;
  std::string label = {}; ///< Shown by the census; "" for none.
};

/// Number of homes; 1 under the test coordinator.
std::size_t home_count(caf::actor_system& system);
/// Index of the home whose thread calls, else any_home; 0 under the test coordinator.
std::size_t current_home(caf::actor_system& system);
/// What actor_config::host must be for that home; null for any.
caf::execution_unit* home_host(caf::actor_system& system, std::size_t home);
void label_actor(caf::actor_system& system, metered_part& actor, std::string text);

/// Spawns an actor class derived from metered<>. Any thread.
template <class Class, caf::spawn_options Options = caf::no_spawn_options, class... Args>
auto spawn_home(caf::actor_system& system, birth at, Args&&... args) {
  static_assert(std::is_base_of_v<metered_part, Class>, "only metered actors have a home");
  caf::actor_config config{home_host(system, at.home)};
  auto handle = system.spawn_class<Class, Options>(config, std::forward<Args>(args)...);
  if (!at.label.empty())
    label_actor(system, *static_cast<Class*>(caf::actor_cast<caf::abstract_actor*>(handle)),
                std::move(at.label));
  return handle;
}

/// Spawns an actor from a function whose first parameter points to a metered actor. Any thread.
template <caf::spawn_options Options = caf::no_spawn_options, class Function, class... Args>
auto spawn_home(caf::actor_system& system, birth at, Function function, Args&&... args)
  -> caf::infer_handle_from_fun_t<Function> {
  using impl = caf::infer_impl_from_fun_t<Function>;
  static_assert(std::is_base_of_v<metered_part, impl>, "only metered actors have a home");
  caf::actor_config config{home_host(system, at.home)};
  auto handle = system.spawn_functor<Options>(std::true_type{}, config, function,
                                              std::forward<Args>(args)...);
  if (!at.label.empty())
    label_actor(system, *static_cast<impl*>(caf::actor_cast<caf::abstract_actor*>(handle)),
                std::move(at.label));
  return handle;
}

} // namespace lapwing
