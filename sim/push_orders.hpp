// What the control API may order of the Web Push service.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lapwing::sim {

/// A browser subscribes.
struct push_wish {
  std::string user;
  std::string sender_key;  ///< applicationServerKey in base64url; "" none.
  /// Both "" to let the world choose; base64url of 32 and 16 bytes, for published vectors.
  std::string private_key;
  std::string auth_secret;
};

/// The next `count` messages are answered with `status`, whatever they are.
struct push_plan {
  int status = 503;
  std::uint64_t count = 1;
  std::uint64_t retry_after = 0; ///< Seconds; 0: the header is left out.
};

/// What befalls a subscription.
struct push_change {
  bool ends = false;          ///< From now on 410.
  std::optional<bool> online; ///< Off: messages wait for the browser as long as their TTL says.
  std::optional<push_plan> plan;
};

} // namespace lapwing::sim
