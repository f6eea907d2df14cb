#include "net/stream/websocket_frame.hpp"

#include <openssl/evp.h>

namespace lapwing {

void append_websocket_header(std::string& out, websocket_opcode opcode, std::size_t payload_bytes) {
  out += static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  if (payload_bytes < 126) {
    out += static_cast<char>(payload_bytes);
    return;
  }
  int length_bytes = payload_bytes <= 0xffff ? 2 : 8;
  out += static_cast<char>(length_bytes == 2 ? 126 : 127);
  for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>((static_cast<std::uint64_t>(payload_bytes) >> shift) & 0xff);
}

void append_websocket_frame(std::string& out, websocket_opcode opcode, std::string_view payload) {
  append_websocket_header(out, opcode, payload.size());
  out += payload;
}

void append_websocket_close(std::string& out, std::uint16_t code, std::string_view reason) {
  constexpr std::size_t reason_bytes_max = websocket_control_bytes_max - 2;
  if (reason.size() > reason_bytes_max) {
    auto end = reason_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80)
      --end;
    reason = reason.substr(0, end);
  }
  append_websocket_header(out, websocket_opcode::close, 2 + reason.size());
  out += static_cast<char>(code >> 8);
  out += static_cast<char>(code & 0xff);
  out += reason;
}

bool valid_websocket_close_code(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
         || (code >= 3000 && code <= 4999);
}

std::string websocket_accept_key(std::string_view client_key) {
  std::string text{client_key};
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &digest_bytes, EVP_sha1(), nullptr);
  unsigned char encoded[4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1];
  int encoded_bytes = EVP_EncodeBlock(encoded, digest, static_cast<int>(digest_bytes));
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(encoded_bytes)};
}

bool valid_websocket_key(std::string_view key) noexcept {
  if (key.size() != 24 || key[22] != '=' || key[23] != '=')
    return false;
  for (char c : key.substr(0, 22))
    if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+'
          || c == '/'))
      return false;
  return true;
}

} // namespace lapwing
