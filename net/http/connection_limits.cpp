#include "net/http/connection_limits.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lapwing::net {
namespace {

constexpr unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const std::array<unsigned char, 16>& bytes) {
  return std::memcmp(bytes.data(), mapped_prefix, sizeof mapped_prefix) == 0;
}

} // namespace

peer_address peer_address::of(const sockaddr_storage& from) noexcept {
  peer_address peer;
  if (from.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &from, sizeof in);
    std::memcpy(peer.bytes.data(), mapped_prefix, sizeof mapped_prefix);
    std::memcpy(peer.bytes.data() + 12, &in.sin_addr, 4);
    peer.port = ntohs(in.sin_port);
  } else if (from.ss_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &from, sizeof in);
    std::memcpy(peer.bytes.data(), &in.sin6_addr, 16);
    peer.port = ntohs(in.sin6_port);
  }
  return peer;
}

bool peer_address::loopback() const noexcept {
  if (is_mapped(bytes))
    return bytes[12] == 127;
  constexpr std::array<unsigned char, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == one;
}

std::string peer_address::address() const {
  char out[INET6_ADDRSTRLEN] = "";
  if (is_mapped(bytes))
    ::inet_ntop(AF_INET, bytes.data() + 12, out, sizeof out);
  else
    ::inet_ntop(AF_INET6, bytes.data(), out, sizeof out);
  return out;
}

std::string peer_address::text() const {
  auto host = address();
  return (is_mapped(bytes) ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::size_t connection_limits::address_hash::operator()(
  const std::array<unsigned char, 16>& bytes) const noexcept {
  return std::hash<std::string_view>{}(
    {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void connection_limits::set(std::size_t total_max, std::size_t per_address_max) noexcept {
  total_max_.store(total_max, std::memory_order_relaxed);
  per_address_max_.store(per_address_max, std::memory_order_relaxed);
}

connection_limits::lease connection_limits::take(const peer_address& peer) {
  auto total_max = total_max_.load(std::memory_order_relaxed);
  auto address_max = per_address_max_.load(std::memory_order_relaxed);
  if (open_.fetch_add(1, std::memory_order_relaxed) >= total_max && total_max != 0) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  // Counted even without a limit: a reload may set one.
  std::lock_guard guard{mutex_};
  auto& count = addresses_[peer.bytes];
  if (address_max != 0 && count >= address_max) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  ++count;
  return {this, peer};
}

void connection_limits::give_back(const peer_address& peer) {
  open_.fetch_sub(1, std::memory_order_relaxed);
  std::lock_guard guard{mutex_};
  auto found = addresses_.find(peer.bytes);
  if (found != addresses_.end() && --found->second == 0)
    addresses_.erase(found);
}

} // namespace lapwing::net
