// Runs actors and sockets on the same threads: one boost::asio::io_context per thread, an actor
// with a home (see metered.hpp) only ever on the thread of its home. docs/adr/0001, 0002.
//
// Actors without a home run where they are woken: on the thread that sends to them, or in turn on
// each when that is no thread of ours.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include <caf/actor_system.hpp>
#include <caf/detail/type_list.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "actors/runtime/home_clock.hpp"
#include "actors/runtime/io_worker.hpp"

namespace lapwing {

class asio_scheduler final : public caf::scheduler::abstract_coordinator {
public:
  static constexpr std::size_t npos = std::numeric_limits<std::size_t>::max();

  explicit asio_scheduler(caf::actor_system& system);
  ~asio_scheduler() override;

  /// For `caf::actor_system_config::load<asio_scheduler>()`.
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);
  /// Null when the system runs on another scheduler, as in tests.
  static asio_scheduler* find(caf::actor_system& system) noexcept;
  /// The system's scheduler, which must be this one.
  static asio_scheduler& of(caf::actor_system& system);

  /// Threads; at least 1. `scheduler.max-threads`, by default one per core.
  std::size_t size() const noexcept { return workers_.size(); }
  io_worker& worker(std::size_t index) { return *workers_[index]; }
  /// For sockets and timers. What is posted here and not yet run when the system ends is
  /// destroyed. Handlers must not throw.
  boost::asio::io_context& io(std::size_t index) { return workers_[index]->io(); }
  /// Index of the calling thread, or npos when it is none of this scheduler's.
  std::size_t current() const noexcept;
  /// Homes for those that do not care, one after the other.
  std::size_t next_home() noexcept { return next_worker_++ % workers_.size(); }

  home_clock& clock() noexcept override { return clock_; }
  void enqueue(caf::resumable* job) override;
  void init(caf::actor_system_config& config) override;
  void start() override;
  void stop() override;

private:
  void end_actor(caf::actor_control_block& actor);
  void discard_leftovers();

  std::vector<std::unique_ptr<io_worker>> workers_;
  home_clock clock_{*this};
};

} // namespace lapwing
