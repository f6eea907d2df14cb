// Streams as clients see them: connecting, resuming, rooms, filters, limits, ends.
#define CAF_SUITE stream
#include "tests/support/caf_test.hpp"

#include "tests/support/stream_world.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

using ids = std::vector<std::string>;

struct fixture : test::stream_world {
  ids ids_up_to(sequence first, sequence last) {
    ids list;
    for (; first <= last; ++first)
      list.push_back("u" + std::to_string(first) + ",b0");
    return list;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(stream_tests, fixture)

CAF_TEST(connected comes first and names the point to resume from) {
  publish_to("ann");
  run();
  auto ann = connect("ann");
  run();
  CAF_REQUIRE_EQUAL(ann.sink->lines.size(), 1u);
  CAF_CHECK(ann.sink->lines[0].starts_with("connected u1,b0 {\"type\":\"connected\""));
  CAF_CHECK(ann.sink->lines[0].find("\"resumed\":false,\"lastEventId\":\"u1,b0\"")
            != std::string::npos);
}

CAF_TEST(an event reaches every stream of its user and nobody else) {
  auto one = connect("ann");
  auto two = connect("ann");
  auto other = connect("bob");
  run();
  publish_to("ann");
  run();
  CAF_CHECK_EQUAL(one.sink->ids(), ids{"u1,b0"});
  CAF_CHECK_EQUAL(two.sink->ids(), ids{"u1,b0"});
  CAF_CHECK(other.sink->ids().empty());
  CAF_REQUIRE_EQUAL(receipts.size(), 1u);
  CAF_CHECK_EQUAL(receipts[0]->id, "u1");
  CAF_CHECK_EQUAL(receipts[0]->sessions, 2u);
}

CAF_TEST(a client that was away gets what it missed and then the live events) {
  for (int i = 0; i < 600; ++i)
    publish_to("ann");
  run();
  auto ann = connect("ann", "u20,b0");
  for (int i = 0; i < 5; ++i)
    publish_to("ann");
  run();
  publish_to("ann");
  run();
  CAF_CHECK_EQUAL(ann.sink->ids(), ids_up_to(21, 606));
  CAF_CHECK(ann.sink->lines[0].find("\"resumed\":true") != std::string::npos);
  CAF_CHECK_EQUAL(ann.sink->count("reset"), 0u);
}

CAF_TEST(a replay waits for a client that reads slowly) {
  for (int i = 0; i < 300; ++i)
    publish_to("ann");
  run();
  auto ann = connect("ann", "u0,b0");
  ann.sink->queued = 1;
  run();
  CAF_CHECK(ann.sink->ids().empty());
  ann.sink->queued = 0;
  caf::anon_send(ann.session, atom::drained_v);
  run();
  CAF_CHECK_EQUAL(ann.sink->ids(), ids_up_to(1, 300));
}

CAF_TEST(a point older than what is kept gives one reset and then the oldest kept event) {
  for (int i = 0; i < 100; ++i)
    publish_to("ann");
  run();
  pass(120s); // The supervisor ends; the next one learns from the store.
  store.trim_to(log_id::of(user_id{"ann"}), 60);
  auto ann = connect("ann", "u10,b0");
  run();
  CAF_CHECK_EQUAL(ann.sink->count("reset"), 1u);
  CAF_CHECK(ann.sink->lines[1].find("\"from\":\"u10,b0\",\"to\":\"u60,b0\",\"reason\":\"too_old\"")
            != std::string::npos);
  CAF_CHECK_EQUAL(ann.sink->ids(), ids_up_to(61, 100));
}

CAF_TEST(a hub that has not heard of retention does not hide a loss) {
  auto keeps_hub_alive = connect("ann");
  for (int i = 0; i < 100; ++i)
    publish_to("ann");
  run();
  store.trim_to(log_id::of(user_id{"ann"}), 20);
  auto ann = connect("ann", "u10,b0");
  run();
  CAF_CHECK_EQUAL(ann.sink->count("reset"), 1u);
  CAF_CHECK_EQUAL(ann.sink->ids(), ids_up_to(21, 100));
}

CAF_TEST(nonsense as a point resets instead of failing) {
  publish_to("ann");
  run();
  auto ann = connect("ann", "\r\nx");
  run();
  CAF_CHECK_EQUAL(ann.sink->count("reset"), 1u);
  CAF_CHECK_EQUAL(ann.sink->ids(), ids_up_to(1, 1));
}

CAF_TEST(events of rooms and broadcasts count in the cursor of the stream) {
  auto ann = connect("ann", {}, {"r"});
  run();
  publish(log_id::of(room_id{"r"}));
  run();
  publish_to("ann");
  run();
  publish(log_id::broadcast());
  run();
  CAF_CHECK_EQUAL(ann.sink->ids(), (ids{"r1:r,u0,b0", "u1,b0,r1:r", "b1,u1,r1:r"}));
  auto cursor = ann.sink->ids().back();
  disconnect(ann);
  run();
  publish(log_id::of(room_id{"r"}));
  publish(log_id::broadcast());
  publish_to("ann");
  run();
  auto again = connect("ann", cursor, {"r"});
  run();
  auto got = again.sink->ids();
  CAF_REQUIRE_EQUAL(got.size(), 3u);
  auto last = stream_cursor::parse(got.back());
  CAF_CHECK(last->position(log_id::of(room_id{"r"})) == sequence{2u});
  CAF_CHECK(last->position(log_id::broadcast()) == sequence{2u});
  CAF_CHECK(last->position(log_id{}) == sequence{2u});
}

CAF_TEST(rooms are joined and left while the stream is open) {
  auto ann = connect("ann");
  run();
  say(ann, stream_command::subscribe{{room_id{"r"}}, {}, {}});
  run();
  CAF_CHECK_EQUAL(ann.sink->count("subscribed"), 1u);
  CAF_CHECK(ann.sink->lines.back().find("\"rooms\":[\"r\"]") != std::string::npos);
  publish(log_id::of(room_id{"r"}), {}, true);
  run();
  CAF_CHECK_EQUAL(ann.sink->ids(), ids{"-"});
  CAF_CHECK_EQUAL(receipts.back()->sessions, 1u);
  say(ann, stream_command::unsubscribe{{room_id{"r"}}, {}, {}});
  run();
  CAF_CHECK_EQUAL(ann.sink->count("unsubscribed"), 1u);
  publish(log_id::of(room_id{"r"}), {}, true);
  run();
  CAF_CHECK_EQUAL(ann.sink->ids().size(), 1u);
}

CAF_TEST(types narrow a stream and the answer says what is in force) {
  auto ann = connect("ann");
  run();
  say(ann, stream_command::subscribe{{}, {"y"}, {}});
  run();
  publish(log_id::of(user_id{"ann"}), {}, false, publish_origin::api, "x");
  publish(log_id::of(user_id{"ann"}), {}, false, publish_origin::api, "y");
  run();
  CAF_CHECK_EQUAL(ann.sink->ids(), ids{"u2,b0"});
  CAF_CHECK(ann.sink->lines[1].find("\"types\":[\"y\"]") != std::string::npos);
}

CAF_TEST(a repeated delivery is stored once and takes effect once) {
  auto ann = connect("ann");
  run();
  for (int i = 0; i < 3; ++i)
    publish(log_id::of(user_id{"ann"}), "d1", false, publish_origin::webhook);
  run();
  publish(log_id::of(user_id{"ann"}), "d1", false, publish_origin::webhook);
  run();
  CAF_CHECK_EQUAL(ann.sink->ids(), ids{"u1,b0"});
  CAF_CHECK_EQUAL(store.all(log_id::of(user_id{"ann"})).size(), 1u);
  std::size_t fresh = 0;
  for (auto& receipt : receipts)
    fresh += receipt->duplicate ? 0 : 1;
  CAF_CHECK_EQUAL(receipts.size(), 4u);
  CAF_CHECK_EQUAL(fresh, 1u);
  CAF_CHECK_EQUAL(living("platform_actor"), 1u);
}

CAF_TEST(a platform actor ends with its supervisor even if somebody still holds it) {
  publish(log_id::of(user_id{"ann"}), "d1", false, publish_origin::webhook);
  run();
  CAF_CHECK_EQUAL(living("platform_actor"), 1u);
  auto held = config.census().living(); // As a timer would.
  pass(10min);
  CAF_CHECK_EQUAL(living("user_supervisor"), 0u);
  CAF_CHECK_EQUAL(living("platform_actor"), 0u);
}

CAF_TEST(a store that is away refuses and comes back by itself) {
  auto ann = connect("ann");
  run();
  store.down = true;
  publish_to("ann", "d1");
  pass(1s);
  CAF_REQUIRE_EQUAL(receipts.size(), 1u);
  CAF_CHECK(receipts[0].error().code == errc::store_unavailable);
  publish_to("ann", "d1");
  pass(10s);
  CAF_REQUIRE_EQUAL(receipts.size(), 2u);
  CAF_CHECK(!receipts[1]);
  store.down = false;
  pass(10s);
  publish_to("ann", "d1"); // The provider sends it again.
  run();
  CAF_REQUIRE_EQUAL(receipts.size(), 3u);
  CAF_CHECK(receipts[2].has_value());
  CAF_CHECK_EQUAL(ann.sink->ids().size(), 1u);
}

CAF_TEST(a stream that cannot be opened is told so) {
  store.down = true;
  auto ann = connect("ann");
  pass(15s);
  CAF_REQUIRE_EQUAL(ann.sink->closed_with.size(), 1u);
  CAF_CHECK(ann.sink->closed_with[0].code == errc::store_unavailable);
  CAF_CHECK_EQUAL(living("session"), 0u);
}

CAF_TEST(one user has so many streams and no more) {
  context.limits.sessions_per_user = 2;
  auto one = connect("ann");
  auto two = connect("ann");
  run();
  auto three = connect("ann");
  run();
  CAF_REQUIRE_EQUAL(three.sink->closed_with.size(), 1u);
  CAF_CHECK(three.sink->closed_with[0].code == errc::too_many_sessions);
  disconnect(one);
  run();
  auto four = connect("ann");
  run();
  CAF_CHECK(four.sink->closed_with.empty());
}

CAF_TEST(a stream ends with its token unless it was renewed) {
  auto soon = clock.now() + 10s;
  auto make = [&] {
    auto one = client{};
    stream_request request;
    request.id = session_id{next_session++};
    request.user = user_id{"ann"};
    request.codec = &codec;
    request.token_expires = soon;
    one.session = spawn_session(sys, 0, context, std::move(request), one.sink);
    return one;
  };
  auto ends = make();
  auto renewed = make();
  run();
  say(renewed, stream_command::renew{soon + 10s});
  for (int i = 0; i < 12; ++i)
    pass(1s);
  CAF_REQUIRE_EQUAL(ends.sink->closed_with.size(), 1u);
  CAF_CHECK(ends.sink->closed_with[0].code == errc::token_expired);
  CAF_CHECK(renewed.sink->closed_with.empty());
  for (int i = 0; i < 12; ++i)
    pass(1s);
  CAF_CHECK_EQUAL(renewed.sink->closed_with.size(), 1u);
}

CAF_TEST(every stream hears a heartbeat with its newest id in each interval) {
  auto ann = connect("ann");
  run();
  publish_to("ann");
  run();
  for (int i = 0; i < 61; ++i)
    pass(1s);
  CAF_CHECK_EQUAL(ann.sink->count("heartbeat"), 2u);
  CAF_CHECK(ann.sink->lines.back().find("\"lastEventId\":\"u1,b0\"") != std::string::npos);
}

CAF_TEST(a supervisor without work ends and a later event is numbered on) {
  publish_to("ann");
  run();
  CAF_CHECK_EQUAL(living("user_supervisor"), 1u);
  pass(65s);
  CAF_CHECK_EQUAL(living("user_supervisor"), 0u);
  publish_to("ann");
  run();
  CAF_CHECK_EQUAL(receipts.back()->id, "u2");
}

CAF_TEST(whatever a client does nothing is left of it) {
  for (int i = 0; i < 20; ++i) {
    auto ann = connect("ann", i % 2 ? std::optional<std::string>{"u0,b0"} : std::nullopt, {"r"});
    for (int step = 0; step < i % 5; ++step)
      sched.run_once();
    disconnect(ann);
    if (i % 3 == 0)
      publish_to("ann");
  }
  pass(90s);
  CAF_CHECK_EQUAL(living("session"), 0u);
  CAF_CHECK_EQUAL(living("user_supervisor"), 0u);
  CAF_CHECK_EQUAL(context.counts.users.load(), 0u);
  // The broadcast log's hub stays as long as somebody may follow it: nobody does.
  CAF_CHECK_EQUAL(living("room"), 0u);
}

CAF_TEST(a webhook flood of one user is answered with the time to wait) {
  context.limits.webhook_requests = 3;
  for (int i = 0; i < 5; ++i)
    publish(log_id::of(user_id{"ann"}), "d" + std::to_string(i), false, publish_origin::webhook);
  run();
  std::size_t limited = 0;
  for (auto& receipt : receipts)
    limited += !receipt && receipt.error().code == errc::rate_limited ? 1 : 0;
  CAF_CHECK_EQUAL(limited, 2u);
  CAF_CHECK_EQUAL(store.all(log_id::of(user_id{"ann"})).size(), 3u);
}

CAF_TEST(a room whose members are behind refuses instead of piling up) {
  context.room_backlog_max = 2;
  auto ann = connect("ann", {}, {"r"});
  run();
  for (int i = 0; i < 5; ++i)
    publish(log_id::of(room_id{"r"}), {}, true);
  run();
  std::size_t limited = 0;
  for (auto& receipt : receipts)
    limited += !receipt ? 1 : 0;
  CAF_CHECK(limited > 0);
  CAF_CHECK_EQUAL(ann.sink->ids().size() + limited, 5u);
  publish(log_id::of(room_id{"r"}), {}, true);
  run();
  CAF_CHECK(receipts.back().has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()
