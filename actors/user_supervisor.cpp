#include "actors/user_supervisor.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/fanout.hpp"
#include "actors/inspection.hpp"
#include "actors/log_writer.hpp"
#include "actors/runtime/metered.hpp"

namespace lapwing {
namespace {

struct user_supervisor_state;
using self_pointer
  = stateful_metered_pointer<user_supervisor_actor, user_supervisor_state>;

struct user_supervisor_state {
  static inline const char* name = "user_supervisor";

  struct waiting_query {
    tail_query query;
    caf::typed_response_promise<tail_state> promise;
  };
  struct child {
    platform_id platform;
    platform_actor handle;
  };

  const node_context* env = nullptr;
  std::size_t home = 0;
  user_id user;
  std::unique_ptr<log_writer> writer;
  std::unique_ptr<log_tail> tail;
  fanout live;
  std::size_t enrolled = 0; ///< Streams counted against the limit.
  std::vector<waiting_query> waiting;
  std::vector<publish_message> early; ///< Deliveries that came before the log was open.
  std::vector<child> platforms;
  std::uint64_t received = 0; ///< Messages that came through the directory.
  std::size_t at_platforms = 0; ///< Deliveries and tasks that a platform actor holds.
  bool idle_timer = false;
  bool tail_started = false;

  ~user_supervisor_state() {
    if (env != nullptr)
      --env->counts.users;
  }

  bool has_work() const {
    return enrolled > 0 || live.size() > 0 || !waiting.empty() || !early.empty() || at_platforms > 0
           || !writer->idle();
  }
};

void arm_idle_timer(self_pointer self) {
  auto& state = self->state;
  if (state.idle_timer || state.has_work())
    return;
  state.idle_timer = true;
  self->delayed_send(self, state.env->idle_after, atom::idle_v);
}

// -- publishing -----------------------------------------------------------------------------------

void publish(self_pointer self, const std::vector<event_ptr>& events) {
  auto& state = self->state;
  state.tail->append(events);
  state.live.push(events);
  std::size_t finished = 0;
  std::size_t written = 0;
  // A user has few streams: no slices.
  while (state.live.step(state.live.size() + 1, finished, written)) {
  }
}

void settle(self_pointer self, std::vector<publish_job_ptr>& jobs) {
  auto& state = self->state;
  for (auto& child : state.platforms) {
    deliveries_settled books;
    for (auto& job : jobs) {
      if (job->request.source != child.platform.str())
        continue;
      if (!job->outcome) {
        ++books.failed;
        books.last_error = to_string(job->outcome.error().code);
      } else if (job->outcome->duplicate) {
        ++books.duplicates;
      } else {
        ++books.stored;
      }
    }
    if (books.stored + books.duplicates + books.failed > 0)
      self->send(child.handle, books);
  }
  for (auto& job : jobs) {
    if (job->outcome)
      job->outcome->sessions = state.live.size();
    job->answer();
  }
  arm_idle_timer(self);
}

platform_actor& platform_of(self_pointer self, const std::string& platform) {
  auto& children = self->state.platforms;
  for (auto& child : children)
    if (child.platform.str() == platform)
      return child.handle;
  auto& state = self->state;
  auto handle = spawn_platform_actor(self->system(), state.home, *state.env, state.user,
                                     platform_id{platform},
                                     caf::actor_cast<delivery_taker_actor>(self));
  self->link_to(handle);
  children.push_back({platform_id{platform}, std::move(handle)});
  return children.back().handle;
}

void to_platform(self_pointer self, const publish_message& message) {
  ++self->state.at_platforms;
  self->send(platform_of(self, message.job->request.source), message);
}

void take_delivery(self_pointer self, const publish_message& message) {
  auto& state = self->state;
  // An unknown user's delivery must not bring an actor into being: the log refuses it.
  if (state.writer->log().known() || state.env->accept_unknown_users)
    to_platform(self, message);
  else
    state.writer->submit(message.job);
}

void publish_ephemeral(self_pointer self, publish_job& job) {
  auto& state = self->state;
  publish(self, {make_event(job.request.target, 0, state.env->clock->now(),
                            std::move(job.request.draft))});
  job.outcome = publish_receipt{{}, false, state.live.size()};
  job.answer();
  arm_idle_timer(self);
}

void take(self_pointer self, const publish_message& message) {
  auto& state = self->state;
  ++state.received;
  const publish_request& request = message.job->request;
  if (request.ephemeral)
    return publish_ephemeral(self, *message.job);
  if (request.origin == publish_origin::api)
    return state.writer->submit(message.job);
  if (state.writer->log().state() != event_log::phase::opening)
    return take_delivery(self, message);
  if (state.early.size() >= state.env->log_limits.waiting_max)
    return message.job->answer({errc::store_unavailable, "too many deliveries wait for the log"});
  state.early.push_back(message);
}

void take_back(self_pointer self, const accepted_delivery& message) {
  auto& state = self->state;
  if (state.at_platforms > 0)
    --state.at_platforms;
  if (message.job)
    state.writer->submit(message.job);
  else
    arm_idle_timer(self);
}

// -- following ------------------------------------------------------------------------------------

caf::result<tail_state> answer_query(self_pointer self, const tail_query& query) {
  auto& state = self->state;
  if (query.enrol) {
    if (state.enrolled >= state.env->limits.sessions_per_user)
      return caf::make_error(errc::too_many_sessions);
    ++state.enrolled;
    if (!state.writer->log().known()) {
      // The first stream of an authenticated person makes them exist (CONTRACT 3). The stream need
      // not wait: if this write fails, the next stream or stored event does it again.
      state.writer->log().set_known();
      state.env->store->put_user(state.user, {}, [](const result<bool>&) {});
    }
  }
  const event_log& log = state.writer->log();
  return tail_state{state.tail->newest(), log.trimmed(), state.tail->complete_after(),
                    caf::actor_cast<caf::strong_actor_ptr>(self)};
}

caf::result<tail_state> query(self_pointer self, const tail_query& what) {
  auto& state = self->state;
  ++state.received;
  if (state.writer->log().state() != event_log::phase::opening)
    return answer_query(self, what);
  auto promise = self->make_response_promise<tail_state>();
  state.waiting.push_back({what, promise});
  return promise;
}

void opened(self_pointer self, const result<log_state>& log) {
  auto& state = self->state;
  // What has a number but is not durable yet will be published: the tail begins before it.
  if (log && !std::exchange(state.tail_started, true))
    state.tail->start(state.writer->log().published());
  for (auto& message : std::exchange(state.early, {})) {
    if (log)
      take_delivery(self, message);
    else
      message.job->answer(log.error());
  }
  auto waiting = std::exchange(state.waiting, {});
  for (auto& one : waiting) {
    if (!log) {
      one.promise.deliver(caf::make_error(log.error().code));
      continue;
    }
    auto answer = answer_query(self, one.query);
    if (answer.flag == caf::rt_value)
      one.promise.deliver(answer.value.get_as<tail_state>(0));
    else
      one.promise.deliver(answer.err);
  }
  arm_idle_timer(self);
}

join_reply join(self_pointer self, const join_request& request) {
  auto& state = self->state;
  sequence newest = state.tail->newest();
  sequence from = request.member->cursor().position(request.log).value_or(newest);
  auto missing = state.tail->since(from);
  if (!missing)
    return {false, newest, state.writer->log().trimmed()};
  render_cache cache;
  request.member->deliver(*missing, cache);
  state.live.add(request.member);
  return {true, newest, state.writer->log().trimmed()};
}

void leave(self_pointer self, const leave_message& message) {
  auto& state = self->state;
  if (message.enrolled)
    --state.enrolled;
  if (message.joined && message.ended)
    state.live.member_ended();
  else if (message.joined)
    state.live.remove(message.session);
  arm_idle_timer(self);
}

// -- operators ------------------------------------------------------------------------------------

caf::result<fragment> inspect(self_pointer self, const inspect_query& query) {
  auto& state = self->state;
  ++state.received;
  arm_idle_timer(self);
  if (state.platforms.empty())
    return fragment{describe_user(query.path, state.user, state.home, state.writer->log(),
                                  state.live, self->meter(), state.env->clock->now(), {})};
  auto promise = self->make_response_promise<fragment>();
  auto parts = std::make_shared<std::vector<std::string>>();
  auto left = std::make_shared<std::size_t>(state.platforms.size());
  auto one_more = [self, promise, parts, left, path = query.path]() mutable {
    if (--*left > 0)
      return;
    auto& now = self->state;
    promise.deliver(fragment{describe_user(path, now.user, now.home, now.writer->log(), now.live,
                                           self->meter(), now.env->clock->now(), *parts)});
  };
  for (auto& child : state.platforms)
    self->request(child.handle, std::chrono::seconds{2}, query)
      .then(
        [parts, one_more](const fragment& part) mutable {
          parts->push_back(part.json);
          one_more();
        },
        [one_more](const caf::error&) mutable { one_more(); });
  return promise;
}

// -- life -------------------------------------------------------------------------------------------

void ask_to_retire(self_pointer self) {
  auto& state = self->state;
  state.idle_timer = false;
  if (state.has_work())
    return;
  self->send(state.env->directories[state.home],
             idle_notice{state.writer->log().log(), state.received,
                         caf::actor_cast<caf::strong_actor_ptr>(self)});
  // If something was under way to us the directory says nothing, and we ask again later.
  arm_idle_timer(self);
}

void child_ended(self_pointer self, const caf::exit_msg& exit) {
  auto& children = self->state.platforms;
  auto child = std::find_if(children.begin(), children.end(), [&](auto& one) {
    return exit.source == caf::actor_cast<caf::actor_addr>(one.handle);
  });
  if (child == children.end())
    return self->quit(exit.reason); // From above: shutdown.
  // Its books are lost, and what it held has been answered; the next delivery starts a new one.
  children.erase(child);
  self->state.at_platforms = 0;
}

user_supervisor_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                              std::size_t home, user_id user) {
  auto& state = self->state;
  state.env = env;
  ++env->counts.users;
  state.home = home;
  state.tail = std::make_unique<log_tail>(env->tails);
  state.writer = std::make_unique<log_writer>(
    log_id::of(user), *env, home, self,
    log_writer::hooks{[self](const auto& events) { publish(self, events); },
                      [self](auto& jobs) { settle(self, jobs); },
                      [self](const auto& log) { opened(self, log); }});
  state.user = std::move(user);
  self->set_exit_handler([self](const caf::exit_msg& exit) { child_ended(self, exit); });
  state.writer->open();
  return {
    [self](const append_done& message) { self->state.writer->on(message); },
    [self](const log_opened& message) { self->state.writer->on(message); },
    [self](const log_page& message) { self->state.writer->on(message); },
    [self](atom::retry) { self->state.writer->on_retry(); },
    [self](const tail_query& message) { return query(self, message); },
    [self](const join_request& message) { return join(self, message); },
    [self](const leave_message& message) { leave(self, message); },
    [self](const publish_message& message) { take(self, message); },
    [self](const accepted_delivery& message) { take_back(self, message); },
    [self](const platform_message& message) {
      auto& now = self->state;
      ++now.received;
      ++now.at_platforms;
      self->send(platform_of(self, message.task->of.platform.str()),
                 platform_message{message.task, now.live.size() > 0});
    },
    [self](const connection_event& message) {
      // Not counted as received: it did not come through the directory.
      if (message.job->request.ephemeral)
        return publish_ephemeral(self, *message.job);
      self->state.writer->submit(message.job);
    },
    [self](const platform_settled&) { take_back(self, accepted_delivery{}); },
    [self](const user_created&) {
      ++self->state.received;
      self->state.writer->log().set_known();
    },
    [self](atom::retire) { self->quit(); },
    [self](atom::idle) { ask_to_retire(self); },
    [self](const inspect_query& message) { return inspect(self, message); },
  };
}

} // namespace

user_supervisor_actor spawn_user_supervisor(caf::actor_system& system, std::size_t home,
                                            const node_context& env, user_id user) {
  auto label = user.str();
  return spawn_home(system, {home, std::move(label)}, behavior, &env, home, std::move(user));
}

} // namespace lapwing
