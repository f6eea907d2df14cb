#include "net/http/server.hpp"

#include <cerrno>
#include <cstring>
#include <future>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/auth/encoding.hpp"
#include "net/auth/random.hpp"
#include "net/http/node.hpp"
#include "net/http/routes.hpp"
#include "net/http/settings.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {
namespace {

/// Descriptors kept for the store, the poller, log files and outgoing calls.
constexpr std::size_t descriptor_reserve = 128;
constexpr int listen_backlog = 4096;

struct listen_address {
  sockaddr_storage address{};
  socklen_t bytes = 0;
};

/// "127.0.0.1:3001", "[::1]:3001" or "localhost:3001"; names are not looked up.
std::optional<listen_address> parse_listen_address(const std::string& text) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size())
    return std::nullopt;
  auto host = text.substr(0, colon);
  unsigned long port = 0;
  for (char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9')
      return std::nullopt;
    port = port * 10 + static_cast<unsigned long>(c - '0');
    if (port > 65535)
      return std::nullopt;
  }
  if (host == "localhost")
    host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  boost::system::error_code failure;
  auto address = boost::asio::ip::make_address(host, failure);
  if (failure)
    return std::nullopt;
  listen_address out;
  if (address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    in.sin_addr.s_addr = htonl(address.to_v4().to_uint());
    std::memcpy(&out.address, &in, sizeof in);
    out.bytes = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(static_cast<std::uint16_t>(port));
    auto bytes = address.to_v6().to_bytes();
    std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&out.address, &in, sizeof in);
    out.bytes = sizeof in;
  }
  return out;
}

/// A listening socket that shares its port with those of the other shards, or -1.
int open_listener(const listen_address& where) {
  int socket
    = ::socket(where.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0)
    return -1;
  int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (where.address.ss_family == AF_INET6)
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&where.address), where.bytes) != 0
      || ::listen(socket, listen_backlog) != 0) {
    ::close(socket);
    return -1;
  }
  return socket;
}

/// Whether somebody else listens there: SO_REUSEPORT alone would let two nodes share a port.
bool taken(const listen_address& where) {
  int socket = ::socket(where.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0)
    return true;
  int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.address.ss_family == AF_INET6)
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  bool refused
    = ::bind(socket, reinterpret_cast<const sockaddr*>(&where.address), where.bytes) != 0;
  ::close(socket);
  return refused;
}

std::size_t connections_max(const config& values) {
  if (values.limits.connections_total != 0)
    return values.limits.connections_total;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY)
    return 0;
  auto limit = static_cast<std::size_t>(descriptors.rlim_cur);
  return limit > 2 * descriptor_reserve ? limit - descriptor_reserve : limit / 2;
}

} // namespace

struct server::parts {
  parts(const config& values, std::vector<boost::asio::io_context*> contexts, engine& core,
        const wall_clock& clock)
    : initial(values), io(std::move(contexts)),
      node(core, clock, to_hex(secure_random_bytes(4))) {}

  void apply_limits(const config& values) {
    node.connections.set(connections_max(values), values.limits.connections_per_address);
    node.bodies.set_max(values.limits.inflight_bytes);
  }

  /// Runs `step` on every shard's thread and waits for all.
  template <class Step>
  void on_every_shard(Step step) {
    std::vector<std::future<void>> done;
    for (auto& s : node.shards) {
      auto promise = std::make_shared<std::promise<void>>();
      done.push_back(promise->get_future());
      s->post([&s, step, promise] {
        step(*s);
        promise->set_value();
      });
    }
    for (auto& d : done)
      d.wait();
  }

  config initial;
  std::vector<boost::asio::io_context*> io;
  net::node node;
  settings_ptr current;
};

server::server(const config& values, std::vector<boost::asio::io_context*> shards, engine& core,
               const wall_clock& clock)
  : parts_(std::make_unique<parts>(values, std::move(shards), core, clock)) {}

server::~server() = default;

result<std::vector<std::string>> server::start() {
  auto& node = parts_->node;
  auto prepared = prepare_settings(parts_->initial, nullptr, node.fetcher.port());
  if (!prepared)
    return prepared.error();
  parts_->current = *prepared;
  parts_->apply_limits(parts_->initial);
  for (std::size_t i = 0; i < parts_->io.size(); ++i)
    node.shards.push_back(std::make_unique<shard>(node, i, *parts_->io[i], parts_->current));

  std::vector<std::string> urls;
  for (auto& text : parts_->initial.node.listen) {
    auto where = parse_listen_address(text);
    if (!where)
      return error{errc::not_configured, "node.listen: \"" + text + "\" is not ADDRESS:PORT"};
    if (taken(*where))
      return error{errc::not_configured,
                   "cannot listen on " + text + ": " + std::strerror(errno)};
    for (auto& s : node.shards) {
      int socket = open_listener(*where);
      if (socket < 0)
        return error{errc::not_configured,
                     "cannot listen on " + text + ": " + std::strerror(errno)};
      // Port 0: the first shard's socket picks, the others follow.
      where->bytes = sizeof where->address;
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&where->address), &where->bytes);
      s->add_listener(socket);
    }
    urls.push_back((parts_->current->tls ? "https://" : "http://")
                   + peer_address::of(where->address).text());
  }
  for (auto& s : node.shards)
    s->post([&shard = *s] { shard.start(); });
  return urls;
}

void server::drain() {
  for (auto& s : parts_->node.shards)
    s->post([&shard = *s] { shard.drain(); });
}

void server::stop() {
  parts_->on_every_shard([](shard& s) { s.stop(); });
  // Handlers that were under way when a shard stopped have run after this, moved sockets included.
  parts_->on_every_shard([](shard&) {});
  parts_->on_every_shard([](shard&) {});
}

result<bool> server::reload(const config& values) {
  auto prepared = prepare_settings(values, parts_->current.get(), parts_->node.fetcher.port());
  if (!prepared)
    return prepared.error();
  parts_->current = *prepared;
  parts_->apply_limits(values);
  for (auto& s : parts_->node.shards)
    s->post([&shard = *s, fresh = parts_->current] { shard.use(fresh); });
  return true;
}

std::size_t server::connections() const noexcept {
  return parts_->node.connections.open();
}

} // namespace lapwing::net
