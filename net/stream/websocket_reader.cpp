#include "net/stream/websocket_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <simdjson.h>

#include "net/stream/websocket_frame.hpp"

namespace lapwing {
namespace {

void unmask(std::span<char> payload, std::array<char, 4> key) {
  std::uint32_t key4;
  std::memcpy(&key4, key.data(), 4);
  std::uint64_t key8 = (static_cast<std::uint64_t>(key4) << 32) | key4;
  std::size_t i = 0;
  for (; i + 8 <= payload.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, payload.data() + i, 8);
    word ^= key8;
    std::memcpy(payload.data() + i, &word, 8);
  }
  for (; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
}

bool is_control(websocket_opcode opcode) {
  return static_cast<unsigned>(opcode) >= 8;
}

} // namespace

/// A parsed frame header. `header_bytes` 0 means that more bytes are needed to know.
struct websocket_reader::frame {
  bool fin = false;
  bool reserved_bits = false;
  bool masked = false;
  bool minimal_length = true;
  websocket_opcode opcode{};
  std::uint64_t payload_bytes = 0;
  std::size_t header_bytes = 0;
  std::array<char, 4> key{};

  static frame parse(std::span<const char> in) {
    frame f;
    if (in.size() < 2)
      return f;
    auto first = static_cast<unsigned char>(in[0]);
    auto second = static_cast<unsigned char>(in[1]);
    f.fin = (first & 0x80) != 0;
    f.reserved_bits = (first & 0x70) != 0;
    f.opcode = static_cast<websocket_opcode>(first & 0x0f);
    f.masked = (second & 0x80) != 0;
    unsigned length = second & 0x7f;
    std::size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    std::size_t header = 2 + length_bytes + (f.masked ? 4 : 0);
    if (in.size() < header)
      return f;
    f.payload_bytes = length;
    if (length_bytes != 0) {
      f.payload_bytes = 0;
      for (std::size_t i = 0; i < length_bytes; ++i)
        f.payload_bytes = (f.payload_bytes << 8) | static_cast<unsigned char>(in[2 + i]);
      f.minimal_length = f.payload_bytes >= (length_bytes == 2 ? 126u : 65536u);
    }
    if (f.masked)
      std::memcpy(f.key.data(), in.data() + 2 + length_bytes, 4);
    f.header_bytes = header;
    return f;
  }
};

/// What must be remembered between calls.
struct websocket_reader::partial {
  std::string cut;          ///< The bytes so far of a frame that is not complete.
  bool cut_delivered = false; ///< `cut` was handed out and is forgotten at the next call.
  bool open = false;        ///< A fragmented message has begun.
  websocket_opcode opcode{};
  std::string message;      ///< Its fragments, or the last message handed out.
};

websocket_reader::websocket_reader(std::size_t message_bytes_max) noexcept
  : message_bytes_max_(message_bytes_max) {}
websocket_reader::~websocket_reader() = default;
websocket_reader::websocket_reader(websocket_reader&&) noexcept = default;
websocket_reader& websocket_reader::operator=(websocket_reader&&) noexcept = default;

/// The close code that the header alone deserves, or 0.
std::uint16_t websocket_reader::check(const frame& f, std::string_view& why) const {
  auto bad = [&](std::string_view text) {
    why = text;
    return websocket_close::protocol_error;
  };
  if (f.reserved_bits)
    return bad("reserved bits are set");
  switch (f.opcode) {
    case websocket_opcode::continuation:
    case websocket_opcode::text:
    case websocket_opcode::binary:
    case websocket_opcode::close:
    case websocket_opcode::ping:
    case websocket_opcode::pong: break;
    default: return bad("unknown opcode");
  }
  if (!f.masked)
    return bad("client frames must be masked");
  if (is_control(f.opcode)) {
    if (!f.fin)
      return bad("control frames must not be fragmented");
    if (f.payload_bytes > websocket_control_bytes_max)
      return bad("control frame too long");
    return 0;
  }
  if (!f.minimal_length || (f.payload_bytes >> 63) != 0)
    return bad("bad length");
  bool open = partial_ && partial_->open;
  if (open != (f.opcode == websocket_opcode::continuation))
    return bad(open ? "a message was still open" : "nothing to continue");
  std::size_t before = open ? partial_->message.size() : 0;
  if (f.payload_bytes > message_bytes_max_ - before) {
    why = "message too big";
    return websocket_close::too_big;
  }
  return 0;
}

websocket_reader::step websocket_reader::next(std::span<char>& input) {
  if (partial_ && partial_->cut_delivered) {
    partial_->cut.clear();
    partial_->cut_delivered = false;
  }
  for (;;) {
    if (partial_ && !partial_->open && partial_->cut.empty())
      partial_.reset();
    bool resumed = partial_ && !partial_->cut.empty();
    // The smallest complete header is 2 bytes, the longest 14: add what the next decision needs.
    if (resumed) {
      auto& cut = partial_->cut;
      frame f = frame::parse(cut);
      while (f.header_bytes == 0 && !input.empty()) {
        cut += input.front();
        input = input.subspan(1);
        f = frame::parse(cut);
      }
      if (f.header_bytes == 0)
        return {};
      std::string_view why;
      if (auto code = check(f, why))
        return {event::violation, {}, code, why};
      std::size_t whole = f.header_bytes + static_cast<std::size_t>(f.payload_bytes);
      std::size_t added = std::min(whole - cut.size(), input.size());
      cut.append(input.data(), added);
      input = input.subspan(added);
      if (cut.size() < whole)
        return {};
      partial_->cut_delivered = true;
      auto s = take(f, std::span{cut}.subspan(f.header_bytes));
      if (s.what != event::need_more)
        return s;
      partial_->cut.clear();
      partial_->cut_delivered = false;
      continue;
    }
    if (input.empty())
      return {};
    frame f = frame::parse(input);
    if (f.header_bytes != 0) {
      std::string_view why;
      if (auto code = check(f, why))
        return {event::violation, {}, code, why};
      if (f.payload_bytes <= input.size() - f.header_bytes) {
        auto payload
          = input.subspan(f.header_bytes, static_cast<std::size_t>(f.payload_bytes));
        input = input.subspan(f.header_bytes + payload.size());
        auto s = take(f, payload);
        if (s.what != event::need_more)
          return s;
        continue;
      }
    }
    if (!partial_)
      partial_ = std::make_unique<partial>();
    partial_->cut.assign(input.data(), input.size());
    input = {};
    return {};
  }
}

websocket_reader::step websocket_reader::take(const frame& f, std::span<char> payload) {
  unmask(payload, f.key);
  if (is_control(f.opcode))
    return take_control(f, {payload.data(), payload.size()});
  return take_data(f, payload);
}

websocket_reader::step websocket_reader::take_data(const frame& f, std::span<char> payload) {
  std::string_view message{payload.data(), payload.size()};
  auto opcode = f.opcode;
  if (f.opcode == websocket_opcode::continuation || !f.fin) {
    if (!partial_)
      partial_ = std::make_unique<partial>();
    if (f.opcode != websocket_opcode::continuation) {
      partial_->open = true;
      partial_->opcode = f.opcode;
      partial_->message.clear();
    }
    partial_->message += message;
    if (!f.fin)
      return {};
    // `message` stays where it is until the next call frees or reuses it.
    partial_->open = false;
    opcode = partial_->opcode;
    if (!partial_->cut_delivered) {
      partial_->cut.clear();
      partial_->cut_delivered = true;
    }
    message = partial_->message;
  }
  if (opcode == websocket_opcode::binary)
    return {event::binary, message};
  if (!simdjson::validate_utf8(message.data(), message.size()))
    return {event::violation, {}, websocket_close::invalid_data, "text is not UTF-8"};
  return {event::text, message};
}

websocket_reader::step websocket_reader::take_control(const frame& f, std::string_view payload) {
  if (f.opcode == websocket_opcode::ping)
    return {event::ping, payload};
  if (f.opcode == websocket_opcode::pong)
    return {event::pong, payload};
  if (payload.empty())
    return {event::close, {}, 0};
  if (payload.size() == 1)
    return {event::violation, {}, websocket_close::protocol_error, "bad close frame"};
  auto code = static_cast<std::uint16_t>((static_cast<unsigned char>(payload[0]) << 8)
                                         | static_cast<unsigned char>(payload[1]));
  if (!valid_websocket_close_code(code))
    return {event::violation, {}, websocket_close::protocol_error, "bad close code"};
  auto reason = payload.substr(2);
  if (!simdjson::validate_utf8(reason.data(), reason.size()))
    return {event::violation, {}, websocket_close::invalid_data, "close reason is not UTF-8"};
  return {event::close, reason, code};
}

} // namespace lapwing
