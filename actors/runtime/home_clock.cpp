#include "actors/runtime/home_clock.hpp"

#include <type_traits>
#include <utility>

#include <boost/asio/post.hpp>

#include <caf/abstract_actor.hpp>
#include <caf/abstract_group.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/io_worker.hpp"

namespace lapwing {
namespace {

// As in io_worker: under 0.1 ms between two looks at the sockets.
constexpr std::size_t timer_batch_max = 256;

timer_key receive_timeout_key(const caf::abstract_actor* self, caf::atom_value type) {
  return {self->id(), static_cast<std::uint64_t>(type), timer_kind::receive_timeout};
}

timer_key request_key(const caf::abstract_actor* self, caf::message_id id) {
  return {self->id(), id.integer_value(), timer_kind::request};
}

/// The worker on whose thread `self`, at home there, has its turn; else null. An actor's own
/// timeouts are set and cancelled in its turns only, so both find the same queue.
io_worker* home_in_turn(const caf::abstract_actor* self) {
  auto* worker = io_worker::current();
  return worker && worker->in_turn(self) ? worker : nullptr;
}

} // namespace

home_clock::time_point home_clock::now() const noexcept {
  auto now = clock_type::now();
  if (auto* worker = io_worker::current())
    worker->note_time(now);
  return now;
}

void home_clock::set_ordinary_timeout(time_point due, caf::abstract_actor* self,
                                      caf::atom_value type, std::uint64_t id) {
  add(due, self, receive_timeout_key(self, type),
      timeout_due{caf::strong_actor_ptr{self->ctrl()}, type, id});
}

void home_clock::set_multi_timeout(time_point due, caf::abstract_actor* self,
                                   caf::atom_value type, std::uint64_t id) {
  add(due, self, timer_key{self->id()},
      timeout_due{caf::strong_actor_ptr{self->ctrl()}, type, id});
}

void home_clock::set_request_timeout(time_point due, caf::abstract_actor* self,
                                     caf::message_id id) {
  add(due, self, request_key(self, id), request_due{caf::strong_actor_ptr{self->ctrl()}, id});
}

void home_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  remove(self, receive_timeout_key(self, type));
}

void home_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  remove(self, request_key(self, id));
}

void home_clock::cancel_timeouts(caf::abstract_actor* self) {
  // Destroyed last, and after the lock: letting go of a timer can end another actor, which calls
  // this function again.
  std::vector<timer_queue::owned_timer> removed_here;
  std::vector<timer_queue::owned_timer> removed_shared;
  if (auto* worker = home_in_turn(self))
    removed_here = worker->timers().remove_owner(self->id());
  if (shared_size() == 0)
    return;
  std::lock_guard lock{mutex_};
  removed_shared = shared_.remove_owner(self->id());
  shared_size_.store(shared_.size(), std::memory_order_relaxed);
}

void home_clock::schedule_message(time_point due, caf::strong_actor_ptr receiver,
                                  caf::mailbox_element_ptr mail) {
  if (!receiver)
    return;
  const auto* actor = receiver->get();
  auto owner = receiver->id();
  timer_effect effect = mail_due{std::move(receiver), std::move(mail)};
  auto* worker = io_worker::current();
  if (worker && &worker->scheduler() == &scheduler_) {
    // To somebody else: due here, but not this actor's to cancel.
    auto key = worker->in_turn(actor) ? timer_key{owner} : timer_key{};
    (void)worker->timers().add(due, std::make_unique<timer>(key, std::move(effect)));
    worker->arm_timers();
    return;
  }
  add(due, actor, timer_key{owner}, std::move(effect));
}

void home_clock::schedule_message(time_point due, caf::group receiver,
                                  caf::strong_actor_ptr sender, caf::message content) {
  if (receiver)
    add(due, nullptr, timer_key{},
        group_mail_due{std::move(receiver), std::move(sender), std::move(content)});
}

void home_clock::cancel_all() {
  std::vector<timer_queue::owned_timer> removed_here;
  std::vector<timer_queue::owned_timer> removed_shared;
  if (auto* worker = io_worker::current(); worker && &worker->scheduler() == &scheduler_)
    removed_here = worker->timers().remove_all();
  std::lock_guard lock{mutex_};
  removed_shared = shared_.remove_all();
  shared_size_.store(0, std::memory_order_relaxed);
}

void home_clock::add(time_point due, const caf::abstract_actor* self, timer_key key,
                     timer_effect effect) {
  auto added = std::make_unique<timer>(key, std::move(effect));
  timer_queue::owned_timer replaced;
  if (auto* worker = self ? home_in_turn(self) : nullptr) {
    replaced = worker->timers().add(due, std::move(added));
    worker->arm_timers();
    return;
  }
  {
    std::lock_guard lock{mutex_};
    if (stopped_)
      return; // `added` is destroyed after the lock: it was declared before.
    replaced = shared_.add(due, std::move(added));
    shared_size_.store(shared_.size(), std::memory_order_relaxed);
    if (due >= announced_)
      return;
    announced_ = due;
  }
  boost::asio::post(scheduler_.io(0), [this] { arm_shared(); });
}

void home_clock::remove(const caf::abstract_actor* self, const timer_key& key) {
  timer_queue::owned_timer removed;
  if (auto* worker = home_in_turn(self)) {
    removed = worker->timers().remove(key);
    return;
  }
  if (shared_size() == 0)
    return;
  std::lock_guard lock{mutex_};
  removed = shared_.remove(key);
  shared_size_.store(shared_.size(), std::memory_order_relaxed);
}

void home_clock::deliver(timer_effect& effect) {
  std::visit(
    [](auto& due) {
      using due_type = std::decay_t<decltype(due)>;
      if constexpr (std::is_same_v<due_type, timeout_due>)
        due.self->get()->eq_impl(caf::make_message_id(), due.self, nullptr,
                                 caf::timeout_msg{due.type, due.id});
      else if constexpr (std::is_same_v<due_type, request_due>)
        due.self->get()->eq_impl(due.id, due.self, nullptr,
                                 caf::make_error(caf::sec::request_timeout));
      else if constexpr (std::is_same_v<due_type, mail_due>)
        due.receiver->enqueue(std::move(due.mail), nullptr);
      else
        due.receiver->eq_impl(caf::make_message_id(), std::move(due.sender), nullptr,
                              std::move(due.content));
    },
    effect);
}

void home_clock::start() {
  alarm_ = std::make_unique<boost::asio::steady_timer>(scheduler_.io(0));
}

std::vector<timer_queue::owned_timer> home_clock::stop() {
  alarm_.reset();
  std::lock_guard lock{mutex_};
  stopped_ = true;
  shared_size_.store(0, std::memory_order_relaxed);
  return shared_.remove_all();
}

void home_clock::arm_shared() {
  time_point due;
  {
    std::lock_guard lock{mutex_};
    due = announced_ = shared_.next_due();
  }
  if (due == time_point::max())
    return;
  alarm_->expires_at(due);
  alarm_->async_wait([this](boost::system::error_code moved) {
    if (!moved)
      fire_shared();
  });
}

void home_clock::fire_shared() {
  std::vector<timer_queue::owned_timer> due;
  auto now = this->now();
  {
    std::lock_guard lock{mutex_};
    while (due.size() < timer_batch_max) {
      auto next = shared_.pop_due(now);
      if (!next)
        break;
      due.push_back(std::move(next));
    }
    shared_size_.store(shared_.size(), std::memory_order_relaxed);
  }
  for (auto& next : due)
    deliver(next->effect);
  due.clear();
  arm_shared();
}

} // namespace lapwing
