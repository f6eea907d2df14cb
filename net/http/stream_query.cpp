#include "net/http/stream_query.hpp"

#include <boost/beast/core/string.hpp>

#include "core/cursor.hpp"
#include "core/event.hpp"
#include "net/stream/client_message.hpp"

namespace lapwing::net {
namespace {

/// The parts of a comma list; empty ones are skipped. False when one is not `valid` or they are
/// too many.
template <class Valid, class Add>
bool read_list(const request_head& head, std::string_view name, std::size_t count_max, Valid valid,
               Add add) {
  auto text = head.parameter(name);
  if (!text)
    return true;
  std::string_view rest{*text};
  for (std::size_t count = 0; !rest.empty();) {
    auto part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.empty())
      continue;
    if (++count > count_max || !valid(part))
      return false;
    add(part);
  }
  return true;
}

} // namespace

result<stream_query> read_stream_query(const request_head& head) {
  stream_query query;
  auto bad = [](const char* why) { return error{errc::bad_request, why}; };
  query.user = head.parameter("userId").value_or(std::string{});
  if (!query.user.empty() && !valid_user_id(query.user))
    return bad("userId is not a user id");
  if (!read_list(head, "types", filter_entries_max, valid_event_type,
                 [&](auto part) { query.filter.types.emplace_back(part); }))
    return bad("types must be at most 64 event types");
  if (!read_list(head, "platforms", filter_entries_max, valid_event_type,
                 [&](auto part) { query.filter.platforms.emplace_back(part); }))
    return bad("platforms must be at most 64 platform names");
  if (!read_list(head, "rooms", stream_rooms_max, valid_room_id,
                 [&](auto part) { query.rooms.emplace_back(part); }))
    return bad("rooms must be at most 32 room names");
  auto payload = head.parameter("payload").value_or(std::string{});
  if (!payload.empty() && payload != "full" && payload != "summary")
    return bad("payload must be full or summary");
  query.filter.full_payload = payload == "full";
  // A browser that reconnects sends the header; its address still has the older parameter.
  auto last = head.header("Last-Event-ID");
  if (!last.empty())
    query.last_event_id = std::string{last};
  else if (auto parameter = head.parameter("lastEventId"); parameter && !parameter->empty())
    query.last_event_id = std::move(*parameter);
  auto format = head.parameter("format").value_or(std::string{});
  if (!format.empty() && format != "cloudevents" && format != "plain")
    return bad("format must be plain or cloudevents");
  query.cloudevents = format == "cloudevents"
                      || (format.empty()
                          && head.header(field::accept).find("application/cloudevents+json")
                               != std::string_view::npos);
  return query;
}

} // namespace lapwing::net
