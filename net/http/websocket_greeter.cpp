#include "net/http/websocket_greeter.hpp"

#include <algorithm>

#include "net/http/error_table.hpp"
#include "net/http/http_connection.hpp"
#include "net/http/node.hpp"
#include "net/http/shard.hpp"
#include "net/http/stream_query.hpp"
#include "net/http/websocket_handshake.hpp"
#include "net/http/websocket_stream.hpp"
#include "net/stream/websocket_frame.hpp"

namespace lapwing::net {
namespace {

/// How long a refused client may take to hang up. Guess.
constexpr milliseconds farewell_time = 3s;

const wire_codec& codec_of(node& owner, bool cloudevents) {
  if (cloudevents)
    return owner.websocket_cloudevents;
  return owner.websocket;
}

void open_admitted(shard& home, transport link, std::string received, stream_request request,
                   principal who, bool cloudevents) {
  auto& owner = home.owner();
  request.id = owner.next_session();
  request.codec = &codec_of(owner, cloudevents);
  request.transport = "websocket";
  request.peer = link.peer().text();
  if (who.expires)
    request.token_expires = *who.expires + home.current().values.auth.leeway;
  open_websocket_stream(home, {std::move(link), std::move(received), std::move(request),
                               std::move(who), {}, {}});
}

} // namespace

result<stream_request> admitted_stream(const auth_message& message, const principal& who,
                                       const websocket_rules& rules) {
  stream_request request;
  request.user = user_id{message.user};
  if (request.user.empty())
    request.user = who.user;
  if (request.user.empty() && who.development)
    request.user = user_id{rules.development_user};
  if (rules.administrators_only && !may_administer(who))
    return error{errc::forbidden, "the role admin is needed"};
  if (request.user.empty())
    return error{errc::bad_request, "userId is missing"};
  if (!valid_user_id(request.user.str()))
    return error{errc::bad_request, "userId is not a user id"};
  if (!may_act_for(who, request.user))
    return error{errc::forbidden, "the stream is somebody else's"};
  if (rules.only && !may_act_for(who, *rules.only) && !may_administer(who))
    return error{errc::forbidden, "the stream is somebody else's"};
  request.rooms = rules.rooms;
  for (auto& room : message.rooms) {
    if (!may_join(who, room))
      return error{errc::forbidden, "room " + room.str() + " is not yours"};
    if (std::find(request.rooms.begin(), request.rooms.end(), room) == request.rooms.end())
      request.rooms.push_back(room);
  }
  request.filter = message.filter;
  request.last_event_id = message.last_event_id;
  return request;
}

websocket_greeter::websocket_greeter(shard& home, transport link, websocket_rules rules)
  : connection(home, std::move(link)),
    reader_(home.current().values.limits.websocket_message),
    rules_(std::move(rules)) {}

void websocket_greeter::begin(std::string received) {
  home().add(shared_from_this());
  home().set_deadline(*this, home().current().values.streams.auth_timeout);
  kept_ = std::move(received);
  home().wake_later(*this);
}

void websocket_greeter::on_ready() {
  if (!member())
    return;
  if (!kept_.empty() && !checking_) {
    auto earlier = std::move(kept_);
    kept_.clear();
    take(earlier);
  }
  while (member() && !checking_) {
    auto buffer = home().buffer();
    auto got = link().read(buffer);
    if (got.what == transport::status::would_block)
      return;
    if (got.what != transport::status::ok)
      return close();
    home().counts().bytes_received.add(got.bytes);
    if (!finished_)
      take(buffer.first(got.bytes));
  }
}

void websocket_greeter::take(std::span<char> bytes) {
  while (!finished_ && !checking_ && member()) {
    auto step = reader_.next(bytes);
    using event = websocket_reader::event;
    switch (step.what) {
      case event::need_more: return;
      case event::text: {
        auto message = parse_client_message(step.payload);
        kept_.assign(bytes.begin(), bytes.end());
        if (auto* auth = std::get_if<auth_message>(&message))
          return authenticate(std::move(*auth));
        if (auto* bad = std::get_if<stream_command::invalid>(&message))
          return refuse({errc::missing_token, bad->why.detail});
        return refuse({errc::missing_token, "the first message must be auth"});
      }
      case event::binary: return refuse({errc::missing_token, "the first message must be auth"});
      case event::ping: {
        std::string frame;
        append_websocket_frame(frame, websocket_opcode::pong, step.payload);
        link().write(frame); // A client that does not even take this has no stream to lose.
        break;
      }
      case event::pong: break;
      case event::close:
        return finish(step.close_code != 0 ? step.close_code : websocket_close::normal, {});
      case event::violation: return finish(step.close_code, step.why);
    }
  }
}

void websocket_greeter::authenticate(auth_message message) {
  const auto& s = home().current();
  if (!message.ticket.empty()) {
    auto redeemed = s.ticket_office->redeem(message.ticket, home().now());
    return redeemed ? admit(std::move(message), std::move(*redeemed)) : refuse(redeemed.error());
  }
  if (message.token.empty()) {
    if (s.authentication->development()) {
      auto who = development_principal(user_id{message.user});
      return admit(std::move(message), std::move(who));
    }
    return refuse({errc::missing_token, "auth needs a token"});
  }
  if (auto now = s.authentication->authenticate_now(message.token, home().now()))
    return *now ? admit(std::move(message), std::move(**now)) : refuse(now->error());
  checking_ = true;
  auto token = message.token;
  s.authentication->authenticate(
    token, home().now(),
    [self = shared_from_this(), message = std::move(message)](result<principal> found) {
      self->home().post([self, message, found = std::move(found)] {
        self->checking_ = false;
        if (self->finished_ || !self->member())
          return;
        if (found)
          self->admit(message, *found);
        else
          self->refuse(found.error());
      });
    });
}

void websocket_greeter::admit(auth_message message, principal who) {
  auto request = admitted_stream(message, who, rules_);
  if (!request)
    return refuse(request.error());
  finished_ = true;
  auto received = std::move(kept_);
  auto link_out = home().release(*this);
  open_admitted(home(), std::move(link_out), std::move(received), std::move(*request),
                std::move(who), rules_.cloudevents);
}

void websocket_greeter::refuse(const error& why) {
  finish(row_of(why.code).close_code, why.detail.empty() ? to_string_view(why.code) : why.detail);
}

void websocket_greeter::finish(std::uint16_t code, std::string_view why) {
  if (finished_)
    return;
  finished_ = true;
  std::string frame;
  append_websocket_close(frame, code, why);
  link().write(frame);
  link().finish_sending();
  home().set_deadline(*this, farewell_time);
}

void websocket_greeter::close() {
  finished_ = true;
  home().remove(*this);
}

void websocket_greeter::on_deadline() {
  if (finished_)
    return close();
  refuse({errc::auth_timeout, "no auth message in time"});
}

void websocket_greeter::on_drain() {
  refuse({errc::shutting_down, "the node goes down"});
}

void websocket_greeter::on_stop() {
  finished_ = true;
}

void start_websocket(const exchange_ptr& x, websocket_rules rules) {
  if (!check_websocket_handshake(x))
    return;
  const auto& head = x->head();
  rules.cloudevents = head.parameter("format") == "cloudevents";

  bool identified = !head.header(field::authorization).empty();
  for (auto name : {"access_token", "token", "ticket", "userId"})
    identified = identified || head.parameter(name).value_or(std::string{}).size() > 0;
  bool development = x->home().current().authentication->development();
  if (!identified && !(development && !rules.development_user.empty())) {
    auto& home = x->home();
    auto taken = accept_websocket(x);
    auto greeter
      = std::make_shared<websocket_greeter>(home, std::move(taken.link), std::move(rules));
    return greeter->begin(std::move(taken.received));
  }
  x->identify([x, rules = std::move(rules)](principal who) {
    auto query = read_stream_query(x->head());
    if (!query)
      return x->fail(query.error());
    auth_message message;
    message.user = std::move(query->user);
    message.last_event_id = std::move(query->last_event_id);
    message.rooms = std::move(query->rooms);
    message.filter = std::move(query->filter);
    auto request = admitted_stream(message, who, rules);
    if (!request)
      return x->fail(request.error());
    if (!x->connected())
      return;
    auto& home = x->home();
    auto taken = accept_websocket(x);
    open_admitted(home, std::move(taken.link), std::move(taken.received), std::move(*request),
                  std::move(who), rules.cloudevents);
  });
}

} // namespace lapwing::net
