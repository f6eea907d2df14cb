#define CAF_SUITE event
#include "tests/support/caf_test.hpp"

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/json_text.hpp"

using namespace lapwing;

namespace {

event_ptr push_event(sequence seq = 3) {
  event_draft draft;
  draft.type = "webhook_received";
  draft.platform = "github";
  draft.message = "push by \"ann\"\n";
  draft.data = "{\"event\":\"push\"}";
  draft.payload = "{\n  \"ref\": \"x\"\r\n}";
  return make_event(log_id::of(user_id{"ann"}), seq,
                    timestamp{std::chrono::milliseconds{1'700'000'000'123}}, std::move(draft));
}

std::string envelope(const event& e, std::string_view cursor, bool full) {
  std::string out;
  append_envelope(out, e, cursor, full);
  return out;
}

} // namespace

CAF_TEST(the envelope has the members of the contract in order) {
  CAF_CHECK_EQUAL(envelope(*push_event(), "u3,b0", false),
                  "{\"id\":\"u3,b0\",\"type\":\"webhook_received\",\"userId\":\"ann\","
                  "\"platform\":\"github\",\"timestamp\":\"2023-11-14T22:13:20.123Z\","
                  "\"message\":\"push by \\\"ann\\\"\\n\",\"data\":{\"event\":\"push\"}}");
}

CAF_TEST(the payload goes into data on one line when it is asked for) {
  auto text = envelope(*push_event(), "u3,b0", true);
  CAF_CHECK(text.ends_with("\"data\":{\"event\":\"push\",\"payload\":{   \"ref\": \"x\"  }}}"));
  CAF_CHECK(text.find('\n') == std::string::npos);
}

CAF_TEST(a payload fits into empty data) {
  event_draft draft;
  draft.type = "x";
  draft.payload = "[1]";
  auto e = make_event(log_id::of(room_id{"r"}), 1, timestamp{}, std::move(draft));
  CAF_CHECK(envelope(*e, "r1:r", true).ends_with("\"data\":{\"payload\":[1]}}"));
  CAF_CHECK(envelope(*e, "r1:r", true).find("\"room\":\"r\"") != std::string::npos);
}

CAF_TEST(an ephemeral event has no id) {
  CAF_CHECK(envelope(*push_event(0), "", false).starts_with("{\"type\":"));
}

CAF_TEST(extras stand at the top level and data that is no object is kept) {
  event_draft draft;
  draft.type = "new_data";
  draft.extras = "\"count\":3,\"dataType\":\"tracks\"";
  draft.data = "[1,2]";
  draft.payload = "{}";
  auto e = make_event(log_id::of(user_id{"ann"}), 1, timestamp{}, std::move(draft));
  CAF_CHECK(envelope(*e, "u1", true).ends_with(",\"count\":3,\"dataType\":\"tracks\",\"data\":[1,2]}"));
}

CAF_TEST(a CloudEvent carries the whole envelope as its data) {
  std::string out;
  append_cloudevent(out, *push_event(), "u3,b0", "", false);
  CAF_CHECK(out.starts_with("{\"specversion\":\"1.0\",\"id\":\"u3,b0\",\"source\":"
                            "\"/users/ann/platforms/github\",\"type\":\"lapwing.webhook_received\""));
  CAF_CHECK(out.find("\"data\":{\"id\":\"u3,b0\"") != std::string::npos);
}

CAF_TEST(control characters and quotes are escaped and broken UTF-8 is repaired) {
  std::string out;
  append_json_string(out, std::string_view{"a\"\\\n\x01\x1f", 6});
  CAF_CHECK_EQUAL(out, "\"a\\\"\\\\\\n\\u0001\\u001f\"");
  CAF_CHECK_EQUAL(repaired_utf8("ok \xc3\xa9"), "ok \xc3\xa9");
  CAF_CHECK_EQUAL(repaired_utf8("\xff"), "\xef\xbf\xbd");
  CAF_CHECK_EQUAL(repaired_utf8("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
  CAF_CHECK_EQUAL(repaired_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

CAF_TEST(names that could break a path a header or a log line are refused) {
  for (const char* good : {"u1", "ann@example.com", "7f000001-aaaa", "a:b.c_d"})
    CAF_CHECK(valid_user_id(good));
  for (const char* bad : {"", "a b", "a/b", "a?b", "a%20", "a\nb", "\xc3\xa9", "a,b", "a\"b"})
    CAF_CHECK(!valid_user_id(bad));
  CAF_CHECK(!valid_user_id(std::string(129, 'a')));
  CAF_CHECK(valid_room_id("artist:u1"));
  CAF_CHECK(!valid_room_id("a@b"));
  CAF_CHECK(valid_event_type("webhook_received"));
  CAF_CHECK(!valid_event_type("a\nb"));
}

CAF_TEST(users spread evenly over homes and a name always has the same one) {
  std::size_t counts[4] = {};
  for (int i = 0; i < 4000; ++i)
    ++counts[home_of("user" + std::to_string(i), 4)];
  for (auto count : counts)
    CAF_CHECK(count > 850 && count < 1150);
  CAF_CHECK_EQUAL(home_of("ann", 4), home_of("ann", 4));
}
