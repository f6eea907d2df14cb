// What clients may say on /ws.
#define CAF_SUITE client_messages

#include "tests/support/caf_test.hpp"

#include "net/stream/client_message.hpp"

using namespace lapwing;

namespace {

template <class T>
T parsed(std::string_view text) {
  auto message = parse_client_message(text);
  auto* found = std::get_if<T>(&message);
  CAF_REQUIRE(found != nullptr);
  return *found;
}

} // namespace

CAF_TEST(auth carries everything a stream may begin with) {
  auto auth = parsed<auth_message>(
    R"({"type":"auth","userId":"ann","token":"t","ticket":"k","lastEventId":"u5","types":["a","b"],)"
    R"("platforms":["github"],"rooms":["x:y"],"payload":"full","unknown":[1]})");
  CAF_CHECK_EQUAL(auth.user, "ann");
  CAF_CHECK_EQUAL(auth.token, "t");
  CAF_CHECK_EQUAL(auth.ticket, "k");
  CAF_CHECK_EQUAL(auth.last_event_id.value(), "u5");
  CAF_CHECK_EQUAL(auth.filter.types.size(), 2u);
  CAF_CHECK_EQUAL(auth.filter.platforms.at(0), "github");
  CAF_CHECK_EQUAL(auth.rooms.at(0).str(), "x:y");
  CAF_CHECK(auth.filter.full_payload);
}

CAF_TEST(null members count as absent) {
  auto auth = parsed<auth_message>(
    R"({"type":"auth","userId":"ann","token":null,"lastEventId":null,"rooms":null})");
  CAF_CHECK(auth.token.empty());
  CAF_CHECK(!auth.last_event_id.has_value());
}

CAF_TEST(subscriptions and pings are understood) {
  auto subscribe = parsed<stream_command::subscribe>(R"({"type":"subscribe","rooms":["a","b"]})");
  CAF_CHECK_EQUAL(subscribe.rooms.size(), 2u);
  auto leave = parsed<stream_command::unsubscribe>(R"({"type":"unsubscribe","types":["a"]})");
  CAF_CHECK_EQUAL(leave.types.at(0), "a");
  parsed<stream_command::ping>(R"({"type":"ping"})");
}

CAF_TEST(anything else is invalid with a reason) {
  std::string many = R"({"type":"subscribe","rooms":[)";
  for (int i = 0; i < 33; ++i)
    many += (i ? ",\"r" : "\"r") + std::to_string(i) + "\"";
  many += "]}";
  for (std::string_view text :
       {std::string_view{""}, std::string_view{"x"}, std::string_view{"[1]"},
        std::string_view{R"({"type":5})"}, std::string_view{R"({"type":"connected"})"},
        std::string_view{R"({"type":"auth","userId":7})"},
        std::string_view{R"({"type":"auth","userId":"a b"})"},
        std::string_view{R"({"type":"auth","payload":"some"})"},
        std::string_view{R"({"type":"subscribe"})"},
        std::string_view{R"({"type":"subscribe","rooms":["a b"]})"},
        std::string_view{R"({"type":"subscribe","types":["a\nb"]})"},
        std::string_view{R"({"type":"ping"} trailing)"}, std::string_view{many}}) {
    auto bad = parsed<stream_command::invalid>(text);
    CAF_CHECK(bad.why.code == errc::invalid_message);
    CAF_CHECK(!bad.why.detail.empty());
  }
}

CAF_TEST(deep nesting is refused and does not exhaust the stack) {
  std::string deep = R"({"type":"ping","x":)" + std::string(30000, '[') + std::string(30000, ']') + "}";
  parsed<stream_command::invalid>(deep);
}
