// The ports between a client's socket (net) and its session (actors). Everything here is called on
// the home thread of the stream's user, so nothing needs a lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace lapwing {

/// How events become the bytes of one wire form: SSE, WebSocket, each plain or CloudEvents.
/// Stateless; outlives every stream.
class wire_codec {
public:
  virtual ~wire_codec() = default;

  virtual std::string_view name() const noexcept = 0; ///< "sse", "websocket", ...

  /// Appends one event with its cursor (empty for an ephemeral one).
  virtual void append_event(std::string& out, const event& e, std::string_view cursor,
                            bool full_payload) const = 0;

  /// Appends one of our own messages: `json` is the complete envelope. A cursor, where the wire can
  /// carry one beside the message (SSE `id:`), becomes the client's resume point.
  virtual void append_control(std::string& out, std::string_view type, std::string_view json,
                              std::string_view cursor) const = 0;
};

/// The sending half of one client's connection.
class client_sink {
public:
  virtual ~client_sink() = default;

  /// Sends now, or queues what the socket does not take. False when the queue's bound was passed:
  /// the sink then closes by itself with errc::slow_consumer and takes no more.
  virtual bool write(std::string_view bytes) = 0;

  /// Sends what is queued, tells the reason in the way of the transport (problem document if
  /// nothing was written yet, SSE comment, WebSocket close frame), and ends. Later calls do nothing.
  virtual void close(const error& reason) = 0;

  /// Asks the peer for a sign of life (RFC 6455 5.5.2); nothing on SSE.
  virtual void ping() = 0;

  /// When the peer was last heard; on SSE, when the socket last took bytes.
  virtual std::chrono::steady_clock::time_point last_heard() const noexcept = 0;

  virtual std::size_t queued_bytes() const noexcept = 0;
};

/// Which events a stream wants. Empty lists mean all.
struct stream_filter {
  std::vector<std::string> types;
  std::vector<std::string> platforms;
  bool full_payload = false;

  bool wants(const event& e) const noexcept;
  bool all() const noexcept { return types.empty() && platforms.empty(); }
};

struct stream_request {
  session_id id{};
  user_id user;
  const wire_codec* codec = nullptr;
  stream_filter filter;
  std::vector<room_id> rooms;               ///< Already allowed by net/auth.
  std::optional<std::string> last_event_id; ///< As the client sent it; not yet parsed.
  std::optional<timestamp> token_expires;   ///< The stream ends then (60 s leeway is net's).
  std::string peer;                         ///< "127.0.0.1:40000", for operators.
  std::string transport;                    ///< "sse", "websocket": for operators.
};

/// Client messages on an open stream, already authenticated and allowed.
namespace stream_command {
struct renew {
  std::optional<timestamp> token_expires;
};
/// Adds (or removes) rooms, types and platforms; answered by `subscribed`/`unsubscribed` with the
/// set now in force.
struct subscribe {
  std::vector<room_id> rooms;
  std::vector<std::string> types;
  std::vector<std::string> platforms;
};
struct unsubscribe {
  std::vector<room_id> rooms;
  std::vector<std::string> types;
  std::vector<std::string> platforms;
};
/// Answered by `pong`.
struct ping {};
/// What the client sent is none of these: answered by `error`; the stream goes on.
struct invalid {
  error why;
};
} // namespace stream_command
using client_command
  = std::variant<stream_command::renew, stream_command::subscribe, stream_command::unsubscribe,
                 stream_command::ping, stream_command::invalid>;

/// What every connection tells its session, on the connection's thread.
class connection_session {
public:
  virtual ~connection_session() = default;
  /// The sink had bytes queued and has sent them all: a replay may go on.
  virtual void drained() = 0;
  /// The connection is gone or the sink closed it; the session ends. Exactly once, the last call.
  virtual void closed() = 0;
};

/// The receiving half of a stream, on its home thread.
class stream_session : public connection_session {
public:
  virtual void command(client_command what) = 0;
};

} // namespace lapwing
