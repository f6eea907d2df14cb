// What one answer says about rate limits, as data: from a status, headers and the front of a body
// to "closed for whom, until when". Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

enum class limit_cause : std::uint8_t {
  none,
  refused,          ///< Too fast: 429, or a 403 that means it.
  exhausted,        ///< Nothing is left of the window that the answers tell.
  daily_quota,      ///< Nothing is left of the application's day.
  outage,           ///< The platform asked for a pause: 503 with Retry-After.
  invalid_requests, ///< So many refusals lately that one more could ban the address (Discord).
  pace              ///< Our own pace: requests_per_minute.
};

std::string_view to_string_view(limit_cause cause) noexcept;

/// So many requests until `reset`.
struct limit_window {
  std::uint32_t limit = 0; ///< 0: not told.
  std::uint32_t remaining = 0;
  timestamp reset;
};

struct limit_signs {
  limit_cause cause = limit_cause::none; ///< Set: closed, until `until` if that is told.
  limit_reach reach = limit_reach::token;
  std::optional<timestamp> until;
  std::optional<limit_window> window; ///< Of the bucket if one is named, otherwise of the token.
  std::string bucket;
  bool counts_as_invalid = false; ///< Towards a ban: 401, 403 and 429, unless others were at fault.
  bool is_success = false;        ///< The platform did what was asked; back-off may end.
};

/// No answer is believed to ask for more than this; 25 hours are the longest day.
inline constexpr std::chrono::hours limit_wait_max{25};

/// `refusal_reach` is whom a refusal stops that does not say it itself; nothing: the token when the
/// answer tells a window of it, otherwise the application.
/// Times are taken by the answer's own Date, so that our clock may be wrong. `chance` in [0, 1)
/// spreads those who wait for the same midnight over a minute.
limit_signs read_limit_signs(const rate_limit_spec& spec,
                             std::optional<limit_reach> refusal_reach,
                             const http_response& answer, timestamp now, double chance);

} // namespace lapwing
