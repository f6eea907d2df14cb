#include "platforms/limits/gate.hpp"

#include <algorithm>

namespace lapwing {
namespace {

gate_rules checked(gate_rules rules) {
  rules.concurrency = std::max(rules.concurrency, 1u);
  rules.gap_min = std::max(rules.gap_min, std::chrono::milliseconds{0});
  rules.gap_max = std::max(rules.gap_max, rules.gap_min);
  return rules;
}

} // namespace

gate::gate(gate_rules rules) : rules_(checked(rules)) {
  for (std::uint32_t i = 0; i < rules_.concurrency; ++i)
    slots_.push(timestamp{});
}

gate::offer_result gate::offer(job_id job, timestamp now) {
  if (tickets_.contains(job) || under_way_.contains(job))
    return offer_result::already;
  if (waiting_.size() >= rules_.waiting_max)
    return offer_result::full;
  ticket own{clock_.forward(now), ++last_ticket_};
  waiting_.emplace(own, job);
  tickets_.emplace(job, own);
  return offer_result::queued;
}

gate::step gate::next(timestamp now) {
  now = clock_.forward(now);
  if (waiting_.empty() || slots_.empty())
    return {};
  auto first = waiting_.begin();
  auto start = std::max({first->first.first, slots_.top(), held_until_});
  if (start > now)
    return {std::nullopt, clock_.civil(start)};
  auto job = first->second;
  slots_.pop();
  tickets_.erase(job);
  waiting_.erase(first);
  under_way_.insert(job);
  return {job, std::nullopt};
}

bool gate::finished(job_id job, timestamp now, double chance) {
  now = clock_.forward(now);
  if (under_way_.erase(job) == 0)
    return false;
  auto range = static_cast<double>((rules_.gap_max - rules_.gap_min).count());
  auto more = std::chrono::milliseconds{
    static_cast<std::int64_t>(range * std::clamp(chance, 0.0, 1.0))};
  slots_.push(now + rules_.gap_min + more);
  return true;
}

void gate::hold(timestamp until, timestamp now) {
  clock_.forward(now);
  held_until_ = clock_.shifted(until);
}

bool gate::cancel(job_id job) {
  auto found = tickets_.find(job);
  if (found == tickets_.end())
    return false;
  waiting_.erase(found->second);
  tickets_.erase(found);
  return true;
}

} // namespace lapwing
