#include "sim/outbox.hpp"

#include <chrono>

namespace lapwing::sim {
namespace {

constexpr std::chrono::seconds answer_timeout{10};

} // namespace

void outbox::add(pending_delivery what) {
  what.id = next_id_++;
  if (what.attempt == 0)
    what.first_due = what.due;
  waiting_.push(what);
}

std::optional<pending_delivery> outbox::take(timestamp now) {
  if (waiting_.empty() || waiting_.top().due > now)
    return std::nullopt;
  auto what = waiting_.top();
  waiting_.pop();
  under_way_.emplace(what.id, flight{what, now});
  by_age_.emplace(now, what.id);
  return what;
}

std::optional<pending_delivery> outbox::finish(std::uint64_t id) {
  auto found = under_way_.find(id);
  if (found == under_way_.end())
    return std::nullopt;
  auto what = found->second.what;
  under_way_.erase(found);
  return what;
}

std::vector<pending_delivery> outbox::expired(timestamp now) {
  std::vector<pending_delivery> out;
  while (!by_age_.empty() && by_age_.front().first + answer_timeout <= now) {
    if (auto what = finish(by_age_.front().second))
      out.push_back(*what);
    by_age_.pop();
  }
  return out;
}

std::optional<timestamp> outbox::next_due() const {
  if (waiting_.empty())
    return std::nullopt;
  return waiting_.top().due;
}

} // namespace lapwing::sim
