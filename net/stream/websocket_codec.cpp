#include "net/stream/websocket_codec.hpp"

#include "core/json_text.hpp"
#include "net/stream/cloudevents.hpp"
#include "net/stream/websocket_frame.hpp"

namespace lapwing {
namespace {

/// Appends a text frame whose payload `render` appends: the length is known only afterwards, so
/// the payload is written behind the longest usual header and the header put in front of it.
template <class Render>
void append_text_frame(std::string& out, Render render) {
  constexpr std::size_t reserved = 4; // Enough for payloads up to 64 KiB: the common case.
  std::size_t start = out.size();
  out.append(reserved, '\0');
  render();
  std::size_t payload_bytes = out.size() - start - reserved;
  std::string header;
  append_websocket_header(header, websocket_opcode::text, payload_bytes);
  out.replace(start, reserved, header);
}

} // namespace

void websocket_codec::append_event(std::string& out, const event& e, std::string_view cursor,
                                   bool full_payload) const {
  append_text_frame(out, [&] { append_envelope(out, e, cursor, full_payload); });
}

void websocket_codec::append_control(std::string& out, std::string_view, std::string_view json,
                                     std::string_view) const {
  append_websocket_frame(out, websocket_opcode::text, json);
}

void websocket_cloudevents_codec::append_event(std::string& out, const event& e,
                                               std::string_view cursor, bool full_payload) const {
  append_text_frame(out, [&] {
    append_cloudevent(out, e, cursor,
                      cursor.empty() ? next_cloudevent_id(run_, unnamed_) : std::string{},
                      full_payload);
  });
}

void websocket_cloudevents_codec::append_control(std::string& out, std::string_view type,
                                                 std::string_view json, std::string_view) const {
  append_text_frame(out, [&] {
    append_cloudevent_control(out, type, json, next_cloudevent_id(run_, unnamed_));
  });
}

} // namespace lapwing
