#include "actors/realtime/change_desk.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <unordered_set>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/runtime/metered.hpp"
#include "realtime/answers.hpp"
#include "realtime/frames.hpp"
#include "realtime/shown_change.hpp"

namespace lapwing::realtime {
namespace {

using namespace std::chrono_literals;

/// One that is told changes.
struct following {
  follower_ptr who;
  std::uint64_t live_after = 0; ///< Batches up to this one come to it by replay, or not at all.
  lsn reached = 0;              ///< What it has been told of ends here.
  std::unordered_set<std::string> seen; ///< Rows that it was shown, by table and key.
  /// The entries' filters for the table's shape of the moment.
  std::vector<std::pair<table_ptr, std::optional<bound_filter>>> bound;
};
using following_ptr = std::shared_ptr<following>;

struct kept_batch {
  change_batch_ptr batch;
  std::size_t bytes = 0;
  std::chrono::steady_clock::time_point when;
};

/// A batch to be told: to all that are live, or again to one.
struct job {
  change_batch_ptr batch;
  following_ptr only;
  lsn after = 0; ///< For one: only what committed after this place.
  std::shared_ptr<void> hold;
};

struct wish {
  following_ptr who;
  std::size_t change = 0; ///< Index in `changes`.
  std::size_t subject = 0;
  std::vector<std::uint32_t> ids;
  const change_entry* entry = nullptr; ///< The first that matched: its selection counts.
};

/// The job that waits for the feed's word.
struct work {
  std::uint64_t number = 0;
  job what;
  std::vector<const row_change*> changes;
  std::vector<timestamp> times;
  std::vector<wish> wishes;
};

struct desk_state {
  static inline const char* name = "change_desk";
  const desk_context* env = nullptr;
  std::map<member_id, following_ptr> followers;
  std::deque<kept_batch> kept;
  std::size_t kept_bytes = 0;
  lsn forgotten = 0;        ///< What committed up to here is kept no more.
  lsn crash_at = 0;         ///< The node before this one ended badly here.
  std::chrono::steady_clock::time_point crash_until{};
  std::uint64_t newest = 0; ///< Number of the newest batch.
  bool caught_up = false;   ///< With what happened before this node began.
  std::vector<std::pair<tables_described, change_listener_actor>> waiting; ///< For that.
  lsn reached = 0;
  std::deque<job> jobs;
  std::unique_ptr<work> current;
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

std::string row_name(const row_change& change, const table_rules& rules) {
  auto key = row_key(change, rules);
  return key.empty() ? key : std::to_string(change.of->id) + key;
}

// -- who wants what -------------------------------------------------------------------------------

const bound_filter* filter_for(following& who, std::size_t entry, const table_ptr& of) {
  auto& bound = who.bound[entry];
  if (bound.first != of) {
    bound.first = of;
    bound.second.reset();
    if (auto made = bound_filter::bind(who.who->entries[entry].filter, *of))
      bound.second = std::move(*made);
  }
  return bound.second ? &*bound.second : nullptr;
}

void add_wish(work& now, const following_ptr& who, const row_change& change, std::size_t index,
              std::vector<subject>& subjects) {
  wish made;
  for (std::size_t i = 0; i < who->who->entries.size(); ++i) {
    const auto& entry = who->who->entries[i];
    if (!entry.wants(change))
      continue;
    const auto* filter = filter_for(*who, i, change.of);
    bool removed = change.kind == change_kind::remove;
    if (!filter || !filter->matches(*change.of, removed ? change.old : change.row,
                                    removed && change.old_is_key))
      continue;
    if (!made.entry)
      made.entry = &entry;
    if (std::find(made.ids.begin(), made.ids.end(), entry.id) == made.ids.end())
      made.ids.push_back(entry.id);
  }
  if (made.ids.empty())
    return;
  made.who = who;
  made.change = index;
  auto found = std::find(subjects.begin(), subjects.end(), who->who->who);
  made.subject = static_cast<std::size_t>(found - subjects.begin());
  if (found == subjects.end())
    subjects.push_back(who->who->who);
  now.wishes.push_back(std::move(made));
}

std::vector<following_ptr> audience(desk_state& state, const job& what) {
  if (what.only)
    return {what.only};
  std::vector<following_ptr> all;
  for (auto& [id, one] : state.followers)
    if (one->live_after < what.batch->number)
      all.push_back(one);
  return all;
}

void next_job(self_pointer self);

void end_job(self_pointer self) {
  auto& state = self->state;
  auto done = std::move(state.current);
  for (auto& one : audience(state, done->what))
    one->reached = std::max(one->reached, done->what.batch->reached);
  next_job(self);
}

void next_job(self_pointer self) {
  auto& state = self->state;
  while (!state.current && !state.jobs.empty()) {
    auto now = std::make_unique<work>();
    now->number = ++state.works;
    now->what = std::move(state.jobs.front());
    state.jobs.pop_front();
    auto listeners = audience(state, now->what);
    std::vector<subject> subjects;
    for (const auto& part : now->what.batch->parts) {
      if (part.commit_lsn <= now->what.after)
        continue;
      for (const auto& change : part.changes) {
        auto wishes = now->wishes.size();
        for (const auto& who : listeners)
          if (!who->who->gone)
            add_wish(*now, who, change, now->changes.size(), subjects);
        if (now->wishes.size() > wishes) {
          now->changes.push_back(&change);
          now->times.push_back(part.time);
        }
      }
    }
    state.current = std::move(now);
    if (state.current->wishes.empty()) {
      auto done = std::move(state.current);
      for (auto& one : listeners)
        one->reached = std::max(one->reached, done->what.batch->reached);
      continue;
    }
    sight_question question;
    question.keep = state.current->what.batch;
    question.changes = state.current->changes;
    question.subjects = std::move(subjects);
    state.env->feed->look(std::move(question),
                          [me = change_desk_actor{self},
                           number = state.current->number](result<sights> what) {
                            caf::anon_send(me, changes_seen{number,
                                                            std::make_shared<result<sights>>(
                                                              std::move(what))});
                          });
  }
}

// -- telling them ---------------------------------------------------------------------------------

/// The database could not be asked: what was in this batch is lost to them, and they are told.
void say_reset(const work& now) {
  std::unordered_set<member_id> told;
  for (const auto& one : now.wishes) {
    const auto& who = *one.who->who;
    if (who.gone || !told.insert(who.id).second)
      continue;
    std::string frame;
    append_text_frame(frame, who.spoken, no_ref, no_ref, who.topic, "system",
                      system_payload("postgres_changes", false, "reset",
                                     who.topic.substr(who.topic.find(':') + 1)));
    who.out->text(frame);
  }
}

void tell(desk_state& state, const work& now, const sights& what) {
  struct made_data {
    bool shown = false;
    std::string text;
  };
  std::map<std::pair<std::size_t, std::size_t>, made_data> whole; ///< Without a selection.
  std::string frame;
  for (const auto& one : now.wishes) {
    const auto& who = *one.who->who;
    if (who.gone)
      continue;
    const auto& change = *now.changes[one.change];
    const auto& rules = what.rules[one.change];
    const auto& may = what.of[one.subject][one.change];
    auto name = row_name(change, rules);
    bool seen = one.who->seen.contains(name);
    std::optional<std::string> own;
    const std::string* data = nullptr;
    auto place = std::pair{one.subject, one.change};
    if (one.entry->select || (seen && change.kind == change_kind::remove)) {
      own = shown_change(change, now.times[one.change], rules, may, seen, one.entry->select);
      data = own ? &*own : nullptr;
    } else {
      auto [found, fresh] = whole.try_emplace(place);
      if (fresh)
        if (auto made = shown_change(change, now.times[one.change], rules, may, false, {})) {
          found->second.shown = true;
          found->second.text = std::move(*made);
        }
      data = found->second.shown ? &found->second.text : nullptr;
    }
    if (!data || change.kind == change_kind::remove)
      one.who->seen.erase(name);
    else if (rules.row_security && one.who->seen.size() < state.env->settings.seen_rows_max)
      one.who->seen.insert(std::move(name));
    if (!data)
      continue;
    frame.clear();
    append_text_frame(frame, who.spoken, no_ref, no_ref, who.topic, "postgres_changes",
                      change_payload(one.ids, *data));
    who.out->text(frame);
  }
}

void seen(self_pointer self, const changes_seen& message) {
  auto& state = self->state;
  if (!state.current || state.current->number != message.job)
    return;
  if (*message.what)
    tell(state, *state.current, **message.what);
  else
    say_reset(*state.current);
  end_job(self);
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

void take_batch(self_pointer self, const change_news& message) {
  const auto& batch = message.batch;
  auto& state = self->state;
  auto now = self->clock().now();
  if (batch->resume_at != 0) {
    state.crash_at = batch->resume_at;
    state.crash_until = now + state.env->settings.resume_window;
  }
  if (batch->lost) {
    state.kept.clear();
    state.kept_bytes = 0;
    state.forgotten = batch->reached;
    state.crash_at = 0;
    auto all = std::make_unique<work>();
    for (auto& [id, one] : state.followers)
      all->wishes.push_back({one, 0, 0, {}, nullptr});
    say_reset(*all);
  }
  state.newest = batch->number;
  state.reached = std::max(state.reached, batch->reached);
  auto bytes = weight(*batch);
  state.kept.push_back({batch, bytes, now});
  state.kept_bytes += bytes;
  forget_old(state, now);
  state.jobs.push_back({batch, nullptr, batch->history, message.hold});
  next_job(self);
  if (!state.caught_up && batch->reached >= batch->history) {
    state.caught_up = true;
    for (auto& [described_one, session] : std::exchange(state.waiting, {}))
      described(self, described_one, session);
  }
}

// -- followers ------------------------------------------------------------------------------------

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
  auto made = std::make_shared<following>();
  made->who = who;
  made->live_after = state.newest;
  made->reached = state.reached;
  made->bound.resize(who->entries.size());
  state.followers[who->id] = made;
  auto from = missed_from(self, *who);
  if (!from)
    return;
  made->reached = *from;
  forget_old(state, self->clock().now());
  if (*from < state.forgotten) {
    auto told = std::make_unique<work>();
    told->wishes.push_back({made, 0, 0, {}, nullptr});
    say_reset(*told);
  }
  for (const auto& one : state.kept)
    if (one.batch->reached > *from)
      state.jobs.push_back({one.batch, made, *from, nullptr});
  next_job(self);
}

void described(self_pointer self, const tables_described& message,
               const change_listener_actor& session) {
  if (message.who->gone)
    return;
  if (message.tables && !self->state.caught_up) {
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
    self->state.followers.erase(message.who->id);
  else if (!self->state.followers.contains(message.who->id))
    begin_following(self, message.who);
}

void unfollow(self_pointer self, const change_unfollow& message) {
  auto& state = self->state;
  auto found = state.followers.find(message.who->id);
  if (found == state.followers.end())
    return;
  if (message.ended)
    state.env->gone->left(message.who->resume_key, found->second->reached, self->clock().now());
  found->second->who->gone = true;
  state.followers.erase(found);
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
