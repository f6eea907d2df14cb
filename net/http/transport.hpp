// One client's bytes, plain or TLS, over one non-blocking socket. The code above is the same for
// both.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "net/http/connection_limits.hpp"
#include "net/http/tls_context.hpp"

namespace lapwing::net {

class transport {
public:
  enum class status : unsigned char { ok, would_block, end, failed };
  struct outcome {
    status what;
    std::size_t bytes = 0;
  };

  transport() = default;
  /// Owns the socket and, when it speaks TLS, the session.
  transport(int socket, ssl_ptr tls, connection_limits::lease place) noexcept;
  transport(transport&& other) noexcept;
  transport& operator=(transport&& other) noexcept;
  ~transport();

  /// At most `into.size()` bytes. `would_block`: the poller tells when to try again.
  outcome read(std::span<char> into) noexcept;
  /// Some of `bytes`.
  outcome write(std::string_view bytes) noexcept;

  /// No more bytes will be sent (TLS: close_notify and FIN).
  void finish_sending() noexcept;

  /// True when a read that did not fill its buffer has emptied the socket.
  bool short_read_means_empty() const noexcept { return !tls_; }

  int socket() const noexcept { return socket_; }
  const peer_address& peer() const noexcept { return place_.peer(); }

private:
  void close() noexcept;

  int socket_ = -1;
  ssl_ptr tls_;
  connection_limits::lease place_;
};

} // namespace lapwing::net
