#include "actors/log_tail.hpp"

namespace lapwing {
namespace {

std::size_t weight(const event& e) {
  return sizeof(event) + e.tail.size() + e.payload.size() + e.type.size() + e.platform.size();
}

} // namespace

void log_tail::start(sequence newest) noexcept {
  events_.clear();
  bytes_ = 0;
  newest_ = newest;
  complete_after_ = newest;
}

void log_tail::append(std::span<const event_ptr> events) {
  for (const event_ptr& e : events) {
    if (e->seq <= newest_)
      continue;
    newest_ = e->seq;
    events_.push_back(e);
    bytes_ += weight(*e);
  }
  while (!events_.empty() && (events_.size() > limits_.events_max || bytes_ > limits_.bytes_max)) {
    complete_after_ = events_.front()->seq;
    bytes_ -= weight(*events_.take_front());
  }
}

std::optional<std::vector<event_ptr>> log_tail::since(sequence from) const {
  if (from >= newest_)
    return std::vector<event_ptr>{};
  if (from < complete_after_)
    return std::nullopt;
  std::size_t i = 0;
  while (events_[i]->seq <= from)
    ++i;
  std::vector<event_ptr> rest;
  rest.reserve(events_.size() - i);
  for (; i < events_.size(); ++i)
    rest.push_back(events_[i]);
  return rest;
}

} // namespace lapwing
