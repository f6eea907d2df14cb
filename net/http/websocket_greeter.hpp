// A WebSocket after its handshake, before its first message has said who is there.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/auth/principal.hpp"
#include "net/http/connection.hpp"
#include "net/http/exchange.hpp"
#include "net/stream/client_message.hpp"
#include "net/stream/websocket_reader.hpp"

namespace lapwing::net {

/// Whom a WebSocket route lets in, and to what.
struct websocket_rules {
  std::vector<room_id> rooms;     ///< Joined whatever the client asks for.
  bool administrators_only = false;
  std::optional<user_id> only;    ///< This user (and administrators).
  std::string development_user;   ///< Development identity: who it is when nobody says.
  bool cloudevents = false;
};

class websocket_greeter final : public connection,
                                public std::enable_shared_from_this<websocket_greeter> {
public:
  websocket_greeter(shard& home, transport link, websocket_rules rules);

  /// `received` is handled before what the socket has.
  void begin(std::string received);

  void on_ready() override;
  void on_deadline() override;
  void on_drain() override;
  void on_stop() override;

private:
  void take(std::span<char> bytes);
  void authenticate(auth_message message);
  void admit(auth_message message, principal who);
  void refuse(const error& why);
  void finish(std::uint16_t code, std::string_view why);
  void close();

  websocket_reader reader_;
  websocket_rules rules_;
  std::string kept_; ///< What came behind the `auth` message while its token is checked.
  bool checking_ = false;
  bool finished_ = false;
};

/// Decides whether `who` may have the stream that `message` asks for under `rules`, and describes
/// it. errc: forbidden, bad_request.
result<stream_request> admitted_stream(const auth_message& message, const principal& who,
                                       const websocket_rules& rules);

/// Checks the handshake of a WebSocket route and answers it. With a token, ticket or development
/// name in the request the stream begins at once, otherwise with the first message.
void start_websocket(const exchange_ptr& x, websocket_rules rules);

} // namespace lapwing::net
