// Frames of both protocol versions, against the official client's own.
#define CAF_SUITE realtime_frames
#include "tests/support/caf_test.hpp"

#include <fstream>
#include <random>

#include <nlohmann/json.hpp>

#include "realtime/frames.hpp"
#include "realtime/json_slices.hpp"

using namespace lapwing;
using namespace lapwing::realtime;

namespace {

std::string unhex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

/// Of vectors/realtime-v2-frames.json, made by the official client's serializer.
nlohmann::json golden(const std::string& name) {
  std::ifstream in{LAPWING_SOURCE_DIR "/tests/golden/realtime-v2-frames.json"};
  return nlohmann::json::parse(in).at("frames").at(name);
}

std::string text_frame(protocol spoken) {
  std::string out;
  append_text_frame(out, spoken, "\"6\"", "\"7\"", "realtime:a\"b", "phx_reply", "{\"x\":1}");
  return out;
}

} // namespace

CAF_TEST(versions) {
  CAF_CHECK(protocol_of("") == protocol::v1);
  CAF_CHECK(protocol_of("1.0.0") == protocol::v1);
  CAF_CHECK(protocol_of("2.0.0") == protocol::v2);
  CAF_CHECK(!protocol_of("3.0.0").has_value());
}

CAF_TEST(a binary push of JSON becomes the text form of the same broadcast) {
  auto message = parse_binary_frame(unhex(golden("push_json")["hex"])).value();
  CAF_CHECK_EQUAL(message.join_ref, "\"6\"");
  CAF_CHECK_EQUAL(message.ref, "\"7\"");
  CAF_CHECK_EQUAL(message.topic, "realtime:room1");
  CAF_CHECK_EQUAL(message.event, "broadcast");
  CAF_CHECK(!message.bytes.has_value());
  CAF_CHECK_EQUAL(message.payload, R"({"type":"broadcast","event":"cursor","payload":{"x":1}})");
}

CAF_TEST(a binary push of bytes keeps them) {
  auto message = parse_binary_frame(unhex(golden("push_binary")["hex"])).value();
  CAF_CHECK_EQUAL(message.bytes.value(), "\x01\x02\x03\xff");
  CAF_CHECK_EQUAL(message.user_event, "raw");
}

CAF_TEST(our binary frames are the ones the official client reads) {
  std::string out;
  CAF_REQUIRE(append_binary_broadcast(out, "realtime:room1", "raw", {}, "\x01\x02\x03\xff"));
  CAF_CHECK_EQUAL(out, unhex(golden("server_binary")["hex"]));
  CAF_CHECK(!append_binary_broadcast(out, std::string(256, 'x'), "raw", {}, ""));
}

CAF_TEST(Latin-1 as the official client writes it is understood) {
  // "café" with the low bytes of its characters.
  auto message = parse_binary_frame(unhex("0300000104000072636166e9" "01")).value();
  CAF_CHECK_EQUAL(message.user_event, "café");
  CAF_CHECK_EQUAL(message.join_ref, "null");
}

CAF_TEST(text frames of both versions) {
  auto message = parse_text_frame(protocol::v2, golden("push_text")["text"].get<std::string>());
  CAF_REQUIRE(message.has_value());
  CAF_CHECK_EQUAL(message->topic, "realtime:room1");
  CAF_CHECK_EQUAL(message->event, "presence");
  CAF_CHECK_EQUAL(message->ref, "\"9\"");
  CAF_CHECK_EQUAL(message->payload, R"({"type":"presence","event":"untrack"})");
  auto old = parse_text_frame(
    protocol::v1, R"({"topic":"phoenix","event":"heartbeat","payload":{},"ref":"3"})");
  CAF_REQUIRE(old.has_value());
  CAF_CHECK_EQUAL(old->join_ref, "null");
  CAF_CHECK_EQUAL(old->ref, "\"3\"");
}

CAF_TEST(our text frames are read by their own version) {
  CAF_CHECK_EQUAL(text_frame(protocol::v2),
                  R"(["6","7","realtime:a\"b","phx_reply",{"x":1}])");
  auto object = nlohmann::json::parse(text_frame(protocol::v1));
  CAF_CHECK_EQUAL(object["topic"], "realtime:a\"b");
  CAF_CHECK_EQUAL(object["ref"], "7");
  CAF_CHECK_EQUAL(object["join_ref"], "6");
  CAF_CHECK_EQUAL(object["payload"]["x"], 1);
}

CAF_TEST(payloads pass to the last digit) {
  constexpr std::string_view payload
    = R"({"n":123456789012345678901234567890, "b":[1e400,-0,0.10E-7]})";
  auto frame = R"([null,"1","realtime:a","broadcast",)" + std::string{payload} + "]";
  CAF_CHECK_EQUAL(parse_text_frame(protocol::v2, frame).value().payload, payload);
}

CAF_TEST(what is no frame is refused) {
  for (auto bad :
       {"", "x", "{}", "[]", "[null,null,\"t\",\"e\"]", "[null,null,\"t\",\"e\",{},1]",
        "[{},null,\"t\",\"e\",{}]", "[null,[],\"t\",\"e\",{}]", "[null,null,1,\"e\",{}]",
        "[null,null,\"t\",null,{}]", "[null,null,\"t\",\"e\",{}", "[null,null,\"t\",\"e\",{]]",
        "[null,null,\"\\ud800\",\"e\",{}]", "[null,null,\"\xff\",\"e\",{}]"})
    CAF_CHECK(!parse_text_frame(protocol::v2, bad).has_value());
  for (auto bad : {"[]", "{\"topic\":1,\"event\":\"e\"}", "{\"event\":\"e\"}", "{\"topic\":\"t\"}"})
    CAF_CHECK(!parse_text_frame(protocol::v1, bad).has_value());
  auto deep = "[null,null,\"t\",\"e\"," + std::string(200, '[') + std::string(200, ']') + "]";
  CAF_CHECK(!parse_text_frame(protocol::v2, deep).has_value());
  auto long_topic = "[null,null,\"" + std::string(name_bytes_max + 1, 't') + "\",\"e\",{}]";
  CAF_CHECK(!parse_text_frame(protocol::v2, long_topic).has_value());
}

CAF_TEST(a binary frame cut short at any byte of its head is refused) {
  auto whole = unhex(golden("push_json")["hex"]);
  for (std::size_t length = 0; length < whole.size(); ++length)
    CAF_CHECK(!parse_binary_frame(std::string_view{whole}.substr(0, length)).has_value());
  auto other = whole;
  other[0] = 0;
  CAF_CHECK(!parse_binary_frame(other).has_value());
  other = whole;
  other[6] = 2;
  CAF_CHECK(!parse_binary_frame(other).has_value());
}

CAF_TEST(random frames never do harm) {
  std::mt19937 random{99};
  const std::string samples[]
    = {R"(["6","9","realtime:room1","presence",{"type":"presence","event":"track","a":[1,"\u00e4"]}])",
       R"({"topic":"realtime:a","event":"phx_join","payload":{"config":{}},"ref":"1","join_ref":"1"})",
       unhex(golden("push_json")["hex"])};
  std::size_t read_count = 0;
  for (int round = 0; round < 30'000; ++round) {
    auto bytes = samples[random() % 3];
    for (auto changes = random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    for (auto spoken : {protocol::v1, protocol::v2})
      read_count += parse_text_frame(spoken, bytes).has_value() ? 1 : 0;
    read_count += parse_binary_frame(bytes).has_value() ? 1 : 0;
  }
  CAF_CHECK(read_count > 0U);
}

CAF_TEST(the last of several members counts as in JavaScript) {
  CAF_CHECK_EQUAL(json_member(R"({"a":1,"b":{"a":2},"a":[3]})", "a").value(), "[3]");
  CAF_CHECK_EQUAL(json_member(R"({"\u0061":1})", "a").value(), "1");
  CAF_CHECK(!json_member(R"({"b":"a"})", "a").has_value());
  CAF_CHECK(!json_member("[1]", "a").has_value());
}

CAF_TEST(JSON is read to the letter) {
  for (auto good : {"0", "-1.5e+3", "\"\\u00e4\\n\"", " [ ] ", "{\"a\" : {}}", "null", "[true,false]"})
    CAF_CHECK(valid_json(good));
  for (auto bad : {"", " ", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "\"", "\"\\x\"",
                   "\"\\u12g4\"", "\"\n\"", "[1,]", "[,1]", "[1", "{\"a\"}", "{\"a\":}", "{a:1}",
                   "{\"a\":1,}", "[1]]", "1 2", "\"\xc3\"", "NaN"})
    CAF_CHECK(!valid_json(bad));
  CAF_CHECK(valid_json(std::string(json_depth_max, '[') + std::string(json_depth_max, ']')));
  CAF_CHECK(!valid_json(std::string(json_depth_max + 1, '[') + std::string(json_depth_max + 1, ']')));
}
