#include "realtime/frames.hpp"

#include <simdjson.h>

#include "core/json_text.hpp"
#include "realtime/byte_reader.hpp"
#include "realtime/json_slices.hpp"

namespace lapwing::realtime {
namespace {

constexpr std::uint8_t user_broadcast_push = 3;
constexpr std::uint8_t user_broadcast = 4;
constexpr std::size_t byte_length_max = 255;

error ignored(std::string_view why) {
  return {errc::invalid_message, std::string{why}};
}

/// A ref: a text, a number or null.
std::optional<std::string> read_ref(std::optional<std::string_view> json) {
  constexpr std::size_t ref_bytes_max = 64;
  if (!json)
    return std::string{no_ref};
  auto type = type_of(*json);
  if (json->size() > ref_bytes_max
      || (type != json_type::text && type != json_type::number && type != json_type::null))
    return std::nullopt;
  return std::string{*json};
}

std::optional<std::string> read_name(std::optional<std::string_view> json) {
  if (!json)
    return std::nullopt;
  auto name = json_string(*json);
  if (name && name->size() > name_bytes_max)
    return std::nullopt;
  return name;
}

/// The official client writes each character's low byte, so "café" comes as Latin-1.
std::string repaired(std::string_view bytes) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size()))
    return std::string{bytes};
  std::string out;
  for (unsigned char c : bytes) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      out += static_cast<char>(0xC0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

} // namespace

std::optional<protocol> protocol_of(std::string_view vsn) noexcept {
  if (vsn.empty() || vsn == "1.0.0")
    return protocol::v1;
  if (vsn == "2.0.0")
    return protocol::v2;
  return std::nullopt;
}

result<client_message> parse_text_frame(protocol spoken, std::string_view text) {
  if (!valid_json(text))
    return ignored("a frame that is not JSON, or nested too deeply");
  std::optional<std::string_view> parts[5];
  if (spoken == protocol::v2) {
    auto elements = json_elements(text, 5);
    if (!elements || elements->size() != 5)
      return ignored("a frame that is not an array of five");
    for (std::size_t i = 0; i < 5; ++i)
      parts[i] = (*elements)[i];
  } else {
    if (type_of(text) != json_type::object)
      return ignored("a frame that is not an object");
    constexpr std::string_view names[5] = {"join_ref", "ref", "topic", "event", "payload"};
    for (std::size_t i = 0; i < 5; ++i)
      parts[i] = json_member(text, names[i]);
  }
  auto join_ref = read_ref(parts[0]);
  auto ref = read_ref(parts[1]);
  auto topic = read_name(parts[2]);
  auto event = read_name(parts[3]);
  if (!join_ref || !ref || !topic || !event)
    return ignored("a frame whose refs, topic or event are not what they should be");
  client_message made;
  made.join_ref = std::move(*join_ref);
  made.ref = std::move(*ref);
  made.topic = std::move(*topic);
  made.event = std::move(*event);
  if (parts[4])
    made.payload = *parts[4];
  return made;
}

result<client_message> parse_binary_frame(std::string_view bytes) {
  byte_reader in{bytes};
  if (in.u8() != user_broadcast_push)
    return ignored("a binary frame of an unknown kind");
  std::size_t lengths[5];
  for (auto& length : lengths)
    length = in.u8();
  auto encoding = in.u8();
  client_message made;
  made.join_ref = in_quotes(repaired(in.bytes(lengths[0])));
  made.ref = in_quotes(repaired(in.bytes(lengths[1])));
  made.topic = repaired(in.bytes(lengths[2]));
  made.event = "broadcast";
  auto user_event = repaired(in.bytes(lengths[3]));
  in.bytes(lengths[4]); // Metadata: nobody has given it a meaning yet.
  if (!in.ok() || encoding > 1)
    return ignored("a binary frame that is too short, or of an unknown encoding");
  if (lengths[0] == 0)
    made.join_ref = no_ref;
  if (lengths[1] == 0)
    made.ref = no_ref;
  auto payload = in.bytes(in.left());
  if (encoding == 0) {
    made.user_event = std::move(user_event);
    made.bytes.emplace(payload);
    return made;
  }
  if (!valid_json(payload))
    return ignored("a broadcast whose payload is not JSON");
  made.payload = broadcast_payload(user_event, payload, {});
  return made;
}

void append_text_frame(std::string& out, protocol spoken, std::string_view join_ref,
                       std::string_view ref, std::string_view topic, std::string_view event,
                       std::string_view payload) {
  if (spoken == protocol::v2) {
    out += '[';
    out += join_ref;
    out += ',';
    out += ref;
    out += ',';
    append_json_string(out, topic);
    out += ',';
    append_json_string(out, event);
    out += ',';
    out += payload;
    out += ']';
    return;
  }
  out += "{\"topic\":";
  append_json_string(out, topic);
  out += ",\"event\":";
  append_json_string(out, event);
  out += ",\"payload\":";
  out += payload;
  out += ",\"ref\":";
  out += ref;
  out += ",\"join_ref\":";
  out += join_ref;
  out += '}';
}

std::string broadcast_payload(std::string_view event, std::string_view payload,
                              std::string_view meta) {
  std::string out = "{\"type\":\"broadcast\",\"event\":";
  append_json_string(out, event);
  out += ",\"payload\":";
  out += payload;
  if (!meta.empty()) {
    out += ",\"meta\":";
    out += meta;
  }
  out += '}';
  return out;
}

bool append_binary_broadcast(std::string& out, std::string_view topic, std::string_view event,
                             std::string_view meta, std::string_view bytes) {
  if (topic.size() > byte_length_max || event.size() > byte_length_max
      || meta.size() > byte_length_max)
    return false;
  out += static_cast<char>(user_broadcast);
  for (auto part : {topic, event, meta})
    out += static_cast<char>(part.size());
  out += '\0'; // Raw.
  for (auto part : {topic, event, meta, bytes})
    out += part;
  return true;
}

} // namespace lapwing::realtime
