#include "config/listen.hpp"

#include <arpa/inet.h>

#include "config/values.hpp"

namespace lapwing {

std::optional<listen_address> parse_listen(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos)
    return {};
  const auto port = parse_count(text.substr(colon + 1));
  if (!port || *port > 65535)
    return {};
  listen_address out;
  out.port = static_cast<std::uint16_t>(*port);
  const auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    out.host = host.substr(1, host.size() - 2);
    in6_addr address{};
    if (inet_pton(AF_INET6, out.host.c_str(), &address) != 1)
      return {};
    out.loopback = IN6_IS_ADDR_LOOPBACK(&address);
    return out;
  }
  out.host = host == "localhost" ? "127.0.0.1" : std::string{host};
  in_addr address{};
  if (inet_pton(AF_INET, out.host.c_str(), &address) != 1)
    return {};
  out.loopback = ntohl(address.s_addr) >> 24 == 127;
  return out;
}

} // namespace lapwing
