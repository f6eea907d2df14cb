// A real server on two I/O threads with a fake engine, and a blocking client of raw bytes.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http/server.hpp"
#include "tests/support/fake_engine.hpp"

namespace lapwing::test {

/// Reads fail loudly after this long: only a broken test waits for it.
inline constexpr std::chrono::seconds read_patience{20};

class client {
public:
  explicit client(std::uint16_t port, int receive_bytes = 0) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes != 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{read_patience.count(), 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("connect");
  }
  ~client() { ::close(socket_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  client& send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0)
        break; // The server may have hung up: what it said is still to be read.
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return *this;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  /// Up to and with `mark`; throws at the end of the connection.
  std::string read_until(std::string_view mark) {
    for (;;) {
      auto at = buffer_.find(mark);
      if (at != std::string::npos)
        return take(at + mark.size());
      if (!more())
        throw std::runtime_error("the connection ended before \"" + std::string{mark}
                                 + "\", after: " + buffer_);
    }
  }
  std::string read_bytes(std::size_t count) {
    while (buffer_.size() < count)
      if (!more())
        throw std::runtime_error("the connection ended early, after: " + buffer_);
    return take(count);
  }
  std::string read_to_end() {
    while (more()) {
    }
    return take(buffer_.size());
  }
  /// True when the server has closed and nothing is left.
  bool ended() { return buffer_.empty() && !more(); }

  struct answer {
    unsigned status = 0;
    std::string head;
    std::string body;

    std::string header(std::string_view name) const {
      auto at = head.find("\r\n" + std::string{name} + ": ");
      if (at == std::string::npos)
        return {};
      at += name.size() + 4;
      return head.substr(at, head.find("\r\n", at) - at);
    }
  };
  answer read_answer(bool head_only = false) {
    answer a;
    a.head = read_until("\r\n\r\n");
    a.status = static_cast<unsigned>(std::stoul(a.head.substr(9, 3)));
    if (auto length = a.header("Content-Length"); !length.empty() && !head_only)
      a.body = read_bytes(std::stoul(length));
    return a;
  }
  answer ask(std::string_view request) {
    send(request);
    return read_answer();
  }
  /// A request with the usual lines; `extra` are further complete lines.
  answer ask(std::string_view method, std::string_view target, std::string_view extra = {},
             std::string_view body = {}) {
    std::string text{method};
    text += ' ';
    text += target;
    text += " HTTP/1.1\r\nHost: localhost\r\n";
    text += extra;
    if (!body.empty())
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    text += body;
    send(text);
    return read_answer(method == "HEAD");
  }

  int socket() const { return socket_; }

private:
  bool more() {
    char bytes[65536];
    auto n = ::recv(socket_, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN)
      throw std::runtime_error("no answer in time, after: " + buffer_);
    if (n <= 0)
      return false;
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  std::string take(std::size_t count) {
    auto out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  int socket_;
  std::string buffer_;
};

/// Development identity unless the test changes `settings` in its constructor's argument.
class served {
public:
  static config development() {
    config values;
    values.node.listen = {"127.0.0.1:0"};
    values.auth.mode = "dev";
    values.limits.api_requests = 0;
    values.webhooks.github.current = "It's a Secret to Everybody";
    return values;
  }
  static config with_tokens() {
    config values = development();
    values.auth.mode = "jwt";
    values.auth.jwt_secret = "a secret of at least thirty-two bytes";
    return values;
  }

  explicit served(const config& values = development(), std::size_t threads = 2) {
    for (std::size_t i = 0; i < threads; ++i) {
      contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
      pointers_.push_back(contexts_.back().get());
    }
    engine = std::make_unique<fake_engine>(pointers_);
    server = std::make_unique<net::server>(values, pointers_, *engine, clock);
    auto started = server->start();
    if (!started)
      throw std::runtime_error(started.error().detail);
    url = started->front();
    port = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
    for (auto& c : contexts_)
      threads_.emplace_back([&c] {
        auto work = boost::asio::make_work_guard(*c);
        c->run();
      });
  }
  ~served() {
    server->stop();
    for (auto& c : contexts_)
      c->stop();
    for (auto& t : threads_)
      t.join();
    server.reset();
  }

  system_wall_clock clock;
  std::unique_ptr<fake_engine> engine;
  std::unique_ptr<net::server> server;
  std::string url;
  std::uint16_t port = 0;

private:
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<boost::asio::io_context*> pointers_;
  std::vector<std::thread> threads_;
};

} // namespace lapwing::test
