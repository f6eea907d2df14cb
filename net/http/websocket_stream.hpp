// A WebSocket client whose user is known.
#pragma once

#include "net/http/stream_connection.hpp"
#include "net/stream/client_message.hpp"
#include "net/stream/websocket_reader.hpp"

namespace lapwing::net {

class websocket_stream final : public stream_connection {
public:
  websocket_stream(shard& home, stream_opening& opening);

  void ping() override;

private:
  void append_farewell(std::string& out, const error& reason, bool greeted) override;
  void take(std::span<char> bytes) override;
  void handle(std::string_view text);
  void renew(const auth_message& message);
  void renewed(const result<principal>& found);
  void hang_up(std::uint16_t code, std::string_view why, bool violated);

  websocket_reader reader_;
  principal who_;
  bool hung_up_ = false; ///< The client closed or broke the protocol: what follows is dropped.
};

/// Brings the connection to its user's shard and starts its session there. The handshake is done.
void open_websocket_stream(shard& from, stream_opening opening);

} // namespace lapwing::net
