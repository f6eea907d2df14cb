#include "net/stream/sse_codec.hpp"

#include "core/json_text.hpp"
#include "net/stream/cloudevents.hpp"

namespace lapwing {
namespace {

/// Types and cursors have no line breaks: valid_event_type and stream_cursor see to it.
void append_head(std::string& out, std::string_view type, std::string_view cursor) {
  if (type != "connected") {
    out += "event: ";
    out += type;
    out += '\n';
  }
  if (!cursor.empty()) {
    out += "id: ";
    out += cursor;
    out += '\n';
  }
  out += "data: ";
}

} // namespace

void sse_codec::append_event(std::string& out, const event& e, std::string_view cursor,
                             bool full_payload) const {
  append_head(out, e.type, cursor);
  append_envelope(out, e, cursor, full_payload);
  out += "\n\n";
}

void sse_codec::append_control(std::string& out, std::string_view type, std::string_view json,
                               std::string_view cursor) const {
  append_head(out, type, cursor);
  append_json_on_one_line(out, json);
  out += "\n\n";
}

void sse_cloudevents_codec::append_event(std::string& out, const event& e, std::string_view cursor,
                                         bool full_payload) const {
  append_head(out, e.type, cursor);
  append_cloudevent(out, e, cursor,
                    cursor.empty() ? next_cloudevent_id(run_, unnamed_) : std::string{},
                    full_payload);
  out += "\n\n";
}

void sse_cloudevents_codec::append_control(std::string& out, std::string_view type,
                                           std::string_view json, std::string_view cursor) const {
  append_head(out, type, cursor);
  append_cloudevent_control(out, type, json, next_cloudevent_id(run_, unnamed_));
  out += "\n\n";
}

void append_sse_comment(std::string& out, std::string_view text) {
  out += ": ";
  out += text;
  out += "\n\n";
}

void append_sse_retry(std::string& out, std::chrono::milliseconds delay) {
  out += "retry: ";
  append_number(out, static_cast<std::uint64_t>(delay.count()));
  out += "\n\n";
}

} // namespace lapwing
