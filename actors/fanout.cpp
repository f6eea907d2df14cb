#include "actors/fanout.hpp"

#include <algorithm>

namespace lapwing {

void fanout::add(outlet_ptr member) {
  members_.push_back(std::move(member));
  ++open_count_;
}

void fanout::member_ended() {
  --open_count_;
  sweep();
}

void fanout::remove(session_id id) {
  --open_count_;
  auto at = std::find_if(members_.begin(), members_.end(),
                         [&](const outlet_ptr& member) { return member->id() == id; });
  if (at == members_.end())
    return; // It closed by overflow and was swept.
  auto index = static_cast<std::size_t>(at - members_.begin());
  // The last one takes the place. If a round is between the two, the moved one would be missed:
  // the place is first given to the last member served.
  if (index < next_) {
    --next_;
    std::swap(members_[index], members_[next_]);
    index = next_;
  }
  members_[index] = std::move(members_.back());
  members_.pop_back();
}

void fanout::push(const std::vector<event_ptr>& events) {
  queue_.insert(queue_.end(), events.begin(), events.end());
}

bool fanout::step(std::size_t slice, std::size_t& finished_events, std::size_t& written) {
  if (round_.empty()) {
    if (queue_.empty())
      return false;
    round_.swap(queue_);
  }
  // One for the thread: hubs take turns on it, and a new slice renders at most once more.
  thread_local render_cache cache;
  cache.clear();
  std::size_t end = std::min(members_.size(), next_ + slice);
  for (; next_ < end; ++next_)
    written += members_[next_]->deliver(round_, cache);
  if (next_ < members_.size())
    return true;
  finished_events += round_.size();
  round_.clear();
  next_ = 0;
  sweep();
  return !queue_.empty();
}

void fanout::sweep() {
  // A quarter of dead weight is cheaper than a pass for each that leaves; never in mid-round,
  // where places matter.
  std::size_t gone = members_.size() - std::min(open_count_, members_.size());
  if (!round_.empty() || gone * 4 < members_.size() + 16)
    return;
  std::erase_if(members_, [](const outlet_ptr& member) { return member->closed(); });
}

} // namespace lapwing
