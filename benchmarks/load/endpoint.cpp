#include "benchmarks/load/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace lapwing::load {
namespace {

constexpr std::size_t source_addresses = 16;

sockaddr_in socket_address(std::uint32_t address, std::uint16_t port) noexcept {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(address);
  return out;
}

const sockaddr* generic(const sockaddr_in& address) noexcept {
  return reinterpret_cast<const sockaddr*>(&address);
}

} // namespace

result<endpoint> parse_endpoint(std::string_view text) {
  const auto refuse = [](const char* why) { return error{errc::bad_request, why}; };
  if (text.starts_with("http://"))
    text.remove_prefix(7);
  if (text.ends_with('/'))
    text.remove_suffix(1);
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return refuse("the target must be ADDRESS:PORT");
  endpoint out;
  const auto digits = text.substr(colon + 1);
  const auto [next, failure]
    = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (failure != std::errc{} || next != digits.data() + digits.size() || out.port == 0)
    return refuse("the target's port must be 1 to 65535");
  std::string host{text.substr(0, colon)};
  if (host == "localhost")
    host = "127.0.0.1";
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) != 1)
    return refuse("the target must be an IPv4 address or localhost");
  out.address = ntohl(address.s_addr);
  if (out.address >> 24 != 127)
    return refuse("the target must be on loopback (127.0.0.0/8): load is only for one's own node");
  return out;
}

std::string to_string(const endpoint& where) {
  const auto address = where.address;
  return std::to_string(address >> 24) + '.' + std::to_string(address >> 16 & 255) + '.'
         + std::to_string(address >> 8 & 255) + '.' + std::to_string(address & 255) + ':'
         + std::to_string(where.port);
}

std::uint32_t source_address(std::size_t index) noexcept {
  return 0x7f000002U + static_cast<std::uint32_t>(index % source_addresses);
}

int start_connecting(const endpoint& to, std::uint32_t from) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Without this, bind itself would take a port that no other destination can share (ip(7)).
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const auto local = socket_address(from, 0);
  const auto remote = socket_address(to.address, to.port);
  if (bind(fd, generic(local), sizeof local) == 0
      && (connect(fd, generic(remote), sizeof remote) == 0 || errno == EINPROGRESS))
    return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

int connect_failure(int fd) noexcept {
  int failure = 0;
  socklen_t length = sizeof failure;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 ? failure : errno;
}

void close_abruptly(int fd) noexcept {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

} // namespace lapwing::load
