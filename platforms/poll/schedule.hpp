// When an endpoint is read next. Thousands of users who share a schedule are spread over it by a
// hash of their key, and keep their place: who polls at seven past does so every time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "core/time.hpp"
#include "platforms/poll/cron.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

class poll_schedule {
public:
  /// errc::bad_request when both or neither of interval and cron are given, or one is no good.
  static result<poll_schedule> make(const schedule_spec& spec);
  /// `interval` of at least a second.
  static poll_schedule every(std::chrono::seconds interval);

  /// How far apart two ticks are around `now`.
  std::chrono::seconds period(timestamp now) const;

  bool is_cron() const noexcept { return cron_.has_value(); }
  const std::optional<cron_expression>& cron() const noexcept { return cron_; }

private:
  std::chrono::seconds interval_{0};
  std::optional<cron_expression> cron_;
};

/// The users of one cron tick are spread over so much after it, at most half the way to the next.
inline constexpr std::chrono::minutes cron_spread_max{15};

/// FNV-1a of "user/platform/endpoint", mixed: what `next_due` wants as `spread`.
std::uint64_t spread_of(std::string_view key) noexcept;

/// When to poll next, having polled at `last` (nothing: never, so now).
///
/// * Intervals: the user's own grid of ticks, `spread` apart from midnight 1970; the first tick
///   that is at least half an interval after `last`, so one poll between two ticks changes nothing.
/// * Cron: the first tick after `last`, later by the user's share of `cron_spread_max`.
/// * A time in the past means now: ticks that were missed fire once. `last` in the future (the
///   clock was set back) counts as now.
/// * `chance` in [0, 1): adds up to a twentieth of the interval, at most 30 s.
timestamp next_due(const poll_schedule& schedule, std::uint64_t spread, double chance,
                   std::optional<timestamp> last, timestamp now);

/// A stored due time after the clock was set back may be far away: true when no schedule with this
/// one's period would have said `due` at `now`.
bool due_is_too_far(const poll_schedule& schedule, timestamp due, timestamp now);

/// How long to wait after `failure_count` failures in a row (1: the first): 30 s doubling up to
/// `longest`, then 75 to 125 % of it by `chance`. 0 failures: nothing.
std::chrono::milliseconds retry_delay(std::uint32_t failure_count, double chance,
                                      std::chrono::milliseconds longest = std::chrono::minutes{15});

} // namespace lapwing
