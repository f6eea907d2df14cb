#include "benchmarks/load/ws_frame.hpp"

#include <array>

namespace lapwing::load {

ws_read read_ws_frame(std::string_view in, std::size_t payload_max, ws_frame& frame,
                      std::size_t& used) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
  if (in.size() < 2)
    return ws_read::need_more;
  if ((byte(0) & 0x70U) != 0 || (byte(1) & 0x80U) != 0)
    return ws_read::broken;
  std::uint64_t length = byte(1);
  std::size_t head = 2;
  if (length >= 126) {
    const std::size_t extra = length == 126 ? 2 : 8;
    if (in.size() < head + extra)
      return ws_read::need_more;
    length = 0;
    for (std::size_t i = 0; i < extra; ++i)
      length = length << 8 | byte(head + i);
    head += extra;
  }
  if (length > payload_max)
    return ws_read::broken;
  if (in.size() - head < length)
    return ws_read::need_more;
  frame.final = (byte(0) & 0x80U) != 0;
  frame.opcode = static_cast<ws_opcode>(byte(0) & 0x0fU);
  frame.payload = in.substr(head, static_cast<std::size_t>(length));
  used = head + static_cast<std::size_t>(length);
  return ws_read::frame;
}

void append_ws_frame(std::string& out, ws_opcode opcode, std::string_view payload) {
  constexpr std::array<unsigned char, 4> mask{0x4c, 0x61, 0x70, 0x77};
  const auto put = [&out](std::uint64_t value) {
    out += static_cast<char>(static_cast<unsigned char>(value & 0xffU));
  };
  put(0x80U | static_cast<unsigned>(opcode));
  const auto length = payload.size();
  if (length < 126) {
    put(0x80U | length);
  } else if (length < 0x10000) {
    put(0x80U | 126U);
    put(length >> 8);
    put(length);
  } else {
    put(0x80U | 127U);
    for (unsigned shift = 64; shift > 0; shift -= 8)
      put(length >> (shift - 8));
  }
  for (const auto byte : mask)
    put(byte);
  for (std::size_t i = 0; i < length; ++i)
    put(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
}

} // namespace lapwing::load
