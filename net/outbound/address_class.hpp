// Where an address leads: only what is reachable for everybody may be asked by a node that has not
// been told otherwise. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sys/socket.h>

namespace lapwing::net {

enum class address_class : std::uint8_t {
  global,        ///< The public Internet; the only one that is asked by default.
  unspecified,   ///< 0.0.0.0/8 and ::, which reach the machine itself.
  loopback,
  private_use,   ///< RFC 1918; fc00::/7 (RFC 4193); fec0::/10 (RFC 3879).
  shared,        ///< 100.64.0.0/10, carriers' NAT (RFC 6598).
  link_local,    ///< Also where clouds keep their machines' credentials: 169.254.169.254.
  documentation, ///< RFC 5737, RFC 3849, RFC 9637.
  benchmarking,  ///< RFC 2544, RFC 5180.
  multicast,
  reserved       ///< Everything else that no public server has.
};

std::string_view to_string_view(address_class what) noexcept;

/// In network order.
using ipv4_bytes = std::array<std::uint8_t, 4>;
using ipv6_bytes = std::array<std::uint8_t, 16>;

address_class classify(const ipv4_bytes& address) noexcept;
/// An address that carries an IPv4 address (mapped, NAT64, 6to4) is of that one's class;
/// Teredo's are reserved.
address_class classify(const ipv6_bytes& address) noexcept;
/// Any family but IPv4 and IPv6 is `reserved`, and so is one cut short.
address_class classify(const sockaddr* address, std::size_t size) noexcept;

} // namespace lapwing::net
