#include "benchmarks/load/http_connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace lapwing::load {
namespace {

/// Our routes answer in well under a kilobyte.
constexpr std::size_t response_max = 256 * 1024;

} // namespace

http_connection::http_connection(event_loop& loop, endpoint to, http_listener& listener,
                                 std::size_t index)
  : loop_(loop), to_(to), listener_(listener), index_(index) {}

http_connection::~http_connection() { disconnect(); }

void http_connection::send() {
  busy_ = true;
  sent_ = 0;
  in_.clear();
  head_read_ = false;
  if (fd_ < 0)
    connect();
  else
    flush();
}

void http_connection::connect() {
  ++connects_;
  fd_ = start_connecting(to_, source_address(index_));
  if (fd_ < 0)
    return fail(std::strerror(errno));
  connecting_ = true;
  waits_for_room_ = true;
  loop_.watch(fd_, EPOLLIN | EPOLLOUT, *this);
}

void http_connection::on_io(std::uint32_t events) {
  if (fd_ < 0)
    return;
  if (connecting_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0)
      return;
    if (const int failure = connect_failure(fd_); failure != 0)
      return fail(std::strerror(failure));
    connecting_ = false;
  }
  if ((events & EPOLLOUT) != 0 && waits_for_room_)
    flush();
  if (fd_ >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    receive();
}

void http_connection::flush() {
  while (sent_ < out_.size()) {
    const auto size = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EAGAIN) {
        if (!waits_for_room_) {
          waits_for_room_ = true;
          loop_.change(fd_, EPOLLIN | EPOLLOUT, *this);
        }
        return;
      }
      return fail(std::strerror(errno));
    }
    sent_ += static_cast<std::size_t>(size);
  }
  if (waits_for_room_) {
    waits_for_room_ = false;
    loop_.change(fd_, EPOLLIN, *this);
  }
}

void http_connection::receive() {
  auto& buffer = loop_.scratch();
  const auto size = recv(fd_, buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (size <= 0) {
    const auto* why = size == 0 ? "the node closed the connection" : std::strerror(errno);
    if (busy_)
      return fail(why);
    disconnect(); // An idle keep-alive connection timed out; the next request makes a new one.
    return;
  }
  if (!busy_)
    return fail("an answer without a request");
  in_.append(buffer.data(), static_cast<std::size_t>(size));
  if (in_.size() > response_max)
    return fail("the answer is too large");
  take_input();
}

void http_connection::take_input() {
  std::size_t fresh = head_read_ ? body_end_ : 0;
  if (!head_read_) {
    switch (parse_response_head(in_, head_, body_start_)) {
      case parsed::need_more: return;
      case parsed::broken: return fail("the answer is not HTTP");
      case parsed::complete: break;
    }
    head_read_ = true;
    chunks_ = {};
    body_end_ = fresh = body_start_;
  }
  const std::string_view all{in_};
  if (head_.chunked) {
    body_end_ += chunks_.decode(in_.data() + fresh, in_.size() - fresh);
    in_.resize(body_end_);
    if (chunks_.broken())
      return fail("the answer's chunks are broken");
    if (chunks_.complete())
      finish(head_.status, std::string_view{in_}.substr(body_start_, body_end_ - body_start_));
    return;
  }
  const auto length = static_cast<std::size_t>(head_.content_length.value_or(0));
  if (all.size() - body_start_ >= length)
    finish(head_.status, all.substr(body_start_, length));
}

void http_connection::finish(int status, std::string_view body) {
  busy_ = false;
  out_.clear();
  const bool keep = head_.keep_alive && sent_ > 0;
  if (!keep)
    disconnect();
  listener_.on_response(*this, status, body);
}

void http_connection::fail(std::string_view why) {
  disconnect();
  const bool was_busy = std::exchange(busy_, false);
  out_.clear();
  if (was_busy)
    listener_.on_failure(*this, why);
}

void http_connection::disconnect() {
  if (fd_ >= 0)
    close_abruptly(fd_);
  fd_ = -1;
  connecting_ = false;
  waits_for_room_ = false;
}

} // namespace lapwing::load
