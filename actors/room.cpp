#include "actors/room.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/log_writer.hpp"
#include "actors/runtime/metered.hpp"

namespace lapwing {
namespace {

struct room_state {
  static inline const char* name = "room";

  struct follower {
    std::size_t home = 0;
    room_relay_actor relay;
    std::size_t members = 0;
    std::size_t outstanding = 0; ///< Events it was given and has not finished with.
  };

  const node_context* env = nullptr;
  std::size_t home = 0;
  std::unique_ptr<log_writer> writer;
  std::vector<follower> followers;
  std::vector<relay_attach> waiting; ///< Until the log is open.
  std::uint64_t received = 0;
  bool idle_timer = false;

  bool counted = false; ///< In node_context::counts.

  ~room_state() { count(false); }

  void count(bool followed) {
    if (env == nullptr || followed == counted || writer->log().log().kind != log_kind::room)
      return;
    counted = followed;
    followed ? ++env->counts.rooms : --env->counts.rooms;
  }

  bool has_work() const { return !followers.empty() || !waiting.empty() || !writer->idle(); }

  std::size_t members() const {
    std::size_t sum = 0;
    for (auto& one : followers)
      sum += one.members;
    return sum;
  }
};

using self_pointer = stateful_metered_pointer<room_actor, room_state>;

void arm_idle_timer(self_pointer self) {
  auto& state = self->state;
  if (state.idle_timer || state.has_work())
    return;
  state.idle_timer = true;
  self->delayed_send(self, state.env->idle_after, atom::idle_v);
}

void publish(self_pointer self, const std::vector<event_ptr>& events) {
  auto& state = self->state;
  if (state.followers.empty())
    return;
  relay_batch batch{state.writer->log().log(),
                    std::make_shared<const std::vector<event_ptr>>(events)};
  for (auto& one : state.followers) {
    one.outstanding += events.size();
    self->send(one.relay, batch);
  }
}

void settle(self_pointer self, std::vector<publish_job_ptr>& jobs) {
  std::size_t members = self->state.members();
  for (auto& job : jobs) {
    if (job->outcome)
      job->outcome->sessions = members;
    job->answer();
  }
  arm_idle_timer(self);
}

void take(self_pointer self, const publish_message& message) {
  auto& state = self->state;
  ++state.received;
  publish_job& job = *message.job;
  // The slowest thread sets the pace: without this a flood would pile up in its relay's mailbox.
  bool behind = std::any_of(state.followers.begin(), state.followers.end(), [&](auto& one) {
    return one.outstanding >= state.env->room_backlog_max;
  });
  if (behind)
    return job.answer({errc::rate_limited, "1 s: the room's members are behind"});
  if (!job.request.ephemeral)
    return state.writer->submit(message.job);
  publish(self, {make_event(job.request.target, 0, state.env->clock->now(),
                            std::move(job.request.draft))});
  job.outcome = publish_receipt{{}, false, state.members()};
  job.answer();
  arm_idle_timer(self);
}

void attach(self_pointer self, const relay_attach& request) {
  auto& state = self->state;
  auto relay = caf::actor_cast<room_relay_actor>(request.relay);
  if (state.writer->log().state() == event_log::phase::opening) {
    state.waiting.push_back(request);
    return;
  }
  auto& followers = state.followers;
  std::erase_if(followers, [&](auto& one) { return one.home == request.home; });
  followers.push_back({request.home, relay, 0, 0});
  state.count(true);
  const event_log& log = state.writer->log();
  // What has a number but is not durable yet comes as a batch: `newest` must not promise it.
  self->send(relay, relay_attached{log.log(), caf::actor_cast<caf::strong_actor_ptr>(self),
                                   log.published(), log.trimmed()});
}

void opened(self_pointer self, const result<log_state>& log) {
  auto& state = self->state;
  auto waiting = std::move(state.waiting);
  state.waiting.clear();
  for (auto& request : waiting) {
    if (log)
      attach(self, request);
    else
      self->send(caf::actor_cast<room_relay_actor>(request.relay),
                 relay_attached{request.log, nullptr, 0, 0});
  }
  arm_idle_timer(self);
}

void progress(self_pointer self, const relay_progress& report) {
  auto& followers = self->state.followers;
  auto at = std::find_if(followers.begin(), followers.end(),
                         [&](auto& one) { return one.home == report.home; });
  if (at == followers.end())
    return;
  at->members = report.members;
  at->outstanding -= std::min(at->outstanding, report.finished);
  if (report.gone)
    followers.erase(at);
  self->state.count(!followers.empty());
  arm_idle_timer(self);
}

void ask_to_retire(self_pointer self) {
  auto& state = self->state;
  state.idle_timer = false;
  if (state.has_work())
    return;
  self->send(state.env->directories[state.home],
             idle_notice{state.writer->log().log(), state.received,
                         caf::actor_cast<caf::strong_actor_ptr>(self)});
  arm_idle_timer(self);
}

room_actor::behavior_type behavior(self_pointer self, const node_context* env, std::size_t home,
                                   log_id log) {
  auto& state = self->state;
  state.env = env;
  state.home = home;
  state.writer = std::make_unique<log_writer>(
    std::move(log), *env, home, self,
    log_writer::hooks{[self](const auto& events) { publish(self, events); },
                      [self](auto& jobs) { settle(self, jobs); },
                      [self](const auto& log_now) { opened(self, log_now); }});
  state.writer->open();
  return {
    [self](const append_done& message) { self->state.writer->on(message); },
    [self](const log_opened& message) { self->state.writer->on(message); },
    [self](const log_page& message) { self->state.writer->on(message); },
    [self](atom::retry) { self->state.writer->on_retry(); },
    [self](const publish_message& message) { take(self, message); },
    [self](const relay_attach& message) {
      ++self->state.received;
      attach(self, message);
    },
    [self](const relay_progress& message) { progress(self, message); },
    [self](atom::retire) { self->quit(); },
    [self](atom::idle) { ask_to_retire(self); },
  };
}

} // namespace

room_actor spawn_room(caf::actor_system& system, std::size_t home, const node_context& env,
                      log_id log) {
  auto label = to_key(log);
  return spawn_home(system, {home, std::move(label)}, behavior, &env, home, std::move(log));
}

} // namespace lapwing
