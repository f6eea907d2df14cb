// The connection doctor: what GET /api/monitoring/status and /api/webhooks/registrations say about
// one connection. No token, no secret, no cursor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "core/time.hpp"
#include "platforms/monitor/method_choice.hpp"

namespace lapwing {

/// Everything borrowed for the call.
struct connection_report {
  std::string_view platform;
  std::string_view title;
  /// Nothing: never connected here; deliveries alone are known.
  const loaded_connection* connection = nullptr;
  timestamp now{};
  status_report status;           ///< As method_choice last told it.
  bool has_webhook = false;
  std::optional<timestamp> last_webhook;
  std::optional<timestamp> next_poll;
  std::optional<timestamp> throttled_until; ///< The budget lets nothing through before.
  std::uint64_t deliveries = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t failed = 0;
  std::string_view last_error;
  std::string_view reconnect_url; ///< The remedy of needs_reauth; "" none.
};

/// One JSON object on one line. `state`: connected, degraded, needs_reauth, disconnected, or idle
/// (never connected, no delivery). `healthy` is false when there is a cause. Top-level
/// expiresAt and nextRenewal are the soonest of the registrations; tokenExpiresAt is the token's.
std::string connection_json(const connection_report& report);

} // namespace lapwing
