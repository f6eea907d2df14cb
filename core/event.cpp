#include "core/event.hpp"

#include <algorithm>

#include "core/json_text.hpp"

namespace lapwing {
namespace {

constexpr std::string_view data_key = ",\"data\":";

/// Appends the JSON value of `data` from the tail, with the payload as its last member if wanted.
void append_data(std::string& out, const event& e, std::string_view data, bool full_payload) {
  if (!full_payload || e.payload.empty() || !data.ends_with('}')) {
    out += data;
    return;
  }
  out.append(data.substr(0, data.size() - 1));
  if (!data.ends_with("{}"))
    out += ',';
  out += "\"payload\":";
  append_json_on_one_line(out, e.payload);
  out += '}';
}

} // namespace

bool valid_event_type(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == ':' || c == '-';
  });
}

event_ptr make_event(const log_id& log, sequence seq, timestamp time, event_draft draft) {
  auto e = std::make_shared<event>();
  e->log = log;
  e->seq = seq;
  e->time = time;
  std::string& tail = e->tail;
  tail.reserve(160 + draft.message.size() + draft.data.size() + draft.extras.size());
  tail += "\"type\":";
  append_json_string(tail, draft.type);
  if (log.kind == log_kind::user) {
    tail += ",\"userId\":";
    append_json_string(tail, log.name);
  } else if (log.kind == log_kind::room) {
    tail += ",\"room\":";
    append_json_string(tail, log.name);
  }
  if (!draft.platform.empty()) {
    tail += ",\"platform\":";
    append_json_string(tail, draft.platform);
  }
  tail += ",\"timestamp\":\"";
  append_rfc3339(tail, time);
  tail += '"';
  if (!draft.message.empty()) {
    tail += ",\"message\":";
    append_json_string(tail, draft.message);
  }
  if (!draft.extras.empty()) {
    tail += ',';
    append_json_on_one_line(tail, draft.extras);
  }
  tail += data_key;
  append_json_on_one_line(tail, draft.data);
  tail += '}';
  e->type = std::move(draft.type);
  e->platform = std::move(draft.platform);
  e->payload = std::move(draft.payload);
  return e;
}

void append_envelope(std::string& out, const event& e, std::string_view cursor, bool full_payload) {
  out += '{';
  if (!cursor.empty()) {
    out += "\"id\":";
    append_json_string(out, cursor);
    out += ',';
  }
  if (!full_payload || e.payload.empty()) {
    out += e.tail;
    return;
  }
  append_data(out, e, std::string_view{e.tail}.substr(0, e.tail.size() - 1), true);
  out += '}';
}

void append_cloudevent(std::string& out, const event& e, std::string_view cursor,
                       std::string_view fallback_id, bool full_payload) {
  out += "{\"specversion\":\"1.0\",\"id\":";
  append_json_string(out, cursor.empty() ? fallback_id : cursor);
  std::string source = e.log.kind == log_kind::user   ? "/users/" + e.log.name
                       : e.log.kind == log_kind::room ? "/rooms/" + e.log.name
                                                      : "/broadcast";
  if (!e.platform.empty())
    source += "/platforms/" + e.platform;
  out += ",\"source\":";
  append_json_string(out, source);
  out += ",\"type\":";
  append_json_string(out, "lapwing." + e.type);
  out += ",\"time\":\"";
  append_rfc3339(out, e.time);
  // The data of a CloudEvent is our whole envelope: nothing a stream client sees is lost in it.
  out += "\",\"datacontenttype\":\"application/json\",\"data\":";
  append_envelope(out, e, cursor, full_payload);
  out += '}';
}

} // namespace lapwing
