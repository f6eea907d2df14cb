// How often an endpoint is worth reading, given who looks and what is left of the budget.
#pragma once

#include <chrono>
#include <optional>

#include "platforms/spec.hpp"

namespace lapwing {

/// What is known about one connection when its next poll is planned.
struct poll_pressure {
  bool watched = false;         ///< A stream of the user is open.
  bool webhooks_doubted = false; ///< The platform has webhooks, but they went quiet or failed.
  bool webhooks_flow = false;   ///< Deliveries come: polls are only the safety net.
  double budget_left = 1;       ///< Of the platform's request budget: 0 to 1.
  /// The provider asked for at least so much (GitHub's X-Poll-Interval).
  std::optional<std::chrono::seconds> provider_min;
};

/// By what the schedule's interval is divided or multiplied. `flow_factor` was measured
/// (docs/verification.md); the others are guesses.
struct adaptive_rules {
  int watched_divisor = 4;
  int doubted_divisor = 4;
  int flow_factor = 4;
  double budget_scarce = 0.5;   ///< Below: nothing is read more often than its schedule says.
  double budget_low = 0.2;
  int budget_low_factor = 2;
  double budget_gone = 0.05;
  int budget_gone_factor = 4;
};

/// The interval to use instead of `base`. Stays between `limits.interval_min` and
/// `limits.interval_max` except where `base` itself lies outside, and never below what the provider
/// asked for. With default pressure: `base`. Doubt wins over flow; a scarce budget over both.
std::chrono::seconds adaptive_interval(std::chrono::seconds base, const poll_spec& limits,
                                       const poll_pressure& pressure,
                                       const adaptive_rules& rules = {});

} // namespace lapwing
