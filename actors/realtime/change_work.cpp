#include "actors/realtime/change_work.hpp"

#include <algorithm>
#include <optional>

#include "realtime/answers.hpp"
#include "realtime/frames.hpp"
#include "realtime/shown_change.hpp"

namespace lapwing::realtime {
namespace {

/// Of one question. More changes cost each subject hardly more, but all wait for the answer, and
/// telling them is one turn of the thread. Guess.
constexpr std::size_t changes_max = 2048;

std::size_t count(const change_batch& batch) {
  std::size_t changes = 0;
  for (const auto& part : batch.parts)
    changes += part.changes.size();
  return changes;
}

std::string row_name(const row_change& change, const table_rules& rules) {
  auto key = row_key(change, rules);
  return key.empty() ? key : std::to_string(change.of->id) + key;
}

} // namespace

/// What clients are shown depends on their role and on whether they may know the old row: made once
/// for all that are alike.
struct change_work::rendering {
  struct one {
    std::uint32_t role = 0;
    bool old_shown = false;
    std::optional<std::string> data;
  };
  std::vector<std::vector<one>> of; ///< By change.
  std::vector<std::string> names;   ///< By change; of tables whose rows are remembered.
};

change_work::change_work(std::uint64_t number, std::deque<change_job>& jobs,
                         const std::vector<following_ptr>& followers)
  : number_(number) {
  std::vector<asked> all;
  do {
    auto& job = jobs_.emplace_back(std::move(jobs.front()));
    jobs.pop_front();
    for (const auto& part : job.batch->parts)
      if (part.commit_lsn > job.after)
        for (const auto& change : part.changes)
          all.push_back({&change, &part, job.batch->number, all.size()});
  } while (!jobs.empty() && jobs.front().only == jobs_.front().only
           && all.size() + count(*jobs.front().batch) <= changes_max);
  std::vector<bool> wanted(all.size());
  if (jobs_.front().only)
    listen(jobs_.front().only, all, wanted);
  else
    for (const auto& one : followers)
      if (one->live_after < jobs_.back().batch->number)
        listen(one, all, wanted);
  for (const auto& one : all)
    if (wanted[one.number])
      changes_.push_back(one);
}

void change_work::listen(const following_ptr& who, const std::vector<asked>& all,
                         std::vector<bool>& wanted) {
  if (who->who->gone)
    return;
  listener made;
  made.who = who;
  bool any = false;
  const table_interest* interest = nullptr;
  for (const auto& one : all) {
    if (!hears(*who, one.batch))
      continue;
    if (!interest || interest->of() != one.change->of)
      interest = &who->interest_in(one.change->of);
    if (!interest->wants(one.change->kind)
        || (interest->filters() && !interest->matches(*one.change)))
      continue;
    any = true;
    wanted[one.number] = true;
    if (!interest->filters())
      continue;
    made.matching.resize(all.size());
    made.matching[one.number] = true;
  }
  if (!any)
    return;
  auto found = std::find(subjects_.begin(), subjects_.end(), who->who->who);
  made.subject = static_cast<std::size_t>(found - subjects_.begin());
  if (found == subjects_.end())
    subjects_.push_back(who->who->who);
  listeners_.push_back(std::move(made));
}

bool change_work::hears(const following& who, std::uint64_t batch) const noexcept {
  return jobs_.front().only || who.live_after < batch;
}

bool change_work::wants(const listener& one, const table_interest& interest,
                        const asked& what) const {
  return hears(*one.who, what.batch) && interest.wants(what.change->kind)
         && (!interest.filters()
             || (what.number < one.matching.size() && one.matching[what.number]));
}

sight_question change_work::question() const {
  sight_question made;
  for (const auto& job : jobs_)
    made.keep.push_back(job.batch);
  for (const auto& one : changes_) {
    made.changes.push_back(one.change);
    if (made.transactions.empty() || made.transactions.back() != one.part->xid)
      made.transactions.push_back(one.part->xid);
  }
  made.subjects = subjects_;
  return made;
}

void change_work::tell(const sights& what, std::size_t seen_rows_max) {
  rendering cache;
  cache.of.resize(changes_.size());
  cache.names.resize(changes_.size());
  for (std::size_t i = 0; i < changes_.size(); ++i)
    if (what.rules(i).row_security && changes_[i].change->of->replica_identity != 'f')
      cache.names[i] = row_name(*changes_[i].change, what.rules(i));
  for (const auto& one : listeners_)
    if (!one.who->who->gone)
      tell_one(one, what, cache, seen_rows_max);
}

void change_work::tell_one(const listener& one, const sights& what, rendering& cache,
                           std::size_t seen_rows_max) {
  auto& who = *one.who;
  const table_interest* interest = nullptr;
  std::string frame;
  auto role = what.role_of[one.subject];
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const auto& change = *changes_[i].change;
    if (!interest || interest->of() != change.of)
      interest = &who.interest_in(change.of);
    if (!wants(one, *interest, changes_[i]))
      continue;
    const auto& table = what.table_of(i);
    auto place = what.of[i].second;
    const auto& name = cache.names[i];
    bool removed = change.kind == change_kind::remove;
    bool seen = !name.empty() && who.seen.contains(name);
    bool guarded = table.rules.row_security && !table.roles[role].forbidden;
    bool old_shown = table.sees_old(one.subject, place);
    if (guarded && !(removed ? old_shown || seen : table.sees_now(one.subject, place))) {
      if (seen)
        who.seen.erase(name);
      continue;
    }
    wish own;
    if (interest->filters())
      own = interest->wish_for(change);
    const auto& wanted = interest->filters() ? own : interest->wish_for(change.kind);
    auto render = [&] {
      return shown_change(change, changes_[i].part->time, table.rules, what.look(one.subject, i), seen,
                          wanted.entry->select);
    };
    std::optional<std::string> special;
    const std::optional<std::string>* data = &special;
    if (wanted.entry->select || (removed && seen)) {
      special = render();
    } else {
      auto& made = cache.of[i];
      auto found = std::find_if(made.begin(), made.end(), [&](const auto& known) {
        return known.role == role && known.old_shown == old_shown;
      });
      if (found == made.end())
        found = made.insert(made.end(), {role, old_shown, render()});
      data = &found->data;
    }
    if (seen && (!*data || removed))
      who.seen.erase(name);
    else if (!name.empty() && *data && !removed && who.seen.size() < seen_rows_max)
      who.seen.insert(name);
    if (!*data)
      continue;
    frame.clear();
    append_text_frame(frame, who.who->spoken, no_ref, no_ref, who.who->topic, "postgres_changes",
                      change_payload(wanted.ids, **data));
    who.who->out->text(frame);
  }
}

void say(const change_follower& who, bool ok, std::string_view text) {
  if (who.gone)
    return;
  std::string frame;
  append_text_frame(frame, who.spoken, no_ref, no_ref, who.topic, "system",
                    system_payload("postgres_changes", ok, text,
                                   who.topic.substr(who.topic.find(':') + 1)));
  who.out->text(frame);
}

void change_work::say_reset() const {
  for (const auto& one : listeners_)
    say(*one.who->who, false, "reset");
}

void change_work::note_reached(const std::vector<following_ptr>& followers) const {
  const auto& last = *jobs_.back().batch;
  auto note = [&](following& who) { who.reached = std::max(who.reached, last.reached); };
  if (jobs_.front().only)
    return note(*jobs_.front().only);
  for (const auto& one : followers)
    if (one->live_after < last.number)
      note(*one);
}

} // namespace lapwing::realtime
