// The client's side of WebSocket framing (RFC 6455 5). Pure: bytes in, frames out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lapwing::load {

enum class ws_opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

struct ws_frame {
  ws_opcode opcode = ws_opcode::text;
  bool final = true;
  std::string_view payload;
};

enum class ws_read : std::uint8_t { frame, need_more, broken };

/// Reads the frame at the front of `in` and its length. A masked frame, a reserved bit or a payload
/// above `payload_max` is broken: our node sends none.
ws_read read_ws_frame(std::string_view in, std::size_t payload_max, ws_frame& frame,
                      std::size_t& used) noexcept;

/// Appends one final frame, masked as RFC 6455 5.3 asks of clients. The mask guards proxies against
/// chosen bytes on the wire; there is none on loopback, so any constant will do.
void append_ws_frame(std::string& out, ws_opcode opcode, std::string_view payload);

} // namespace lapwing::load
