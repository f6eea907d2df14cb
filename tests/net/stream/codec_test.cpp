// Events as bytes of each wire form.
#define CAF_SUITE wire_codecs

#include "tests/support/caf_test.hpp"

#include "net/stream/sse_codec.hpp"
#include "net/stream/websocket_codec.hpp"

using namespace lapwing;

namespace {

event_ptr some_event(sequence seq = 42) {
  event_draft draft;
  draft.type = "webhook_received";
  draft.platform = "github";
  draft.message = "push\nto x";
  draft.data = "{\"a\":\n1}";
  draft.payload = "{\r\n\"b\":2\r\n}";
  return make_event(log_id::of(user_id{"ann"}), seq, timestamp{}, std::move(draft));
}

template <class Codec>
std::string event_bytes(const Codec& codec, const event& e, std::string_view cursor, bool full) {
  std::string out;
  codec.append_event(out, e, cursor, full);
  return out;
}

std::string control_bytes(const wire_codec& codec, std::string_view type, std::string_view cursor) {
  std::string out;
  codec.append_control(out, type, R"({"type":"x"})", cursor);
  return out;
}

} // namespace

CAF_TEST(an sse event has a name and an id and one data line) {
  auto bytes = event_bytes(sse_codec{}, *some_event(), "u42", true);
  CAF_CHECK(bytes.starts_with("event: webhook_received\nid: u42\ndata: {\"id\":\"u42\","));
  CAF_CHECK(bytes.ends_with("}\n\n"));
  CAF_CHECK_EQUAL(std::count(bytes.begin(), bytes.end(), '\n'), 4);
  CAF_CHECK_EQUAL(std::count(bytes.begin(), bytes.end(), '\r'), 0);
}

CAF_TEST(only connected is unnamed on sse) {
  CAF_CHECK_EQUAL(control_bytes(sse_codec{}, "connected", "u7"),
                  "id: u7\ndata: {\"type\":\"x\"}\n\n");
  CAF_CHECK_EQUAL(control_bytes(sse_codec{}, "heartbeat", ""),
                  "event: heartbeat\ndata: {\"type\":\"x\"}\n\n");
}

CAF_TEST(an ephemeral event has no id on sse) {
  auto bytes = event_bytes(sse_codec{}, *some_event(0), "", false);
  CAF_CHECK(bytes.find("\nid:") == std::string::npos);
  CAF_CHECK(bytes.find("\"id\"") == std::string::npos);
}

CAF_TEST(a websocket event is one text frame) {
  auto bytes = event_bytes(websocket_codec{}, *some_event(), "u42", false);
  CAF_CHECK_EQUAL(static_cast<unsigned char>(bytes[0]), 0x81);
  CAF_CHECK_EQUAL(static_cast<unsigned char>(bytes[1]), 126);
  auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[2])) * 256
                + static_cast<unsigned char>(bytes[3]);
  CAF_CHECK_EQUAL(bytes.size(), 4 + length);
  CAF_CHECK(bytes.substr(4).starts_with("{\"id\":\"u42\","));
}

CAF_TEST(short and long websocket messages have their own headers) {
  auto shorter = control_bytes(websocket_codec{}, "pong", "");
  CAF_CHECK_EQUAL(shorter, "\x81\x0c{\"type\":\"x\"}");
  event_draft draft;
  draft.type = "big";
  draft.data = "\"" + std::string(70000, 'x') + "\"";
  auto e = make_event(log_id::broadcast(), 1, timestamp{}, std::move(draft));
  std::string out = "before";
  websocket_codec{}.append_event(out, *e, "b1", false);
  CAF_CHECK(out.starts_with(std::string{"before\x81\x7f\x00\x00\x00\x00\x00\x01", 14}));
  CAF_CHECK_EQUAL(out[16], '{');
}

CAF_TEST(cloudevents have unique ids and the envelope as data) {
  sse_cloudevents_codec sse{"run1"};
  auto stored = event_bytes(sse, *some_event(), "u42", false);
  CAF_CHECK(stored.find(R"(data: {"specversion":"1.0","id":"u42","source":"/users/ann/platforms/github","type":"lapwing.webhook_received")")
            != std::string::npos);
  auto first = event_bytes(sse, *some_event(0), "", false);
  auto second = control_bytes(sse, "heartbeat", "");
  CAF_CHECK(first.find(R"("id":"run1-1")") != std::string::npos);
  CAF_CHECK(second.find(R"("id":"run1-2")") != std::string::npos);
  websocket_cloudevents_codec websocket{"run1"};
  CAF_CHECK(event_bytes(websocket, *some_event(), "u42", false).find("\"specversion\":\"1.0\"")
            != std::string::npos);
}
