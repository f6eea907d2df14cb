#include "net/stream/client_message.hpp"

#include <simdjson.h>

#include "core/cursor.hpp"

namespace lapwing {
namespace {

namespace dom = simdjson::dom;

/// A resume point is never longer: 32 rooms of 128 bytes with their numbers.
constexpr std::size_t cursor_bytes_max = 8192;
constexpr std::size_t token_bytes_max = 16 * 1024;

error bad(std::string detail) {
  return {errc::invalid_message, std::move(detail)};
}

/// Reads an optional string member into `out`; false when it is there and no string.
bool read_text(const dom::object& object, const char* key, std::size_t bytes_max,
               std::string& out) {
  dom::element value;
  if (object[key].get(value) || value.is_null())
    return true;
  std::string_view text;
  if (value.get(text) || text.size() > bytes_max)
    return false;
  out = text;
  return true;
}

template <class Valid, class Add>
bool read_list(const dom::object& object, const char* key, std::size_t count_max, Valid valid,
               Add add) {
  dom::element value;
  if (object[key].get(value) || value.is_null())
    return true;
  dom::array array;
  if (value.get(array) || array.size() > count_max)
    return false;
  for (dom::element item : array) {
    std::string_view text;
    if (item.get(text) || !valid(text))
      return false;
    add(text);
  }
  return true;
}

/// The three lists that `auth`, `subscribe` and `unsubscribe` share. Returns what is wrong.
const char* read_lists(const dom::object& object, std::vector<room_id>& rooms,
                       std::vector<std::string>& types, std::vector<std::string>& platforms) {
  if (!read_list(object, "rooms", stream_rooms_max, valid_room_id,
                 [&](std::string_view text) { rooms.emplace_back(text); }))
    return "rooms must be a list of at most 32 room names";
  if (!read_list(object, "types", filter_entries_max, valid_event_type,
                 [&](std::string_view text) { types.emplace_back(text); }))
    return "types must be a list of at most 64 event types";
  if (!read_list(object, "platforms", filter_entries_max, valid_event_type,
                 [&](std::string_view text) { platforms.emplace_back(text); }))
    return "platforms must be a list of at most 64 platform names";
  return nullptr;
}

client_message read_auth(const dom::object& object) {
  auth_message auth;
  std::string last_event_id;
  std::string payload;
  if (!read_text(object, "userId", user_id_bytes_max, auth.user)
      || (!auth.user.empty() && !valid_user_id(auth.user)))
    return stream_command::invalid{bad("userId is not a user id")};
  if (!read_text(object, "token", token_bytes_max, auth.token)
      || !read_text(object, "ticket", token_bytes_max, auth.ticket))
    return stream_command::invalid{bad("token and ticket must be strings")};
  if (!read_text(object, "lastEventId", cursor_bytes_max, last_event_id))
    return stream_command::invalid{bad("lastEventId must be a string")};
  if (!read_text(object, "payload", 16, payload)
      || (!payload.empty() && payload != "full" && payload != "summary"))
    return stream_command::invalid{bad("payload must be full or summary")};
  if (auto* why = read_lists(object, auth.rooms, auth.filter.types, auth.filter.platforms))
    return stream_command::invalid{bad(why)};
  if (!last_event_id.empty())
    auth.last_event_id = std::move(last_event_id);
  auth.filter.full_payload = payload == "full";
  return auth;
}

template <class Command>
client_message read_subscription(const dom::object& object) {
  Command command;
  if (auto* why = read_lists(object, command.rooms, command.types, command.platforms))
    return stream_command::invalid{bad(why)};
  if (command.rooms.empty() && command.types.empty() && command.platforms.empty())
    return stream_command::invalid{bad("name rooms, types or platforms")};
  return command;
}

} // namespace

client_message parse_client_message(std::string_view text) {
  // One parser a thread: its buffers grow to the longest message once. Strings it hands out die
  // with the next parse, so everything is copied out.
  thread_local dom::parser parser;
  dom::object object;
  if (parser.parse(text.data(), text.size()).get(object))
    return stream_command::invalid{bad("a message is a JSON object")};
  std::string_view type;
  if (object["type"].get(type))
    return stream_command::invalid{bad("a message has a type")};
  if (type == "auth")
    return read_auth(object);
  if (type == "subscribe")
    return read_subscription<stream_command::subscribe>(object);
  if (type == "unsubscribe")
    return read_subscription<stream_command::unsubscribe>(object);
  if (type == "ping")
    return stream_command::ping{};
  return stream_command::invalid{bad("type must be auth, subscribe, unsubscribe or ping")};
}

} // namespace lapwing
