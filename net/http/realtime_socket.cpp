#include "net/http/realtime_socket.hpp"

#include "net/http/error_table.hpp"
#include "net/http/node.hpp"
#include "net/http/realtime_auth.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {

realtime_socket::realtime_socket(shard& home, transport link)
  : stream_connection(home, std::move(link), stream_transport::realtime),
    reader_(realtime_frame_bytes_max) {}

bool realtime_socket::send(websocket_opcode opcode, std::string_view frame) {
  // One buffer for all sockets of the thread: what is written is copied where it has to wait.
  thread_local std::string bytes;
  bytes.clear();
  append_websocket_frame(bytes, opcode, frame);
  return write(bytes);
}

bool realtime_socket::text(std::string_view frame) {
  return send(websocket_opcode::text, frame);
}

bool realtime_socket::binary(std::string_view frame) {
  return send(websocket_opcode::binary, frame);
}

void realtime_socket::check_token(std::uint64_t question, std::string token) {
  auto self = std::static_pointer_cast<realtime_socket>(shared_from_this());
  check_realtime_token(home(), std::move(token), [self, question](auto answer) {
    if (self->state() == phase::open && self->session())
      self->session()->token_checked(question, std::move(answer));
  });
}

void realtime_socket::end(std::uint16_t code, std::string_view reason) {
  hang_up(code, reason, false);
}

void realtime_socket::append_farewell(std::string& out, const error& reason, bool) {
  append_websocket_close(out, row_of(reason.code).close_code, to_string_view(reason.code));
}

void realtime_socket::hang_up(std::uint16_t code, std::string_view why, bool violated) {
  if (state() != phase::open)
    return;
  std::string frame;
  append_websocket_close(frame, code, why);
  hung_up_ = true;
  finish(frame, violated ? errc::protocol_error : errc::none);
}

void realtime_socket::take(std::span<char> bytes) {
  heard();
  while (state() != phase::gone && !hung_up_) {
    auto step = reader_.next(bytes);
    using event = websocket_reader::event;
    if (step.what == event::need_more)
      return;
    if (state() == phase::closing) { // Only the answer to our close frame matters.
      if (step.what == event::close || step.what == event::violation)
        return end_closing();
      continue;
    }
    switch (step.what) {
      case event::text:
      case event::binary:
        if (session())
          session()->received(step.what == event::binary, step.payload);
        break;
      case event::ping: send(websocket_opcode::pong, step.payload); break;
      case event::pong: break;
      case event::close:
        if (session())
          session()->goodbye();
        return hang_up(step.close_code != 0 ? step.close_code : websocket_close::normal, {}, false);
      case event::violation: return hang_up(step.close_code, step.why, true);
      case event::need_more: break;
    }
  }
}

} // namespace lapwing::net
