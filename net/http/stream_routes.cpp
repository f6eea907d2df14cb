// Routes whose connection becomes a stream.
#include <utility>

#include "net/http/handlers.hpp"
#include "net/http/node.hpp"
#include "net/http/shard.hpp"
#include "net/http/sse_stream.hpp"
#include "net/http/stream_query.hpp"
#include "net/http/websocket_greeter.hpp"

namespace lapwing::net {

void handle_sse_stream(const exchange_ptr& x) {
  if (x->head_only())
    return x->answer({200, "text/event-stream", {}, {}});
  auto accept = x->head().header(field::accept);
  if (!accept.empty() && accept.find("text/event-stream") == std::string_view::npos
      && accept.find("text/*") == std::string_view::npos
      && accept.find("*/*") == std::string_view::npos
      && accept.find("application/cloudevents+json") == std::string_view::npos)
    return x->fail({errc::not_acceptable, "this route speaks text/event-stream"});
  x->identify([x](principal who) {
    auto query = read_stream_query(x->head());
    if (!query)
      return x->fail(query.error());
    auth_message asked;
    asked.user = std::move(query->user);
    asked.filter = std::move(query->filter);
    asked.rooms = std::move(query->rooms);
    asked.last_event_id = std::move(query->last_event_id);
    auto request = admitted_stream(asked, who, {});
    if (!request)
      return x->fail(request.error());
    if (!x->connected())
      return;
    auto& home = x->home();
    auto& owner = x->owner();
    request->id = owner.next_session();
    request->codec = query->cloudevents ? static_cast<const wire_codec*>(&owner.sse_cloudevents)
                                        : &owner.sse;
    request->transport = "sse";
    request->peer = x->peer().text();
    if (who.expires)
      request->token_expires = *who.expires + home.current().values.auth.leeway;
    auto head_lines = x->common_headers();
    auto request_id = x->request_id();
    auto taken = x->take_socket(200);
    open_sse_stream(home, {std::move(taken.link), {}, std::move(*request), {},
                           std::move(head_lines), std::move(request_id)});
  });
}

void handle_websocket(const exchange_ptr& x) {
  start_websocket(x, {});
}

void handle_admin_websocket(const exchange_ptr& x) {
  websocket_rules rules;
  rules.rooms.emplace_back("admin");
  rules.administrators_only = true;
  rules.development_user = "admin";
  start_websocket(x, std::move(rules));
}

void handle_artist_websocket(const exchange_ptr& x) {
  auto artist = x->parameter(0);
  auto room = "artist:" + artist;
  if (!valid_user_id(artist) || !valid_room_id(room))
    return x->fail({errc::not_found, "there is no such artist"});
  websocket_rules rules;
  rules.rooms.emplace_back(std::move(room));
  rules.only = user_id{artist};
  rules.development_user = std::move(artist);
  start_websocket(x, std::move(rules));
}

} // namespace lapwing::net
