// The event: immutable once made, shared by everybody who delivers it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.hpp"
#include "core/time.hpp"

namespace lapwing {

/// What somebody wants to become an event. All JSON in it has been validated by the maker.
struct event_draft {
  std::string type;        ///< "webhook_received", ...; [A-Za-z0-9_.:-]{1,64}, see valid_event_type.
  std::string platform;    ///< Empty when the event is of no platform.
  std::string message;     ///< For people; UTF-8; may be empty.
  std::string data = "{}"; ///< JSON value on one line.
  std::string extras;      ///< Further top-level members, `"count":3,"dataType":"x"`; may be empty.
  std::string payload;     ///< The whole delivery as JSON text as it came; may be empty.
};

struct event {
  log_id log;
  sequence seq = 0; ///< 0: ephemeral, never stored, no id.
  std::string type;
  std::string platform;
  timestamp time;
  /// The envelope (CONTRACT 4) as JSON text on one line, after the opening brace and the id:
  /// `"type":"...",...,"data":{...}}`. `data` is always the last member.
  std::string tail;
  std::string payload; ///< JSON text, may hold line breaks; empty when there is none.
};

using event_ptr = std::shared_ptr<const event>;

/// `[A-Za-z0-9_.:-]{1,64}`: safe as an SSE event name.
bool valid_event_type(std::string_view text) noexcept;

/// Gives the draft its place in a log. `draft.payload` moves into the event.
event_ptr make_event(const log_id& log, sequence seq, timestamp time, event_draft draft);

/// Appends the whole envelope: `{"id":"<cursor>",<tail>`, without the id member when `cursor` is
/// empty (ephemeral). With `full_payload`, `data.payload` is added if `data` is an object.
void append_envelope(std::string& out, const event& e, std::string_view cursor, bool full_payload);

/// The same event as a structured CloudEvents 1.0 JSON object (CloudEvents JSON format 3). An
/// ephemeral event gets `fallback_id`, because CloudEvents demands an id.
void append_cloudevent(std::string& out, const event& e, std::string_view cursor,
                       std::string_view fallback_id, bool full_payload);

} // namespace lapwing
