#include "actors/runtime/io_worker.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>

#include <caf/actor_system.hpp>
#include <caf/detail/set_thread_name.hpp>
#include <caf/exit_reason.hpp>
#include <caf/logger.hpp>
#include <caf/scheduled_actor.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/home_clock.hpp"

namespace lapwing {
namespace {

// Between two looks at the sockets at most so many turns, and no new turn after so much time.
// 64: below it the look (one epoll_wait, 0.3 us) shows in ping-pong, above it nothing is gained.
constexpr std::size_t drain_turns_max = 64;
constexpr std::chrono::microseconds drain_time_max{500};
// Messages between two looks at the clock within a turn: an actor whose messages are dear (a slice
// of a large room) must not keep sockets and other actors waiting for all of its turn's messages.
constexpr std::size_t turn_step = 8;
constexpr std::chrono::microseconds turn_time_max{200};
// Delivering one timer costs about as much as a message: 256 keep a batch under 0.1 ms.
constexpr std::size_t timer_batch_max = 256;

} // namespace

io_worker::io_worker(asio_scheduler& scheduler, std::size_t index, std::size_t max_throughput)
  : caf::execution_unit(&scheduler.system()), scheduler_(scheduler), index_(index),
    max_throughput_(max_throughput), guard_(io_.get_executor()), alarm_(io_) {}

void io_worker::exec_later(caf::resumable* job) {
  if (current_ == this) {
    queue_.push_back(job);
    arm_drain();
    return;
  }
  bool wake = false;
  {
    std::lock_guard lock{inbox_mutex_};
    inbox_.push_back(job);
    wake = !std::exchange(wake_pending_, true);
  }
  if (wake)
    boost::asio::post(io_, [this] { take_inbox(); });
}

void io_worker::arm_drain() {
  if (!std::exchange(drain_armed_, true))
    boost::asio::post(io_, [this] { drain(); });
}

void io_worker::take_inbox() {
  {
    std::lock_guard lock{inbox_mutex_};
    std::swap(taken_, inbox_);
    wake_pending_ = false;
  }
  queue_.insert(queue_.end(), taken_.begin(), taken_.end());
  taken_.clear();
  if (!drain_armed_)
    drain();
}

void io_worker::drain() {
  // Armed for the length of the batch: what its jobs produce joins it instead of arming again.
  drain_armed_ = true;
  now_ = std::chrono::steady_clock::now();
  auto end = now_ + drain_time_max;
  for (std::size_t turns = 0; turns < drain_turns_max && now_ < end && !queue_.empty(); ++turns) {
    auto* job = queue_.front();
    queue_.pop_front();
    run(job);
  }
  drain_armed_ = false;
  if (!queue_.empty())
    arm_drain();
}

void io_worker::run(caf::resumable* job) {
  auto end = now_ + turn_time_max;
  auto left = max_throughput_;
  auto result = caf::resumable::resume_later;
  while (result == caf::resumable::resume_later && left > 0) {
    auto step = std::min(left, turn_step);
    left -= step;
    result = job->resume(this, step);
    if (now_ >= end)
      break;
  }
  switch (result) {
    case caf::resumable::resume_later:
      exec_later(job);
      break;
    case caf::resumable::done:
    case caf::resumable::awaiting_message:
      caf::intrusive_ptr_release(job);
      break;
    case caf::resumable::shutdown_execution_unit:
      break;
  }
}

void io_worker::arm_timers() {
  auto due = timers_.next_due();
  // An alarm that rings too early finds nothing due and arms the next: cheaper than moving it
  // whenever a timer is cancelled.
  if (due >= alarm_at_)
    return;
  alarm_at_ = due;
  alarm_.expires_at(due);
  alarm_.async_wait([this](boost::system::error_code moved) {
    if (!moved)
      fire_timers();
  });
}

void io_worker::fire_timers() {
  alarm_at_ = time_point::max();
  auto now = std::chrono::steady_clock::now();
  for (std::size_t fired = 0; fired < timer_batch_max; ++fired) {
    auto due = timers_.pop_due(now);
    if (!due) {
      arm_timers();
      return;
    }
    home_clock::deliver(due->effect);
  }
  // Let sockets and actors have their turn before the next batch. `alarm_at_` in the past keeps
  // arm_timers() from starting a second chain of batches.
  alarm_at_ = time_point::min();
  boost::asio::post(io_, [this] { fire_timers(); });
}

void io_worker::start() {
  thread_ = std::thread{[this] {
    CAF_SET_LOGGER_SYS(&system());
    caf::detail::set_thread_name(("lapwing.io" + std::to_string(index_)).c_str());
    current_ = this;
    system().thread_started();
    io_.run();
    system().thread_terminates();
    current_ = nullptr;
  }};
}

void io_worker::stop() { io_.stop(); }

void io_worker::join() {
  if (thread_.joinable())
    thread_.join();
}

void io_worker::end(caf::scheduled_actor& actor) {
  actor.context(this);
  actor.quit(caf::make_error(caf::exit_reason::user_shutdown));
  if (!actor.finalize()) // Kept alive by a stream.
    actor.cleanup(caf::make_error(caf::exit_reason::user_shutdown), this);
}

void io_worker::discard(caf::resumable* job) {
  // Instead of CAF's cleanup_and_release, which destroys neither behavior nor state and leaks the
  // actors that are woken by the end of this one.
  if (job->subtype() == caf::resumable::scheduled_actor
      || job->subtype() == caf::resumable::io_actor)
    end(*static_cast<caf::scheduled_actor*>(job));
  caf::intrusive_ptr_release(job);
}

bool io_worker::discard_leftovers() {
  std::vector<caf::resumable*> jobs(queue_.begin(), queue_.end());
  queue_.clear();
  {
    std::lock_guard lock{inbox_mutex_};
    jobs.insert(jobs.end(), inbox_.begin(), inbox_.end());
    inbox_.clear();
    wake_pending_ = true; // Nobody is there to be woken.
  }
  auto timers = timers_.remove_all();
  for (auto* job : jobs)
    discard(job);
  return !jobs.empty() || !timers.empty();
}

} // namespace lapwing
