// Addresses a node listens on, as written in `node.listen`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lapwing {

struct listen_address {
  std::string host; ///< IPv4 or IPv6 address without brackets.
  std::uint16_t port = 0;
  bool loopback = false; ///< 127.0.0.0/8 or ::1: reachable from this machine only.

  friend bool operator==(const listen_address&, const listen_address&) = default;
};

/// "127.0.0.1:3001", "[::1]:3001" or "localhost:3001" (which is 127.0.0.1). Names are not looked
/// up: where a node listens must not depend on a name server.
std::optional<listen_address> parse_listen(std::string_view text);

} // namespace lapwing
