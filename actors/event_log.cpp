#include "actors/event_log.hpp"

#include <algorithm>

namespace lapwing {
namespace {

std::string key_of(const publish_request& request) {
  // What brings a message along goes to the store in any case: only the store knows whether the
  // message is there, too, when the event is (another route may have brought that first).
  if (request.delivery_id.empty() || request.outgoing)
    return {};
  // Sources hold no NUL: two pairs never make the same key.
  return request.source + '\0' + request.delivery_id;
}

} // namespace

event_log::event_log(log_id log, const event_log_limits& limits) : log_(std::move(log)), limits_(limits) {}

void event_log::submit(publish_job_ptr job, timestamp now, actions& out) {
  if (phase_ == phase::open)
    return number(std::move(job), now, out);
  if (waiting_.size() >= limits_.waiting_max)
    return refuse(std::move(job), {errc::store_unavailable, "too many publications wait for the log"},
                  out);
  waiting_.push_back(std::move(job));
}

void event_log::number(publish_job_ptr job, timestamp now, actions& out) {
  if (!known_ && !accept_unknown_)
    return refuse(std::move(job), {errc::unknown_user, "no such user"}, out);
  auto key = key_of(job->request);
  if (!key.empty()) {
    if (auto first = by_key_.find(key); first != by_key_.end()) {
      first->second->doubles.push_back(std::move(job));
      return;
    }
    for (std::size_t i = 0; i < recent_.size(); ++i)
      if (recent_[i].first == key)
        return settle(std::move(job), recent_[i].second, true, out);
  }
  if (inflight_.size() >= limits_.inflight_max)
    return refuse(std::move(job), {errc::store_unavailable, "too many appends under way"}, out);
  auto next = std::make_unique<entry>();
  next->item = make_event(log_, ++newest_, now, std::move(job->request.draft));
  out.append.push_back(
    {next->item, job->request.source, job->request.delivery_id, job->request.with,
     job->request.outgoing});
  if (!key.empty()) {
    by_key_.emplace(key, next.get());
    next->key = std::move(key);
  }
  next->job = std::move(job);
  inflight_.push_back(std::move(next));
}

void event_log::opened(const result<log_state>& state, bool accept_unknown, timestamp now,
                       actions& out) {
  if (!state) {
    while (!waiting_.empty())
      refuse(waiting_.take_front(), state.error(), out);
    return; // The phase stays: the hub tries again with back-off, or ends.
  }
  accept_unknown_ = accept_unknown;
  known_ = known_ || state->known;
  trimmed_ = std::max(trimmed_, state->trimmed);
  if (phase_ == phase::doubtful) {
    // Numbers that were given stay given, whether or not their append reached the disk.
    newest_ = std::max(newest_, state->newest);
    if (state->newest > published_) {
      out.recover_after = published_;
      return;
    }
  } else {
    newest_ = std::max(newest_, state->newest);
    published_ = newest_;
  }
  phase_ = phase::open;
  release_waiting(now, out);
}

void event_log::appended(const result<std::vector<append_result>>& results, std::size_t count,
                         actions& out) {
  bool sound = results && results->size() == count;
  if (!sound && phase_ == phase::open)
    phase_ = phase::doubtful;
  for (std::size_t i = 0; i < count && !inflight_.empty(); ++i) {
    auto done = inflight_.take_front();
    if (!done->key.empty())
      by_key_.erase(done->key);
    if (!sound) {
      error why = results ? error{errc::internal, "the store's answer does not fit"} : results.error();
      for (auto& twin : done->doubles)
        refuse(std::move(twin), why, out);
      refuse(std::move(done->job), std::move(why), out);
      continue;
    }
    const append_result& said = (*results)[i];
    bool duplicate = said.outcome == append_outcome::duplicate;
    if (!duplicate) {
      known_ = true; // The store makes the user of a stored event exist.
      // In doubt, an earlier event may be on disk that we know nothing of: recovery publishes both,
      // in order.
      if (phase_ == phase::open && said.seq > published_) {
        published_ = said.seq;
        out.publish.push_back(done->item);
      }
    }
    if (!done->key.empty())
      remember(std::move(done->key), said.seq);
    for (auto& twin : done->doubles)
      settle(std::move(twin), said.seq, true, out);
    settle(std::move(done->job), said.seq, duplicate, out);
  }
  // What else is under way is answered first; only then does the store's state mean anything.
  if (phase_ == phase::doubtful && inflight_.empty())
    out.reopen = true;
}

void event_log::recovered(const std::vector<event_ptr>& events, bool complete, timestamp now,
                          actions& out) {
  for (const event_ptr& e : events) {
    if (e->seq <= published_)
      continue;
    published_ = e->seq;
    out.publish.push_back(e);
  }
  if (!complete) {
    out.recover_after = published_;
    return;
  }
  phase_ = phase::open;
  release_waiting(now, out);
}

void event_log::set_trimmed(sequence trimmed) noexcept {
  trimmed_ = std::max(trimmed_, trimmed);
}

void event_log::release_waiting(timestamp now, actions& out) {
  while (!waiting_.empty())
    number(waiting_.take_front(), now, out);
}

void event_log::refuse(publish_job_ptr job, error why, actions& out) const {
  job->outcome = std::move(why);
  out.settled.push_back(std::move(job));
}

void event_log::settle(publish_job_ptr job, sequence seq, bool duplicate, actions& out) const {
  stream_cursor at;
  at.set(log_, seq);
  job->outcome = publish_receipt{at.text(), duplicate, 0};
  out.settled.push_back(std::move(job));
}

void event_log::remember(std::string key, sequence seq) {
  recent_.push_back({std::move(key), seq});
  if (recent_.size() > limits_.recent_max)
    recent_.take_front();
}

} // namespace lapwing
