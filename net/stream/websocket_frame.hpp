// Writing RFC 6455 on the server's side: frames, close codes, the handshake's accept key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lapwing {

/// Opcodes of RFC 6455 5.2.
enum class websocket_opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

/// Close codes that this program sends: RFC 6455 7.4.1, the IANA registry, and our own from 4400,
/// which are the HTTP status of the same failure plus 4000.
namespace websocket_close {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t invalid_data = 1007;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t service_restart = 1012;
} // namespace websocket_close

/// A control frame's payload is at most this long (RFC 6455 5.5).
inline constexpr std::size_t websocket_control_bytes_max = 125;

/// Appends a final, unmasked frame. Any thread; does not block.
void append_websocket_frame(std::string& out, websocket_opcode opcode, std::string_view payload);

/// Appends the header alone, for a payload of `payload_bytes` that follows.
void append_websocket_header(std::string& out, websocket_opcode opcode, std::size_t payload_bytes);

/// Appends a close frame; a reason of more than 123 bytes is cut at a character's end.
void append_websocket_close(std::string& out, std::uint16_t code, std::string_view reason);

/// True for a code that may stand in a close frame (RFC 6455 7.4, IANA registry).
bool valid_websocket_close_code(std::uint16_t code) noexcept;

/// `Sec-WebSocket-Accept` for a client's key (RFC 6455 4.2.2).
std::string websocket_accept_key(std::string_view client_key);

/// True when `key` is base64 of 16 bytes (RFC 6455 4.1).
bool valid_websocket_key(std::string_view key) noexcept;

} // namespace lapwing
