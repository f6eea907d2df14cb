// What a join asks for.
#define CAF_SUITE realtime_join
#include "tests/support/caf_test.hpp"

#include "realtime/join.hpp"

using namespace lapwing;
using namespace lapwing::realtime;

CAF_TEST(a join as the official client sends it) {
  auto made = read_join(R"({"config":{"broadcast":{"ack":true,"self":true},
    "presence":{"key":"u1","enabled":true},
    "postgres_changes":[{"event":"*","schema":"public","table":"messages","filter":"id=gt.0"}],
    "private":false},"access_token":"jwt-1"})");
  CAF_CHECK(made.ack);
  CAF_CHECK(made.self);
  CAF_CHECK(made.presence);
  CAF_CHECK(!made.is_private);
  CAF_CHECK_EQUAL(made.presence_key, "u1");
  CAF_CHECK_EQUAL(made.token.value(), "jwt-1");
  CAF_REQUIRE_EQUAL(made.changes.size(), 1U);
  CAF_CHECK(made.changes[0].id > 0U);
  CAF_CHECK(made.passed_over.empty());
}

CAF_TEST(an empty join is a public channel without extras) {
  auto made = read_join("{}");
  CAF_CHECK(!made.ack);
  CAF_CHECK(!made.self);
  CAF_CHECK(!made.is_private);
  CAF_CHECK(made.presence);
  CAF_CHECK(made.changes.empty());
  CAF_CHECK(!made.token.has_value());
  CAF_CHECK(!read_join(R"({"config":{"presence":{"enabled":false}}})").presence);
}

CAF_TEST(booleans may be texts and the old name of the token wins) {
  auto made = read_join(
    R"({"config":{"private":"true","broadcast":{"ack":"TRUE","self":"false"}},
        "user_token":"old","access_token":"new"})");
  CAF_CHECK(made.is_private);
  CAF_CHECK(made.ack);
  CAF_CHECK(!made.self);
  CAF_CHECK_EQUAL(made.token.value(), "old");
}

CAF_TEST(what cannot be read is passed over and the rest counts) {
  auto made = read_join(R"({"config":{"private":7,"broadcast":"x","presence":{"key":[]},
    "postgres_changes":[null,1,{"table":"a"}]},"access_token":5})");
  CAF_CHECK(!made.is_private);
  CAF_REQUIRE_EQUAL(made.changes.size(), 1U);
  CAF_CHECK_EQUAL(made.changes[0].table, "a");
  CAF_CHECK_EQUAL(made.passed_over.size(), 5U);
  CAF_CHECK(read_join(R"({"config":{"postgres_changes":null}})").passed_over.empty());
  CAF_CHECK(!read_join("[1]").passed_over.empty());
}

CAF_TEST(replay wants whole numbers) {
  auto replay = [](std::string json) {
    return read_join(R"({"config":{"broadcast":{"replay":)" + json + "}}}").replay.value();
  };
  CAF_CHECK(replay(R"({"since":5,"limit":10})").valid);
  CAF_CHECK_EQUAL(replay(R"({"since":5,"limit":10})").limit, 10);
  CAF_CHECK(replay(R"({"since":5})").valid);
  for (auto bad : {R"({})", R"({"since":"5"})", R"({"since":5.5})", R"({"since":-1})",
                   R"({"since":5,"limit":"x"})", "true"})
    CAF_CHECK(!replay(bad).valid);
}
