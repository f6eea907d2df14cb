#include "platforms/limits/token_budget.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lapwing {

using std::chrono::milliseconds;

void window_budget::sent(timestamp now) noexcept {
  if (is_open(now) && window_.remaining > 0)
    --window_.remaining;
}

admission window_budget::may_send(timestamp now) const noexcept {
  if (!is_open(now) || window_.remaining > 0)
    return {};
  return {window_.reset, limit_cause::exhausted};
}

double window_budget::share_left(timestamp now) const noexcept {
  if (!is_open(now) || window_.limit == 0)
    return 1;
  return std::min(1.0, static_cast<double>(window_.remaining) / window_.limit);
}

void pace::sent(timestamp now, milliseconds interval) noexcept {
  next_ = std::max(now, next_) + interval;
}

admission pace::may_send(timestamp now) const noexcept {
  return next_ > now ? admission{next_, limit_cause::pace} : admission{};
}

bool token_budget::lane::is_idle(timestamp now) const noexcept {
  return closed.is_idle(now) && window.is_idle(now) && own_pace.may_send(now).from <= now;
}

admission token_budget::may_send(std::string_view endpoint, timestamp now) const {
  auto found = later(later(closed_.may_send(now), window_.may_send(now)), pace_.may_send(now));
  if (const auto* one = find(lane_name(endpoint)))
    found = later(found, later(later(one->closed.may_send(now), one->window.may_send(now)),
                               one->own_pace.may_send(now)));
  return found;
}

void token_budget::sent(std::string_view endpoint, timestamp now, milliseconds interval,
                        bool per_endpoint) {
  window_.sent(now);
  auto name = lane_name(endpoint);
  if (per_endpoint && interval.count() > 0) {
    auto& one = at(name, now);
    one.window.sent(now);
    one.own_pace.sent(now, interval);
    return;
  }
  if (interval.count() > 0)
    pace_.sent(now, interval);
  if (find(name) != nullptr)
    at(name, now).window.sent(now);
}

void token_budget::saw(std::string_view endpoint, const limit_signs& signs, timestamp now,
                       double chance) {
  if (!signs.bucket.empty())
    join(endpoint, signs.bucket);
  if (signs.window)
    (signs.bucket.empty() ? window_ : at(signs.bucket, now).window).tell(*signs.window);
  if (signs.cause != limit_cause::none) {
    if (signs.reach == limit_reach::endpoint)
      at(lane_name(endpoint), now).closed.close(signs.cause, signs.until, now, chance);
    else if (signs.reach == limit_reach::token)
      closed_.close(signs.cause, signs.until, now, chance);
  } else if (signs.is_success) {
    closed_.saw_success(now);
    if (auto name = lane_name(endpoint); find(name) != nullptr)
      at(name, now).closed.saw_success(now);
  }
}

double token_budget::share_left(timestamp now) const noexcept {
  return closed_.may_send(now).from > now ? 0 : window_.share_left(now);
}

bool token_budget::is_idle(timestamp now) const noexcept {
  return closed_.is_idle(now) && window_.is_idle(now) && pace_.may_send(now).from <= now
         && std::all_of(lanes_.begin(), lanes_.end(),
                        [&](const lane& one) { return one.is_idle(now); });
}

std::string_view token_budget::lane_name(std::string_view endpoint) const noexcept {
  for (const auto& member : buckets_)
    if (member.endpoint == endpoint)
      return member.bucket;
  return endpoint;
}

const token_budget::lane* token_budget::find(std::string_view name) const noexcept {
  auto found = std::find_if(lanes_.begin(), lanes_.end(),
                            [&](const lane& one) { return one.name == name; });
  return found == lanes_.end() ? nullptr : &*found;
}

token_budget::lane& token_budget::at(std::string_view name, timestamp now) {
  auto found = std::find_if(lanes_.begin(), lanes_.end(),
                            [&](const lane& one) { return one.name == name; });
  if (found == lanes_.end() && lanes_.size() >= lanes_max) {
    // An idle one if there is any, otherwise whichever was used longest ago.
    auto rank = [&](const lane& one) { return std::pair{!one.is_idle(now), one.used}; };
    found = std::min_element(lanes_.begin(), lanes_.end(),
                             [&](const lane& a, const lane& b) { return rank(a) < rank(b); });
    *found = lane{std::string{name}, {}, {}, {}, now};
  } else if (found == lanes_.end()) {
    lanes_.push_back({std::string{name}, {}, {}, {}, now});
    found = std::prev(lanes_.end());
  }
  found->used = now;
  return *found;
}

void token_budget::join(std::string_view endpoint, const std::string& bucket) {
  for (auto& member : buckets_)
    if (member.endpoint == endpoint) {
      member.bucket = bucket;
      return;
    }
  if (buckets_.size() >= lanes_max)
    buckets_.erase(buckets_.begin());
  buckets_.push_back({std::string{endpoint}, bucket});
}

} // namespace lapwing
