// One client stream, SSE or WebSocket, as a browser would hold it: connects, authenticates, waits
// for `connected`, then reports every event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "benchmarks/load/endpoint.hpp"
#include "benchmarks/load/event_loop.hpp"
#include "benchmarks/load/http_response.hpp"

namespace lapwing::load {

enum class transport : std::uint8_t { sse, websocket };

/// The bytes that open a stream.
struct stream_opening {
  std::string request;       ///< The HTTP request.
  std::string first_message; ///< WebSocket: the `auth` message; empty on SSE.
};

class stream_client;

class stream_listener {
public:
  /// `connected` has come.
  virtual void on_open(stream_client& stream) = 0;
  /// Every other message that is an event envelope. The view ends with the call.
  virtual void on_event(stream_client& stream, std::string_view envelope) = 0;
  /// The stream ended or never came to be, other than by cut().
  virtual void on_end(stream_client& stream, std::string_view why) = 0;

protected:
  ~stream_listener() = default;
};

/// Loop thread only. Small while idle: what it needs to parse with belongs to the loop.
class stream_client final : public io_handler {
public:
  stream_client(event_loop& loop, stream_listener& listener, std::size_t index);
  ~stream_client();
  stream_client(const stream_client&) = delete;
  stream_client& operator=(const stream_client&) = delete;

  /// Starts over on a new connection.
  void open(const endpoint& to, transport how, stream_opening opening);
  /// Ends the connection without a word, as a network failure would. No callback.
  void cut();

  std::size_t index() const noexcept { return index_; }
  bool opened() const noexcept { return phase_ == phase::open; }
  /// When open() was called.
  std::uint64_t started_ns() const noexcept { return started_ns_; }

  /// When the bytes of the current callback were received.
  std::uint64_t received_ns() const noexcept { return received_ns_; }

  /// The resume point: the newest cursor seen, kept over cut() and open().
  const std::string& last_event_id() const noexcept { return last_event_id_; }
  /// Costs a copy an event, so it is off unless asked for.
  void remember_last_event_id(bool on) noexcept { remember_ = on; }

  void on_io(std::uint32_t events) override;

private:
  enum class phase : std::uint8_t { closed, connecting, head, greeting, open };

  void flush();
  void receive();
  /// Returns how much of the input was used; the stream may have ended meanwhile.
  std::size_t take_head(std::string_view in);
  std::size_t take_frames(std::string_view in);
  void take_frame_payload(std::string_view payload);
  void take_envelope(std::string_view type, std::string_view id, std::string_view envelope);
  void send(std::string_view bytes);
  void end(std::string_view why);
  void disconnect();

  event_loop& loop_;
  stream_listener& listener_;
  std::size_t index_;
  std::uint64_t started_ns_ = 0;
  std::uint64_t received_ns_ = 0;
  int fd_ = -1;
  phase phase_ = phase::closed;
  transport how_ = transport::sse;
  bool chunked_ = false;
  bool waits_for_room_ = false;
  bool remember_ = false;
  chunk_decoder chunks_;
  std::string out_;       ///< What the socket has not taken yet.
  std::string first_message_;
  std::string carry_;     ///< The beginning of something whose end has not come.
  std::string fragments_; ///< WebSocket: the message so far.
  std::string last_event_id_;
};

} // namespace lapwing::load
