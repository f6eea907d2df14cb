#include "net/http/shard.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http/http_connection.hpp"
#include "net/http/node.hpp"
#include "net/http/routes.hpp"

namespace lapwing::net {
namespace {

/// Tags with this bit are listeners, the others generation and slot of a connection.
constexpr std::uint64_t listener_tag = std::uint64_t{1} << 63;
/// Connections taken from a listener in one go: others wait no longer than that.
constexpr int accepts_max = 64;
/// One recv takes at most this much. Measured: below 64 KiB large bodies cost more.
constexpr std::size_t receive_bytes = 128 * 1024;

std::uint64_t tag_of(std::uint32_t slot, std::uint32_t generation) {
  return (static_cast<std::uint64_t>(generation & 0x7fffffff) << 32) | slot;
}

/// A fraction of the shortest time-out, so that none is missed by more than an eighth.
std::chrono::milliseconds tick_length_of(const config& values) {
  auto shortest = std::min({values.http.header_timeout, values.http.body_timeout,
                            values.http.idle_timeout, values.streams.auth_timeout});
  return std::clamp(shortest / 8, milliseconds{5}, milliseconds{1000});
}

} // namespace

shard::shard(node& owner, std::size_t index, boost::asio::io_context& io, settings_ptr initial)
  : node_(owner),
    index_(index),
    io_(io),
    settings_(std::move(initial)),
    counts_(owner.routes->size()),
    buffer_(receive_bytes + settings_->values.limits.header),
    tick_timer_(io),
    poller_(
      io, [this](std::uint64_t tag, std::uint32_t) { ready(tag); },
      [this] { end_of_turn(); }) {
  spare_socket_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

shard::~shard() {
  close_listeners();
  if (spare_socket_ >= 0)
    ::close(spare_socket_);
}

void shard::add_listener(int socket) {
  listeners_.push_back(socket);
}

void shard::start() {
  tick_length_ = tick_length_of(settings_->values);
  for (int listener : listeners_)
    poller_.watch(listener, listener_tag | static_cast<std::uint64_t>(listener), false);
  poller_.start();
  arm_tick();
}

void shard::use(settings_ptr fresh) {
  settings_ = std::move(fresh);
  tick_length_ = tick_length_of(settings_->values);
  auto wanted = receive_bytes + settings_->values.limits.header;
  if (buffer_.size() < wanted)
    buffer_.resize(wanted);
}

void shard::close_listeners() {
  for (int listener : listeners_) {
    poller_.forget(listener);
    ::close(listener);
  }
  listeners_.clear();
}

void shard::drain() {
  draining_ = true;
  close_listeners();
  // By index: members may come and go while they are told.
  for (std::size_t slot = 0; slot < places_.size(); ++slot)
    if (auto member = places_[slot].member)
      member->on_drain();
}

void shard::stop() {
  draining_ = true;
  stopped_ = true;
  close_listeners();
  for (std::size_t slot = 0; slot < places_.size(); ++slot)
    if (auto member = places_[slot].member) {
      remove(*member);
      member->on_stop();
    }
  tick_timer_.cancel();
  poller_.stop();
}

void shard::add(std::shared_ptr<connection> added) {
  if (stopped_) {
    added->on_stop();
    return;
  }
  std::uint32_t slot;
  if (free_places_.empty()) {
    slot = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
  } else {
    slot = free_places_.back();
    free_places_.pop_back();
  }
  auto& p = places_[slot];
  p.deadline = 0;
  ++p.generation;
  p.member = added;
  added->slot_ = slot;
  // TLS may have to write before it can read.
  bool also_writable = !added->link_.short_read_means_empty();
  if (!poller_.watch(added->link_.socket(), tag_of(slot, p.generation), also_writable)) {
    remove(*added);
    added->on_stop();
    return;
  }
  deliver(*added);
}

void shard::remove(connection& gone) {
  if (gone.slot_ == connection::no_slot)
    return;
  release(gone);
}

transport shard::release(connection& gone) {
  auto slot = gone.slot_;
  auto& p = places_[slot];
  poller_.forget(gone.link_.socket());
  ++p.generation;
  p.deadline = 0;
  bury(std::move(p.member));
  p.member.reset();
  free_places_.push_back(slot);
  gone.slot_ = connection::no_slot;
  transport link;
  link = std::move(gone.link_);
  return link;
}

/// Keeps the object until nobody on the call stack uses it any more.
void shard::bury(std::shared_ptr<connection> gone) {
  buried_.push_back(std::move(gone));
  if (burial_posted_ || stopped_)
    return;
  burial_posted_ = true;
  post([this] {
    burial_posted_ = false;
    buried_.clear();
  });
}

void shard::watch_writable(connection& blocked) {
  if (blocked.slot_ != connection::no_slot)
    poller_.watch_writable(blocked.link_.socket(),
                           tag_of(blocked.slot_, places_[blocked.slot_].generation));
}

void shard::set_deadline(const connection& whose, std::chrono::milliseconds from_now) {
  if (whose.slot_ == connection::no_slot)
    return;
  auto& deadline = places_[whose.slot_].deadline;
  if (from_now.count() <= 0)
    deadline = 0;
  else // One more tick: the present one has begun already.
    deadline = ticks_ + 1
               + static_cast<std::uint32_t>((from_now + tick_length_ - milliseconds{1})
                                            / tick_length_);
}

void shard::arm_tick() {
  tick_timer_.expires_after(tick_length_);
  tick_timer_.async_wait([this](boost::system::error_code failure) {
    if (!failure && !stopped_) {
      tick();
      arm_tick();
    }
  });
}

void shard::tick() {
  ++ticks_;
  for (std::size_t slot = 0; slot < places_.size(); ++slot) {
    auto& p = places_[slot];
    if (p.deadline == 0 || p.deadline > ticks_)
      continue;
    p.deadline = 0;
    auto member = p.member;
    member->on_deadline();
  }
}

void shard::deliver(connection& member) {
  if (reading_)
    return wake_later(member);
  reading guard{*this};
  member.on_ready();
}

void shard::wake_later(const connection& sleeper) {
  if (sleeper.slot_ != connection::no_slot)
    post([this, tag = tag_of(sleeper.slot_, places_[sleeper.slot_].generation)] { ready(tag); });
}

void shard::ready(std::uint64_t tag) {
  if (tag & listener_tag)
    return accept_from(static_cast<int>(tag & 0xffffffff));
  auto slot = static_cast<std::uint32_t>(tag);
  // An earlier event of this bunch may have removed it.
  if (slot >= places_.size() || tag_of(slot, places_[slot].generation) != tag)
    return;
  if (auto member = places_[slot].member)
    deliver(*member);
}

void shard::end_of_turn() {
  buried_.clear();
}

void shard::accept_from(int listener) {
  for (int i = 0; i < accepts_max; ++i) {
    sockaddr_storage from{};
    socklen_t from_bytes = sizeof from;
    int socket = ::accept4(listener, reinterpret_cast<sockaddr*>(&from), &from_bytes,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      admit(socket, peer_address::of(from));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE) {
      shed_one(listener);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
      continue;
    return;
  }
  // More may wait, and an edge is reported once: come back after the others.
  post([this, listener] {
    if (std::find(listeners_.begin(), listeners_.end(), listener) != listeners_.end())
      accept_from(listener);
  });
}

/// Out of descriptors: without a spare one the connection could not even be refused, and would be
/// reported for ever.
void shard::shed_one(int listener) {
  if (spare_socket_ >= 0)
    ::close(spare_socket_);
  int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0)
    refuse(socket);
  spare_socket_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void shard::refuse(int socket) {
  counts_.connections_refused.add();
  // Plain text is no use to a TLS client, but it is told by the end of the connection.
  static constexpr std::string_view answer
    = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
      "Retry-After: 5\r\nConnection: close\r\nContent-Length: 108\r\n\r\n"
      "{\"type\":\"about:blank\",\"title\":\"Too Many Connections\",\"status\":503,"
      "\"code\":\"too_many_connections\",\"detail\":\"\"}";
  (void)::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket, SHUT_WR);
  // What has come so far is read, so that the close does not become a reset that hides the answer.
  char waste[4096];
  (void)::recv(socket, waste, sizeof waste, MSG_DONTWAIT);
  ::close(socket);
}

void shard::admit(int socket, const peer_address& peer) {
  auto lease = node_.connections.take(peer);
  if (!lease)
    return refuse(socket);
  counts_.connections_accepted.add();
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ssl_ptr tls;
  if (settings_->tls) {
    tls = make_tls_session(*settings_->tls, socket);
    if (!tls) {
      ::close(socket);
      return;
    }
  }
  add(std::make_shared<http_connection>(*this,
                                        transport{socket, std::move(tls), std::move(lease)}));
}

timestamp shard::now() const {
  return node_.clock.now();
}

std::string_view shard::http_date() {
  auto second = std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    std::time_t time = static_cast<std::time_t>(second);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[40];
    // Not strftime: its names depend on the locale.
    auto bytes = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                               days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                               parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    date_.assign(text, static_cast<std::size_t>(bytes));
  }
  return date_;
}

std::string shard::next_request_id() {
  constexpr char digits[] = "0123456789abcdef";
  std::string id = node_.run;
  id += '-';
  id += digits[(index_ >> 4) & 15];
  id += digits[index_ & 15];
  auto n = ++request_count_;
  for (int shift = 36; shift >= 0; shift -= 4)
    id += digits[(n >> shift) & 15];
  return id;
}

} // namespace lapwing::net
