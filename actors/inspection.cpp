#include "actors/inspection.hpp"

#include "core/json_text.hpp"

namespace lapwing {
namespace {

void member(std::string& out, std::string_view name, std::uint64_t value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_number(out, value);
}

void member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, value);
}

void array(std::string& out, std::string_view name, const std::vector<std::string>& items) {
  out += ",\"";
  out += name;
  out += "\":[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0)
      out += ',';
    out += items[i];
  }
  out += ']';
}

} // namespace

void append_stream(std::string& out, const outlet& stream, timestamp now) {
  out += "{\"id\":\"" + to_string(stream.id()) + '"';
  member(out, "user", stream.origin().user.str());
  member(out, "transport", stream.origin().transport);
  member(out, "peer", stream.origin().peer);
  member(out, "state", stream.closed() ? "closed" : "open");
  member(out, "cursor", stream.cursor().text());
  member(out, "queuedBytes", stream.sink() ? stream.sink()->queued_bytes() : 0);
  auto age = std::chrono::duration_cast<std::chrono::seconds>(now - stream.origin().opened);
  member(out, "connectedSeconds", static_cast<std::uint64_t>(std::max<long>(age.count(), 0)));
  member(out, "delivered", stream.delivered());
  std::vector<std::string> rooms;
  for (const std::string& room : stream.cursor().rooms()) {
    rooms.emplace_back();
    append_json_string(rooms.back(), room);
  }
  array(out, "rooms", rooms);
  out += '}';
}

std::string describe_user(std::string_view what, const user_id& user, std::size_t home,
                          const event_log& log, const fanout& live, const actor_meter& meter,
                          timestamp now, const std::vector<std::string>& platforms) {
  std::string out = "{\"user\":";
  append_json_string(out, user.str());
  if (what == "registrations") {
    array(out, "registrations", platforms);
    return out + '}';
  }
  if (what == "monitoring") {
    array(out, "connections", platforms);
    member(out, "sessions", live.size());
    return out + '}';
  }
  member(out, "home", home);
  out += ",\"known\":";
  out += log.known() ? "true" : "false";
  out += ",\"log\":{\"newest\":";
  append_number(out, log.newest());
  member(out, "trimmed", log.trimmed());
  member(out, "inflight", log.inflight());
  out += "},\"supervisor\":{\"mailbox\":";
  auto processed = meter.processed.load(std::memory_order_relaxed);
  auto enqueued = meter.enqueued.load(std::memory_order_relaxed);
  append_number(out, enqueued > processed ? enqueued - processed : 0);
  member(out, "processed", processed);
  member(out, "busyMs",
         static_cast<std::uint64_t>(meter.busy_ns.load(std::memory_order_relaxed)) / 1'000'000);
  out += '}';
  array(out, "platforms", platforms);
  std::vector<std::string> sessions;
  for (const outlet_ptr& stream : live.members()) {
    if (stream->closed())
      continue;
    sessions.emplace_back();
    append_stream(sessions.back(), *stream, now);
  }
  array(out, "sessions", sessions);
  return out + '}';
}

} // namespace lapwing
