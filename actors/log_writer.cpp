#include "actors/log_writer.hpp"

#include <algorithm>

#include <caf/actor_cast.hpp>
#include <caf/local_actor.hpp>
#include <caf/send.hpp>

#include "actors/node_context.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t recovery_page = 256;
constexpr auto backoff_min = 100ms;
constexpr auto backoff_max = 5s; // A store that is back is found again within this.

} // namespace

log_writer::log_writer(log_id log, const node_context& env, std::size_t home,
                       caf::local_actor* owner, hooks what)
  : log_(std::move(log), env.log_limits), env_(env), home_(home), owner_(owner),
    hooks_(std::move(what)) {}

log_owner_actor log_writer::owner() const {
  return caf::actor_cast<log_owner_actor>(caf::actor_cast<caf::strong_actor_ptr>(owner_));
}

void log_writer::open() {
  if (asking_)
    return;
  asking_ = true;
  env_.store->open(log_.log(), [me = owner()](result<log_state> state) {
    caf::anon_send(me, log_opened{std::move(state)});
  });
}

void log_writer::submit(publish_job_ptr job) {
  event_log::actions todo;
  log_.submit(std::move(job), env_.clock->now(), todo);
  apply(todo);
}

void log_writer::on(const log_opened& message) {
  asking_ = false;
  event_log::actions todo;
  log_.opened(message.state, env_.accept_unknown_users, env_.clock->now(), todo);
  apply(todo);
  if (message.state)
    backoff_ = 0ms;
  else
    retry_later();
  hooks_.opened(message.state);
}

void log_writer::on(const log_page& message) {
  asking_ = false;
  if (!message.range)
    return retry_later();
  const auto& events = message.range->events;
  event_log::actions todo;
  log_.recovered(events, events.size() < recovery_page, env_.clock->now(), todo);
  apply(todo);
}

void log_writer::on(const append_done& message) {
  event_log::actions todo;
  log_.appended(*message.results, message.count, todo);
  apply(todo);
}

void log_writer::on_retry() {
  retrying_ = false;
  if (!is_open())
    open();
}

void log_writer::retry_later() {
  if (retrying_)
    return;
  retrying_ = true;
  backoff_ = std::clamp(backoff_ * 2, std::chrono::milliseconds{backoff_min},
                        std::chrono::milliseconds{backoff_max});
  // A quarter of jitter, so that a thousand logs do not ask a store that is back all at once.
  auto jitter = static_cast<std::chrono::milliseconds::rep>(
    env_.random() % static_cast<std::uint64_t>(backoff_.count() / 4 + 1));
  caf::delayed_anon_send(owner(), backoff_ + std::chrono::milliseconds{jitter}, atom::retry_v);
}

void log_writer::apply(event_log::actions& todo) {
  if (!todo.append.empty())
    caf::anon_send(env_.writers[home_], append_message{owner(), std::move(todo.append)});
  if (!todo.publish.empty())
    hooks_.publish(todo.publish);
  if (!todo.settled.empty())
    hooks_.settle(todo.settled);
  if (todo.reopen)
    retry_later(); // Not at once: the store has just failed.
  if (todo.recover_after && !asking_) {
    asking_ = true;
    env_.store->read(log_.log(), *todo.recover_after, recovery_page,
                     [me = owner()](result<event_range> range) {
                       caf::anon_send(me, log_page{std::move(range)});
                     });
  }
}

} // namespace lapwing
