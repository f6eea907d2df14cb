// A Web Push service and the browsers behind it (RFC 8030, 8291, 8292): it takes messages for
// subscriptions and shows what the browsers could read.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/time.hpp"
#include "sim/call.hpp"
#include "sim/push_crypto.hpp"
#include "sim/push_orders.hpp"

namespace lapwing::sim {

struct world_state;

/// The host of the service; it is also the one in RFC 8292's example.
inline constexpr std::string_view push_host = "push.example.net";

struct push_message {
  std::uint64_t number = 0;
  timestamp sent_at{};
  timestamp expires_at{};
  std::string urgency;
  std::string topic;
  std::string text;    ///< As the browser read it.
  std::string problem; ///< Why it could not; "" it could.
  bool delivered = false;
};

struct push_subscription {
  std::string user;
  std::string auth_secret; ///< 16 bytes.
  p256_key key;
  std::string sender_point; ///< Only who signs with this key may send; "": anybody.
  bool gone = false;
  bool online = true;
  push_plan plan{503, 0, 0};
  std::deque<push_message> messages{}; ///< The oldest are dropped beyond a bound.
};

struct push_state {
  std::map<std::string, push_subscription> subscriptions; ///< By the last part of the endpoint.
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t unreadable = 0;
};

namespace web_push {

/// The answer to any request at `push_host`.
http_response answer(world_state& state, const call& from);

/// What a browser hands to its page, PushSubscription.toJSON(), and an id:
/// {"id":...,"endpoint":...,"keys":{"p256dh":...,"auth":...}}
result<std::string> subscribe(world_state& state, const push_wish& wish);
/// False: there is no such subscription.
bool change(world_state& state, const std::string& id, const push_change& what);
/// Subscriptions and what their browsers got; "" all of them.
std::string report_json(const world_state& state, std::string_view id);

} // namespace web_push
} // namespace lapwing::sim
