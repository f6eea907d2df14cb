// POST routes by which a service sends events: to a user, to everybody, to a room.
#include <optional>
#include <utility>

#include <simdjson.h>

#include "core/json_text.hpp"
#include "net/http/handlers.hpp"
#include "net/http/node.hpp"

namespace lapwing::net {
namespace {

namespace dom = simdjson::dom;

struct send_body {
  std::string user;
  event_draft draft;
  bool ephemeral = false;
};

constexpr std::string_view bad_event
  = "event must be an object with a type of [A-Za-z0-9_.:-]{1,64}";

/// Types of our own messages: a client must be able to trust them.
bool reserved_type(std::string_view type) {
  return type == "connected" || type == "heartbeat" || type == "reset" || type == "error"
         || type == "pong" || type == "subscribed" || type == "unsubscribed";
}

std::optional<error> read_event(const dom::object& object, event_draft& draft) {
  bool typed = false;
  for (auto [key, value] : object) {
    std::string_view text;
    if (key == "type") {
      if (value.get(text) || !valid_event_type(text))
        return error{errc::bad_request, std::string{bad_event}};
      if (reserved_type(text))
        return error{errc::bad_request, "this type is the server's own"};
      draft.type = text;
      typed = true;
    } else if (key == "message") {
      if (value.get(text))
        return error{errc::bad_request, "message must be a string"};
      draft.message = text;
    } else if (key == "platform") {
      if (value.get(text) || !valid_event_type(text))
        return error{errc::bad_request, "platform must be a name"};
      draft.platform = text;
    } else if (key == "data") {
      draft.data = simdjson::minify(value);
    } else if (key != "id" && key != "userId" && key != "room" && key != "timestamp") {
      // Members of its own stay where the sender put them.
      if (!draft.extras.empty())
        draft.extras += ',';
      append_json_string(draft.extras, key);
      draft.extras += ':';
      draft.extras += simdjson::minify(value);
    }
  }
  if (!typed)
    return error{errc::bad_request, std::string{bad_event}};
  return std::nullopt;
}

result<send_body> read_send_body(const std::string& body) {
  thread_local dom::parser parser;
  dom::element root;
  if (parser.parse(body).get(root))
    return error{errc::malformed_json, "the body is not JSON"};
  dom::object object;
  dom::object event;
  if (root.get(object))
    return error{errc::bad_request, "the body must be an object"};
  send_body out;
  if (object["event"].get(event))
    return error{errc::bad_request, std::string{bad_event}};
  if (auto bad = read_event(event, out.draft))
    return *bad;
  dom::element member;
  if (!object["ephemeral"].get(member) && member.get(out.ephemeral))
    return error{errc::bad_request, "ephemeral must be true or false"};
  std::string_view user;
  if (!object["userId"].get(member)) {
    if (member.get(user) || !valid_user_id(user))
      return error{errc::bad_request, "userId is not a user id"};
    out.user = user;
  }
  return out;
}

void publish(const exchange_ptr& x, log_id target, send_body body) {
  publish_request request{std::move(target), std::move(body.draft), {}, {}, publish_origin::api,
                          body.ephemeral};
  x->core().publish(std::move(request), [x](result<publish_receipt> receipt) {
    if (!receipt)
      return x->fail_inside(receipt.error());
    std::string out = "{";
    if (!receipt->id.empty()) {
      out += R"("id":)";
      append_json_string(out, receipt->id);
      out += ',';
    }
    out += R"("sessions":)";
    append_number(out, receipt->sessions);
    out += '}';
    x->answer_json(202, std::move(out));
  });
}

} // namespace

void handle_sse_send(const exchange_ptr& x) {
  with_service(x, [x] {
    auto body = read_send_body(x->body);
    if (!body)
      return x->fail(body.error());
    if (body->user.empty())
      return x->fail({errc::bad_request, "userId is missing"});
    auto target = log_id::of(user_id{body->user});
    publish(x, std::move(target), std::move(*body));
  });
}

void handle_sse_broadcast(const exchange_ptr& x) {
  with_service(x, [x] {
    auto body = read_send_body(x->body);
    if (!body)
      return x->fail(body.error());
    publish(x, log_id::broadcast(), std::move(*body));
  });
}

void handle_room_send(const exchange_ptr& x) {
  with_service(x, [x] {
    auto room = x->parameter(0);
    if (!valid_room_id(room))
      return x->fail({errc::bad_request, "a room is named [A-Za-z0-9:_.-]{1,128}"});
    auto body = read_send_body(x->body);
    if (!body)
      return x->fail(body.error());
    publish(x, log_id::of(room_id{std::move(room)}), std::move(*body));
  });
}

} // namespace lapwing::net
