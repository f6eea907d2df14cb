// A client of Supabase Realtime: a WebSocket whose frames go to its session as they come.
#pragma once

#include <string>

#include "net/http/stream_connection.hpp"
#include "net/stream/websocket_frame.hpp"
#include "net/stream/websocket_reader.hpp"
#include "realtime/service.hpp"

namespace lapwing::net {

/// As in the original.
inline constexpr std::size_t realtime_frame_bytes_max = 5'000'000;

class realtime_socket final : public stream_connection, public realtime::socket {
public:
  realtime_socket(shard& home, transport link);

  // realtime::socket
  bool text(std::string_view frame) override;
  bool binary(std::string_view frame) override;
  std::size_t waiting_bytes() const noexcept override { return queued_bytes(); }
  void check_token(std::uint64_t question, std::string token) override;
  void end(std::uint16_t code, std::string_view reason) override;
  std::chrono::steady_clock::time_point heard_at() const noexcept override { return last_heard(); }

  // client_sink
  void ping() override {} ///< Its clients send heartbeats of their own.

private:
  void append_farewell(std::string& out, const error& reason, bool greeted) override;
  void take(std::span<char> bytes) override;
  bool send(websocket_opcode opcode, std::string_view frame);
  void hang_up(std::uint16_t code, std::string_view why, bool violated);
  realtime::session* session() noexcept {
    return static_cast<realtime::session*>(any_session());
  }

  websocket_reader reader_;
  bool hung_up_ = false;
};

} // namespace lapwing::net
