#include "platforms/limits/invalid_requests.hpp"

namespace lapwing {
namespace {

using namespace std::chrono;

constexpr std::int64_t window_minutes = 10;

std::int64_t minute_of(timestamp time) noexcept {
  return floor<minutes>(time).time_since_epoch().count();
}

} // namespace

void invalid_requests::add(timestamp now) noexcept {
  auto minute = minute_of(now);
  auto& slot = minutes_[static_cast<std::size_t>(minute) % minutes_.size()];
  if (slot.minute != minute)
    slot = {minute, 0};
  ++slot.count;
}

std::uint32_t invalid_requests::count(timestamp now) const noexcept {
  auto minute = minute_of(now);
  std::uint32_t sum = 0;
  for (const auto& slot : minutes_)
    if (slot.minute <= minute && slot.minute >= minute - window_minutes)
      sum += slot.count;
  return sum;
}

admission invalid_requests::may_send(timestamp now) const noexcept {
  if (count_max_ == 0 || count(now) < count_max_)
    return {};
  auto minute = minute_of(now);
  for (std::int64_t ahead = 1; ahead <= window_minutes; ++ahead) {
    timestamp then{minutes{minute + ahead}};
    if (count(then) < count_max_)
      return {then, limit_cause::invalid_requests};
  }
  return {timestamp{minutes{minute + window_minutes + 1}}, limit_cause::invalid_requests};
}

} // namespace lapwing
