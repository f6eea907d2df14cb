#include "platforms/poll/schedule.hpp"

#include <algorithm>

namespace lapwing {
namespace {

using namespace std::chrono;

constexpr milliseconds jitter_max{30'000};
constexpr milliseconds first_retry{30'000};

/// Chance from outside is believed to be a number only.
double share(double chance) noexcept {
  return chance >= 0 && chance < 1 ? chance : 0;
}

milliseconds jitter(milliseconds period, double chance) {
  auto most = std::min(period / 20, jitter_max);
  return milliseconds{static_cast<std::int64_t>(static_cast<double>(most.count()) * share(chance))};
}

milliseconds own_place(std::uint64_t spread, milliseconds window) {
  return window.count() > 0
           ? milliseconds{static_cast<std::int64_t>(
               spread % static_cast<std::uint64_t>(window.count()))}
           : milliseconds{0};
}

/// The first time of the grid `place + n * period` that is not before `time`.
timestamp grid_from(timestamp time, milliseconds period, milliseconds place) {
  auto past = (time.time_since_epoch() - place) % period;
  if (past < milliseconds{0})
    past += period;
  return past == milliseconds{0} ? time : time + (period - past);
}

/// Over how much time the users of one tick are spread.
milliseconds cron_window(const cron_expression& cron, timestamp tick) {
  auto next = cron.next_after(tick);
  milliseconds most = cron_spread_max;
  return next ? std::min(most, milliseconds{(*next - tick) / 2}) : most;
}

} // namespace

result<poll_schedule> poll_schedule::make(const schedule_spec& spec) {
  if (!spec.cron.empty() && spec.interval.count() != 0)
    return error{errc::bad_request, "a schedule is either an interval or a cron expression"};
  poll_schedule made;
  if (spec.cron.empty()) {
    if (spec.interval < seconds{1})
      return error{errc::bad_request, "a schedule needs an interval of at least one second"};
    made.interval_ = spec.interval;
    return made;
  }
  auto cron = cron_expression::parse(spec.cron);
  if (!cron)
    return cron.error();
  made.cron_ = *cron;
  return made;
}

poll_schedule poll_schedule::every(seconds interval) {
  poll_schedule made;
  made.interval_ = std::max(interval, seconds{1});
  return made;
}

seconds poll_schedule::period(timestamp now) const {
  if (!cron_)
    return interval_;
  auto first = cron_->next_after(now);
  auto second = first ? cron_->next_after(*first) : std::nullopt;
  return second ? duration_cast<seconds>(*second - *first) : seconds{days{1}};
}

std::uint64_t spread_of(std::string_view key) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : key) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  return hash;
}

timestamp next_due(const poll_schedule& schedule, std::uint64_t spread, double chance,
                   std::optional<timestamp> last, timestamp now) {
  if (!last)
    return now;
  auto from = std::min(*last, now);
  if (!schedule.is_cron()) {
    milliseconds period = schedule.period(now);
    return grid_from(from + period / 2, period, own_place(spread, period)) + jitter(period, chance);
  }
  const auto& cron = *schedule.cron();
  // A user's tick is late by their place, so the tick that `from` has served is the last one
  // before `from - place`. The window differs between ticks: try from the earliest on.
  auto tick = cron.next_after(from - cron_spread_max - minutes{1});
  while (tick && *tick + own_place(spread, cron_window(cron, *tick)) <= from)
    tick = cron.next_after(*tick);
  if (!tick)
    return now + days{1};
  auto window = cron_window(cron, *tick);
  return *tick + own_place(spread, window) + jitter(window, chance);
}

bool due_is_too_far(const poll_schedule& schedule, timestamp due, timestamp now) {
  if (schedule.is_cron()) {
    auto next = schedule.cron()->next_after(now);
    return next && due > *next + cron_spread_max + jitter_max;
  }
  milliseconds period = schedule.period(now);
  return due > now + period + period / 2 + jitter_max;
}

milliseconds retry_delay(std::uint32_t failure_count, double chance, milliseconds longest) {
  if (failure_count == 0)
    return milliseconds{0};
  auto delay = std::min(first_retry, longest);
  for (std::uint32_t i = 1; i < failure_count && delay < longest; ++i)
    delay = std::min(2 * delay, longest);
  auto factor = 0.75 + 0.5 * share(chance);
  return milliseconds{static_cast<std::int64_t>(static_cast<double>(delay.count()) * factor)};
}

} // namespace lapwing
