// The frames of the Supabase Realtime protocol: what a client's frame says, and how ours are
// written. Versions: 1.0.0, text frames that are objects; 2.0.0, text frames that are arrays, and
// binary frames for broadcasts.
//
//   text, client and server    [join_ref, ref, topic, event, payload]
//   binary, client (kind 3)    03 | len join_ref | len ref | len topic | len event | len metadata |
//                              encoding | join_ref | ref | topic | event | metadata | payload
//   binary, server (kind 4)    04 | len topic | len event | len metadata | encoding |
//                              topic | event | metadata | payload
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace lapwing::realtime {

enum class protocol : std::uint8_t { v1, v2 };

/// Of `vsn`: empty means 1.0.0. Nothing: a version that is not spoken here.
std::optional<protocol> protocol_of(std::string_view vsn) noexcept;

/// A JSON null; refs are kept as JSON text and given back as they came.
inline constexpr std::string_view no_ref = "null";

struct client_message {
  std::string join_ref{no_ref};
  std::string ref{no_ref};
  std::string topic;
  std::string event;
  std::string payload = "{}"; ///< Valid JSON. Of a broadcast: {"type","event","payload"}.
  /// A broadcast of bytes: these, under this name; `payload` means nothing then.
  std::optional<std::string> bytes;
  std::string user_event;
};

/// Topics and events are at most this long.
inline constexpr std::size_t name_bytes_max = 4096;

/// errc::invalid_message: the frame is to be ignored.
result<client_message> parse_text_frame(protocol spoken, std::string_view text);
result<client_message> parse_binary_frame(std::string_view bytes);

/// A frame's content; `join_ref` and `ref` are JSON text.
void append_text_frame(std::string& out, protocol spoken, std::string_view join_ref,
                       std::string_view ref, std::string_view topic, std::string_view event,
                       std::string_view payload);

/// `{"type":"broadcast","event":"cursor","payload":{...}}`, with `"meta":{...}` unless that is
/// empty.
std::string broadcast_payload(std::string_view event, std::string_view payload,
                              std::string_view meta);

/// Kind 4 with raw bytes. False: a name is too long for this form (255 bytes).
bool append_binary_broadcast(std::string& out, std::string_view topic, std::string_view event,
                             std::string_view meta, std::string_view bytes);

} // namespace lapwing::realtime
