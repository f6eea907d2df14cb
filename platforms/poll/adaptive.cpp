#include "platforms/poll/adaptive.hpp"

#include <algorithm>

namespace lapwing {

std::chrono::seconds adaptive_interval(std::chrono::seconds base, const poll_spec& limits,
                                       const poll_pressure& pressure,
                                       const adaptive_rules& rules) {
  int divisor = 1;
  int factor = 1;
  if (pressure.webhooks_doubted)
    divisor = rules.doubted_divisor;
  else if (pressure.webhooks_flow)
    factor = rules.flow_factor;
  // With deliveries coming, a watcher sees news anyway.
  if (pressure.watched && (!pressure.webhooks_flow || pressure.webhooks_doubted))
    divisor = std::max(divisor, rules.watched_divisor);
  // Not a number counts as nothing left.
  if (!(pressure.budget_left >= rules.budget_scarce))
    divisor = 1;
  if (!(pressure.budget_left >= rules.budget_gone))
    factor *= rules.budget_gone_factor;
  else if (pressure.budget_left < rules.budget_low)
    factor *= rules.budget_low_factor;

  auto interval = base * std::max(factor, 1) / std::max(divisor, 1);
  // A schedule that is itself beyond a limit was meant so.
  interval = std::max(interval, std::min(base, limits.interval_min));
  interval = std::min(interval, std::max(base, limits.interval_max));
  if (pressure.provider_min)
    interval = std::max(interval, std::min(*pressure.provider_min, std::chrono::seconds{86400}));
  return std::max(interval, std::chrono::seconds{1});
}

} // namespace lapwing
