#include "net/http/websocket_stream.hpp"

#include "net/http/error_table.hpp"
#include "net/http/node.hpp"
#include "net/http/shard.hpp"
#include "net/stream/websocket_frame.hpp"

namespace lapwing::net {

websocket_stream::websocket_stream(shard& home, stream_opening& opening)
  : stream_connection(home, std::move(opening.link), stream_transport::websocket),
    reader_(home.current().values.limits.websocket_message),
    who_(std::move(opening.who)) {}

void websocket_stream::ping() {
  std::string frame;
  append_websocket_frame(frame, websocket_opcode::ping, {});
  write_own(frame);
}

void websocket_stream::append_farewell(std::string& out, const error& reason, bool) {
  append_websocket_close(out, row_of(reason.code).close_code, to_string_view(reason.code));
}

/// Ends with a close frame for which no errc stands.
void websocket_stream::hang_up(std::uint16_t code, std::string_view why, bool violated) {
  std::string frame;
  append_websocket_close(frame, code, why);
  hung_up_ = true;
  finish(frame, violated ? errc::protocol_error : errc::none);
}

void websocket_stream::take(std::span<char> bytes) {
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
      case event::text: handle(step.payload); break;
      case event::binary:
        session()->command(stream_command::invalid{
          {errc::invalid_message, "messages are JSON text"}});
        break;
      case event::ping: {
        std::string frame;
        append_websocket_frame(frame, websocket_opcode::pong, step.payload);
        // A client that pings without reading is a slow consumer like any other.
        write(frame);
        break;
      }
      case event::pong: break;
      case event::close:
        return hang_up(step.close_code != 0 ? step.close_code : websocket_close::normal, {},
                       false);
      case event::violation: return hang_up(step.close_code, step.why, true);
      case event::need_more: break;
    }
  }
}

void websocket_stream::handle(std::string_view text) {
  if (!session())
    return;
  auto message = parse_client_message(text);
  if (auto* auth = std::get_if<auth_message>(&message))
    return renew(*auth);
  if (auto* subscribe = std::get_if<stream_command::subscribe>(&message))
    for (auto& room : subscribe->rooms)
      if (!may_join(who_, room))
        return session()->command(stream_command::invalid{
          {errc::forbidden, "room " + room.str() + " is not yours"}});
  std::visit(
    [this](auto& command) {
      if constexpr (!std::is_same_v<std::decay_t<decltype(command)>, auth_message>)
        session()->command(std::move(command));
    },
    message);
}

void websocket_stream::renew(const auth_message& message) {
  const auto& s = home().current();
  if (message.token.empty()) {
    if (who_.development)
      return session()->command(stream_command::renew{});
    return session()->command(
      stream_command::invalid{{errc::missing_token, "auth on an open stream renews by token"}});
  }
  if (auto now = s.authentication->authenticate_now(message.token, home().now()))
    return renewed(*now);
  s.authentication->authenticate(
    message.token, home().now(),
    [self = std::static_pointer_cast<websocket_stream>(shared_from_this())](
      result<principal> found) {
      self->home().post([self, found = std::move(found)] {
        if (self->state() == phase::open)
          self->renewed(found);
      });
    });
}

void websocket_stream::renewed(const result<principal>& found) {
  if (!session())
    return;
  if (!found)
    return session()->command(stream_command::invalid{found.error()});
  if (found->user != who_.user)
    return session()->command(
      stream_command::invalid{{errc::forbidden, "the token is somebody else's"}});
  who_ = *found;
  stream_command::renew renewal;
  if (who_.expires)
    renewal.token_expires = *who_.expires + home().current().values.auth.leeway;
  session()->command(renewal);
}

void open_websocket_stream(shard& from, stream_opening opening) {
  auto& home = from.owner().home_of_user(opening.request.user);
  auto begin = [&home, opening = std::move(opening)]() mutable {
    auto stream = std::make_shared<websocket_stream>(home, opening);
    stream->open(std::move(opening.request), std::move(opening.received));
  };
  if (&home == &from)
    begin();
  else
    home.post(std::move(begin));
}

} // namespace lapwing::net
