// The half of a client's stream that SSE, WebSocket and Realtime share: bytes out at once or queued
// up to a bound, bytes in through the thread's buffer, one end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/stream.hpp"
#include "net/auth/principal.hpp"
#include "net/http/connection.hpp"
#include "net/http/metrics.hpp"

namespace lapwing::net {

/// Everything a stream begins with, on its way to its user's shard.
struct stream_opening {
  transport link;
  std::string received; ///< What came after the request or the `auth` message.
  stream_request request;
  principal who;
  std::string head_lines;  ///< SSE: Date, X-Request-Id and CORS lines of the answer.
  std::string request_id;  ///< SSE.
};

/// Everything on the home shard of the stream's user.
class stream_connection : public connection,
                          public client_sink,
                          public std::enable_shared_from_this<stream_connection> {
public:
  stream_connection(shard& home, transport link, stream_transport kind);
  ~stream_connection() override;

  /// Joins the shard and starts the session. `received` is handled before what the socket has.
  void open(stream_request request, std::string received);

  using session_maker = std::function<std::unique_ptr<connection_session>()>;
  /// The same with any other session.
  void open_with(const session_maker& make, std::string received);

  // client_sink
  bool write(std::string_view bytes) override;
  void close(const error& reason) override;
  std::chrono::steady_clock::time_point last_heard() const noexcept override { return heard_; }
  std::size_t queued_bytes() const noexcept override { return queue_.size() - queue_at_; }

  // connection
  void on_ready() override;
  void on_deadline() override;
  void on_drain() override;
  void on_stop() override;

protected:
  enum class phase : unsigned char { open, closing, gone };

  /// What goes out before the first bytes; asked once, at the first write.
  virtual void append_greeting(std::string&) {}
  /// How this transport tells why it ends. `greeted`: something was written before.
  virtual void append_farewell(std::string& out, const error& reason, bool greeted) = 0;
  /// Bytes of the client; may be changed in place.
  virtual void take(std::span<char> bytes) = 0;

  /// For control frames: not counted against the queue's bound, which a client cannot pass by it.
  void write_own(std::string_view bytes);
  void heard() noexcept { heard_ = std::chrono::steady_clock::now(); }
  /// Sends `farewell` after what is queued, and waits a little for the peer to hang up.
  void finish(std::string_view farewell, errc reason);
  /// The peer went: nothing more is sent.
  void end(errc reason);
  /// The peer answered our farewell.
  void end_closing();

  phase state() const noexcept { return phase_; }
  connection_session* any_session() noexcept { return session_.get(); }
  /// Only of those that were opened with a stream_request.
  stream_session* session() noexcept { return static_cast<stream_session*>(session_.get()); }

private:
  void uncount();
  void send(std::string_view bytes);
  bool flush();
  void finish_session(errc reason);

  bool counted_ = true; ///< In the shard's gauge of open streams.
  std::unique_ptr<connection_session> session_;
  std::string queue_;
  std::size_t queue_at_ = 0;
  std::chrono::steady_clock::time_point heard_;
  stream_transport kind_;
  phase phase_ = phase::open;
  bool greeted_ = false;
  bool session_told_ = false;
};

} // namespace lapwing::net
