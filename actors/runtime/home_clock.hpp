// The actors' clock: timers of an actor with a home stay on its thread, without a lock; all others
// share one queue behind a lock that never covers foreign code. Nothing here waits or blocks, so
// the deadlock of CAF's own clock (its thread waiting for room in its own queue) cannot happen.
#pragma once

#include <atomic>
#include <mutex>

#include <boost/asio/steady_timer.hpp>

#include <caf/actor_clock.hpp>

#include "actors/runtime/timer_queue.hpp"

namespace lapwing {

class asio_scheduler;

/// Every function may be called on any thread.
class home_clock final : public caf::actor_clock {
public:
  explicit home_clock(asio_scheduler& scheduler) : scheduler_(scheduler) {}

  time_point now() const noexcept override;
  void set_ordinary_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point due, caf::abstract_actor* self,
                           caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  /// Also drops what was to be sent to `self` later, which nobody would receive: CAF's clock keeps
  /// the memory of a dead actor until then.
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point due, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr mail) override;
  void schedule_message(time_point due, caf::group receiver, caf::strong_actor_ptr sender,
                        caf::message content) override;
  /// The shared queue and the queue of the calling thread.
  void cancel_all() override;

  /// Timers that belong to no home, for tests and metrics.
  std::size_t shared_size() const noexcept { return shared_size_.load(std::memory_order_relaxed); }

  static void deliver(timer_effect& effect);

  /// Starts and stops the alarm of the shared queue, on the first worker.
  void start();
  /// After the workers have ended: the timers that were left.
  std::vector<timer_queue::owned_timer> stop();

private:
  void add(time_point due, const caf::abstract_actor* self, timer_key key, timer_effect effect);
  void remove(const caf::abstract_actor* self, const timer_key& key);
  void arm_shared();
  void fire_shared();

  asio_scheduler& scheduler_;

  mutable std::mutex mutex_;
  timer_queue shared_;
  std::atomic<std::size_t> shared_size_{0}; ///< Saves the lock where there is nothing to cancel.
  time_point announced_ = time_point::max(); ///< The soonest the alarm has been told of.
  bool stopped_ = false;

  // The first worker's thread only.
  std::unique_ptr<boost::asio::steady_timer> alarm_;
};

} // namespace lapwing
