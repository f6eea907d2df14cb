// One thread that runs sockets and actors: the actors of this home take turns with the handlers
// of its io_context. asio_scheduler owns the workers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <caf/abstract_actor.hpp>
#include <caf/execution_unit.hpp>
#include <caf/fwd.hpp>
#include <caf/resumable.hpp>

#include "actors/runtime/timer_queue.hpp"

namespace lapwing {

class asio_scheduler;

class io_worker final : public caf::execution_unit {
public:
  using time_point = caf::actor_clock::time_point;

  io_worker(asio_scheduler& scheduler, std::size_t index, std::size_t max_throughput);

  /// The worker whose thread calls, or null on any other thread.
  static io_worker* current() noexcept { return current_; }

  std::size_t index() const noexcept { return index_; }
  asio_scheduler& scheduler() const noexcept { return scheduler_; }
  boost::asio::io_context& io() noexcept { return io_; }

  /// Any thread. Takes over one reference to `job`, which then runs on this worker.
  void exec_later(caf::resumable* job) override;

  // -- only on this worker's thread -------------------------------------------

  /// Starts the turn of an actor with its home here and says when: that is when the turn before
  /// it ended.
  time_point begin_turn(const caf::abstract_actor* actor) noexcept {
    in_turn_ = actor;
    now_noted_ = false;
    return now_;
  }
  /// Ends it and says when. CAF asks the clock after each round of messages, but for an actor's
  /// last: that reading serves here too, and measuring a turn costs none of its own.
  time_point end_turn(bool last) noexcept {
    in_turn_ = nullptr;
    if (last || !now_noted_)
      now_ = std::chrono::steady_clock::now();
    return now_;
  }
  void note_time(time_point now) noexcept {
    now_ = now;
    now_noted_ = true;
  }
  /// True while the turn of `actor`, which has its home here, lasts.
  bool in_turn(const caf::abstract_actor* actor) const noexcept { return in_turn_ == actor; }

  /// Timers of the actors at home here, and of what they send: no other thread sees them.
  timer_queue& timers() noexcept { return timers_; }
  /// To be called after the soonest timer may have changed.
  void arm_timers();

  // -- only asio_scheduler ----------------------------------------------------

  void start();
  /// Makes the thread end after the job it is at.
  void stop();
  void join();
  /// After join(): ends the actors and drops the timers that are left here. False when there were
  /// none; ending an actor may wake others, here or on other workers.
  bool discard_leftovers();
  /// After join(): ends an actor of this home.
  void end(caf::scheduled_actor& actor);
  /// After join(): destroys the handlers that have not run, and what they own.
  void discard_handlers() { io_.shutdown(); }

private:
  struct context : boost::asio::io_context {
    using io_context::io_context;
    using execution_context::shutdown;
  };

  void arm_drain();
  void drain();
  void take_inbox();
  void run(caf::resumable* job);
  void discard(caf::resumable* job);
  void fire_timers();

  static inline constinit thread_local io_worker* current_ = nullptr;

  asio_scheduler& scheduler_;
  const std::size_t index_;
  const std::size_t max_throughput_;
  context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;

  // This thread only.
  std::deque<caf::resumable*> queue_;
  std::vector<caf::resumable*> taken_; ///< Kept for its capacity.
  bool drain_armed_ = false;
  time_point now_{}; ///< The newest reading of the clock in this batch.
  bool now_noted_ = false; ///< In this turn.
  const caf::abstract_actor* in_turn_ = nullptr;
  timer_queue timers_;
  boost::asio::steady_timer alarm_;
  time_point alarm_at_ = time_point::max();

  // Jobs from other threads. One wake-up is under way while `wake_pending_`.
  std::mutex inbox_mutex_;
  std::vector<caf::resumable*> inbox_;
  bool wake_pending_ = false;
};

} // namespace lapwing
