#define CAF_SUITE load_mark
#include "tests/support/caf_test.hpp"

#include <string>

#include "benchmarks/load/mark.hpp"

using namespace lapwing::load;

namespace {

const mark example{513, 31, 4'000'000'000U, 123'456'789'012'345U};

} // namespace

CAF_TEST(a mark survives its text form) {
  std::string text;
  append_mark_text(text, example);
  CAF_CHECK_EQUAL(text, "513.31.4000000000.123456789012345");
  CAF_CHECK(parse_mark_text(text + "\",\"pad\":1") == example);
}

CAF_TEST(a mark survives being a version 4 uuid) {
  std::string text;
  append_mark_uuid(text, example);
  CAF_REQUIRE_EQUAL(text.size(), 36u);
  CAF_CHECK_EQUAL(text[14], '4');
  CAF_CHECK_EQUAL(text[19], '8');
  CAF_CHECK(parse_mark_uuid(text) == example);
}

CAF_TEST(what is not a mark is none) {
  for (const char* text : {"", "1", "1.2.3", "1.2.3.", "70000.1.1.1", "a.b.c.d", "1.2.-3.4"})
    CAF_CHECK(!parse_mark_text(text));
  std::string uuid;
  append_mark_uuid(uuid, example);
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    auto broken = uuid;
    broken[i] = 'x';
    CAF_CHECK(!parse_mark_uuid(broken));
    CAF_CHECK(!parse_mark_uuid(uuid.substr(0, i)));
  }
}

CAF_TEST(a finder finds marks wherever they move) {
  mark_finder finder{mark_form::text};
  for (const char* before : {"{", "{\"id\":\"u1\",", "{", "{\"id\":\"u1\",\"type\":\"bench\","}) {
    std::string envelope = before;
    envelope += "\"data\":{\"mark\":\"1.2.3.4\"}}";
    CAF_CHECK(finder.find(envelope) == (mark{1, 2, 3, 4}));
  }
  CAF_CHECK(!finder.find("{\"type\":\"heartbeat\"}"));
  CAF_CHECK(!finder.find(""));
}

CAF_TEST(a finder of uuids reads the delivery id) {
  std::string envelope = R"({"id":"u9","data":{"deliveryId":")";
  append_mark_uuid(envelope, example);
  envelope += R"(","event":"push"}})";
  mark_finder finder{mark_form::uuid};
  CAF_CHECK(finder.find(envelope) == example);
}
