// Reading server-sent events (WHATWG HTML 9.2.6). Pure: bytes in, events out.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace lapwing::load {

struct sse_event {
  std::string_view type; ///< Empty: an unnamed event.
  std::string_view id;   ///< Empty: none in this event.
  std::string_view data;
};

/// Calls `on_event` for each whole event at the front of `in` and returns how many bytes they took;
/// the rest is the beginning of the next event, to be given again with what follows. Views are
/// valid during the call only. Lines end in LF or CRLF; a lone CR is no line end here, because our
/// node never writes one. Events without data are skipped, as the specification asks, but an id in
/// them still counts: they are reported with empty data.
template <class OnEvent>
std::size_t read_sse(std::string_view in, OnEvent&& on_event) {
  std::size_t consumed = 0;
  sse_event event;
  std::string joined; // Only for events with several data lines.
  bool has_data = false;
  bool has_id = false;
  std::size_t at = 0;
  while (at < in.size()) {
    const auto* newline
      = static_cast<const char*>(std::memchr(in.data() + at, '\n', in.size() - at));
    if (newline == nullptr)
      break;
    const auto line_end = static_cast<std::size_t>(newline - in.data());
    auto line = in.substr(at, line_end - at);
    at = line_end + 1;
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (line.empty()) {
      if (has_data || has_id)
        on_event(static_cast<const sse_event&>(event));
      event = {};
      has_data = has_id = false;
      consumed = at;
      continue;
    }
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
    if (name == "data") {
      if (has_data) {
        if (event.data.data() != joined.data())
          joined.assign(event.data);
        joined += '\n';
        joined += value;
        event.data = joined;
      } else {
        event.data = value;
        has_data = true;
      }
    } else if (name == "id") {
      event.id = value;
      has_id = true;
    } else if (name == "event") {
      event.type = value;
    }
  }
  return consumed;
}

} // namespace lapwing::load
