#include "net/outbound/address_class.hpp"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>

namespace lapwing::net {
namespace {

using enum address_class;

template <std::size_t Size>
struct block {
  std::array<std::uint8_t, Size> prefix;
  unsigned bits;
  address_class what;
};

template <std::size_t Size>
bool is_in(const std::array<std::uint8_t, Size>& address, const block<Size>& net) noexcept {
  unsigned left = net.bits;
  for (std::size_t i = 0; i < Size && left > 0; ++i) {
    unsigned bits = std::min(left, 8u);
    auto mask = static_cast<std::uint8_t>(0xff00u >> bits);
    if ((address[i] & mask) != (net.prefix[i] & mask))
      return false;
    left -= bits;
  }
  return true;
}

// The IANA special-purpose registry for IPv4; the first match decides.
constexpr block<4> ipv4_blocks[] = {
  {{0, 0, 0, 0}, 8, unspecified},
  {{10, 0, 0, 0}, 8, private_use},
  {{100, 64, 0, 0}, 10, shared},
  {{127, 0, 0, 0}, 8, loopback},
  {{169, 254, 0, 0}, 16, link_local},
  {{172, 16, 0, 0}, 12, private_use},
  {{192, 0, 0, 0}, 24, reserved}, // Protocol assignments (RFC 6890).
  {{192, 0, 2, 0}, 24, documentation},
  {{192, 88, 99, 0}, 24, reserved}, // Relays of 6to4 (RFC 7526).
  {{192, 168, 0, 0}, 16, private_use},
  {{198, 18, 0, 0}, 15, benchmarking},
  {{198, 51, 100, 0}, 24, documentation},
  {{203, 0, 113, 0}, 24, documentation},
  {{224, 0, 0, 0}, 4, multicast},
  {{240, 0, 0, 0}, 4, reserved}, // With 255.255.255.255.
};

// Exceptions within 2000::/3, the only part of IPv6 given out as public, and the well-known parts
// outside it.
constexpr block<16> ipv6_blocks[] = {
  {{}, 128, unspecified},
  {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, loopback},
  {{0xfc}, 7, private_use},
  {{0xfe, 0x80}, 10, link_local},
  {{0xfe, 0xc0}, 10, private_use},
  {{0xff}, 8, multicast},
  {{0x20, 0x01, 0x00, 0x02}, 48, benchmarking},
  {{0x20, 0x01, 0x00}, 23, reserved}, // Protocol assignments: Teredo, ORCHID and others.
  {{0x20, 0x01, 0x0d, 0xb8}, 32, documentation},
  {{0x3f, 0xff}, 20, documentation},
};

constexpr block<16> global_unicast{{0x20}, 3, global};

/// Address forms with an IPv4 address inside, and at which byte it starts.
struct carrier {
  block<16> net;
  std::size_t offset;
};
constexpr carrier carriers[] = {
  {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, reserved}, 12}, // RFC 4291 2.5.5.2
  {{{0x00, 0x64, 0xff, 0x9b}, 96, reserved}, 12},                   // RFC 6052
  {{{0x20, 0x02}, 16, reserved}, 2},                                // RFC 3056
};

} // namespace

std::string_view to_string_view(address_class what) noexcept {
  switch (what) {
    case global: return "global";
    case unspecified: return "unspecified";
    case loopback: return "loopback";
    case private_use: return "private";
    case shared: return "shared";
    case link_local: return "link-local";
    case documentation: return "documentation";
    case benchmarking: return "benchmarking";
    case multicast: return "multicast";
    case reserved: return "reserved";
  }
  return "reserved";
}

address_class classify(const ipv4_bytes& address) noexcept {
  for (const auto& net : ipv4_blocks)
    if (is_in(address, net))
      return net.what;
  return global;
}

address_class classify(const ipv6_bytes& address) noexcept {
  for (const auto& net : ipv6_blocks)
    if (is_in(address, net))
      return net.what;
  for (const auto& form : carriers)
    if (is_in(address, form.net)) {
      ipv4_bytes inner{};
      std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(form.offset), inner.size(),
                  inner.begin());
      return classify(inner);
    }
  return is_in(address, global_unicast) ? global : reserved;
}

address_class classify(const sockaddr* address, std::size_t size) noexcept {
  if (address == nullptr || size < sizeof(sa_family_t))
    return reserved;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in full{};
    std::memcpy(&full, address, sizeof full);
    ipv4_bytes bytes{};
    std::memcpy(bytes.data(), &full.sin_addr, bytes.size());
    return classify(bytes);
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 full{};
    std::memcpy(&full, address, sizeof full);
    ipv6_bytes bytes{};
    std::memcpy(bytes.data(), &full.sin6_addr, bytes.size());
    return classify(bytes);
  }
  return reserved;
}

} // namespace lapwing::net
