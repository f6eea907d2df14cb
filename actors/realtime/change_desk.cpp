#include "actors/realtime/change_desk.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <vector>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/realtime/change_work.hpp"
#include "actors/runtime/metered.hpp"
#include "realtime/answers.hpp"

namespace lapwing::realtime {
namespace {

using namespace std::chrono_literals;

struct kept_batch {
  change_batch_ptr batch;
  std::size_t bytes = 0;
  std::chrono::steady_clock::time_point when;
};

struct desk_state {
  static inline const char* name = "change_desk";
  const desk_context* env = nullptr;
  std::map<member_id, following_ptr> by_id;
  std::vector<following_ptr> followers; ///< The same.
  std::deque<kept_batch> kept;
  std::size_t kept_bytes = 0;
  lsn forgotten = 0;        ///< What committed up to here is kept no more.
  lsn crash_at = 0;         ///< The node before this one ended badly here.
  std::chrono::steady_clock::time_point crash_until{};
  std::uint64_t newest = 0; ///< Number of the newest batch.
  bool elsewhere = false;   ///< Another node has the stream.
  bool caught_up = false;   ///< With what happened before this node began.
  std::vector<std::pair<tables_described, change_listener_actor>> waiting; ///< For that.
  lsn reached = 0;
  std::deque<change_job> jobs;
  std::unique_ptr<change_work> current; ///< Waits for the feed's word.
  std::uint64_t works = 0;
};

using self_pointer = stateful_metered_pointer<change_desk_actor, desk_state>;

std::size_t weight(const change_batch& batch) {
  std::size_t bytes = sizeof batch;
  for (const auto& part : batch.parts)
    for (const auto& change : part.changes) {
      bytes += sizeof change;
      for (const auto* row : {&change.row, &change.old})
        for (const auto& one : *row)
          bytes += sizeof one + one.value.size();
    }
  return bytes;
}

// -- one question after the other -----------------------------------------------------------------

void next_question(self_pointer self) {
  auto& state = self->state;
  while (!state.current && !state.jobs.empty()) {
    auto next = std::make_unique<change_work>(++state.works, state.jobs, state.followers);
    if (next->empty()) {
      next->note_reached(state.followers);
      continue;
    }
    state.current = std::move(next);
    state.env->feed->look(state.current->question(),
                          [me = change_desk_actor{self},
                           number = state.current->number()](result<sights> what) {
                            caf::anon_send(me, changes_seen{number,
                                                            std::make_shared<result<sights>>(
                                                              std::move(what))});
                          });
  }
}

void seen(self_pointer self, const changes_seen& message) {
  auto& state = self->state;
  if (!state.current || state.current->number() != message.job)
    return;
  auto done = std::move(state.current);
  if (*message.what)
    done->tell(**message.what, state.env->settings.seen_rows_max);
  else
    done->say_reset();
  done->note_reached(state.followers);
  next_question(self);
}

// -- batches --------------------------------------------------------------------------------------

void forget_old(desk_state& state, std::chrono::steady_clock::time_point now) {
  const auto& settings = state.env->settings;
  while (!state.kept.empty()
         && (now - state.kept.front().when > settings.resume_window
             || state.kept_bytes > settings.kept_bytes)) {
    state.forgotten = state.kept.front().batch->reached;
    state.kept_bytes -= state.kept.front().bytes;
    state.kept.pop_front();
  }
}

void described(self_pointer self, const tables_described& message,
               const change_listener_actor& session);

/// Nobody is to believe that changes come while they come to another node.
void tell_where(self_pointer self, bool elsewhere) {
  auto& state = self->state;
  if (std::exchange(state.elsewhere, elsewhere) == elsewhere)
    return;
  for (const auto& one : state.followers)
    say(*one->who, !elsewhere, elsewhere ? streamed_elsewhere : subscribed);
  if (elsewhere)
    for (const auto& [described_one, session] : state.waiting)
      self->send(session,
                 change_notice{described_one.who->id, false, std::string{streamed_elsewhere}});
}

void take_batch(self_pointer self, const change_news& message) {
  const auto& batch = message.batch;
  auto& state = self->state;
  auto now = self->clock().now();
  tell_where(self, batch->elsewhere);
  if (batch->elsewhere)
    return;
  if (batch->resume_at != 0) {
    state.crash_at = batch->resume_at;
    state.crash_until = now + state.env->settings.resume_window;
  }
  if (batch->lost) {
    state.kept.clear();
    state.kept_bytes = 0;
    state.forgotten = batch->reached;
    state.crash_at = 0;
    for (const auto& one : state.followers)
      say(*one->who, false, "reset");
  }
  state.newest = batch->number;
  state.reached = std::max(state.reached, batch->reached);
  auto bytes = weight(*batch);
  state.kept.push_back({batch, bytes, now});
  state.kept_bytes += bytes;
  forget_old(state, now);
  state.jobs.push_back({batch, nullptr, batch->history, message.hold});
  next_question(self);
  if (!state.caught_up && batch->reached >= batch->history) {
    state.caught_up = true;
    for (auto& [described_one, session] : std::exchange(state.waiting, {}))
      described(self, described_one, session);
  }
}

// -- followers ------------------------------------------------------------------------------------

void forget(desk_state& state, member_id id) {
  auto found = state.by_id.find(id);
  if (found == state.by_id.end())
    return;
  std::erase(state.followers, found->second);
  state.by_id.erase(found);
}

/// What is wrong with an entry, or empty. Wildcards need no filter that fits every table.
std::string problem_of(const change_entry& entry, const std::vector<table_facts>& tables) {
  if (!entry.problem.empty())
    return entry.problem;
  bool any = false;
  std::string unfit;
  for (const auto& one : tables) {
    if ((entry.schema != "*" && entry.schema != one.shape->schema)
        || (entry.table != "*" && entry.table != one.shape->name))
      continue;
    any = true;
    if (entry.select)
      for (const auto& column : *entry.select)
        if (one.shape->find(column) == table::npos)
          unfit = "invalid column for select " + column;
    if (auto bound = bound_filter::bind(entry.filter, *one.shape); !bound)
      unfit = bound.error().detail;
  }
  if (!any)
    return no_such_table(entry);
  return unfit.empty() ? unfit : unfit_entry(entry, unfit);
}

/// From where the changes are told again to somebody who has come back; nothing: from now on.
std::optional<lsn> missed_from(self_pointer self, const change_follower& who) {
  auto& state = self->state;
  auto now = self->clock().now();
  if (auto at = state.env->gone->came_back(who.resume_key, now))
    return at;
  if (state.crash_at != 0 && now < state.crash_until)
    return state.crash_at;
  return std::nullopt;
}

void begin_following(self_pointer self, const follower_ptr& who) {
  auto& state = self->state;
  auto made = std::make_shared<following>(who);
  made->live_after = state.newest;
  made->reached = state.reached;
  state.by_id[who->id] = made;
  state.followers.push_back(made);
  auto from = missed_from(self, *who);
  if (!from)
    return;
  made->reached = *from;
  forget_old(state, self->clock().now());
  if (*from < state.forgotten)
    say(*who, false, "reset");
  for (const auto& one : state.kept)
    if (one.batch->reached > *from)
      state.jobs.push_back({one.batch, made, *from, nullptr});
  next_question(self);
}

void described(self_pointer self, const tables_described& message,
               const change_listener_actor& session) {
  if (message.who->gone)
    return;
  if (message.tables && !self->state.caught_up) {
    if (self->state.elsewhere)
      self->send(session, change_notice{message.who->id, false, std::string{streamed_elsewhere}});
    self->state.waiting.emplace_back(message, session);
    return;
  }
  std::string problem;
  if (!message.tables)
    problem = "Realtime was unable to connect to the project database";
  else
    for (const auto& entry : message.who->entries)
      if (problem.empty())
        problem = problem_of(entry, *message.tables);
  self->send(session, change_notice{message.who->id, problem.empty(),
                                    problem.empty() ? std::string{subscribed} : problem});
  if (!problem.empty())
    forget(self->state, message.who->id);
  else if (!self->state.by_id.contains(message.who->id))
    begin_following(self, message.who);
}

void unfollow(self_pointer self, const change_unfollow& message) {
  auto& state = self->state;
  auto found = state.by_id.find(message.who->id);
  if (found == state.by_id.end())
    return;
  if (message.ended)
    state.env->gone->left(message.who->resume_key, found->second->reached, self->clock().now());
  found->second->who->gone = true;
  forget(state, message.who->id);
}

change_desk_actor::behavior_type behavior(self_pointer self, const desk_context* env) {
  self->state.env = env;
  return {
    [self](const change_follow& message, const change_listener_actor& session) {
      self->state.env->feed->describe(
        message.who->who.role, [me = change_desk_actor{self}, message, session](
                                 result<std::vector<table_facts>> tables) {
          caf::anon_send(me, tables_described{message.who, message.again, std::move(tables)},
                         session);
        });
    },
    [self](const change_unfollow& message) { unfollow(self, message); },
    [self](const change_news& message) { take_batch(self, message); },
    [self](const tables_described& message, const change_listener_actor& session) {
      described(self, message, session);
    },
    [self](const changes_seen& message) { seen(self, message); },
  };
}

} // namespace

change_desk_actor spawn_change_desk(caf::actor_system& system, std::size_t home,
                                    const desk_context& env) {
  return spawn_home(system, {home, {}}, behavior, &env);
}

} // namespace lapwing::realtime
