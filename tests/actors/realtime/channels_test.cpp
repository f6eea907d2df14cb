// Clients in channels: what they say, what they hear, who is present.
#define CAF_SUITE realtime_channels
#include "tests/support/caf_test.hpp"

#include "tests/actors/realtime/channel_world.hpp"

CAF_TEST_FIXTURE_SCOPE(realtime_channels_tests, world)

CAF_TEST(a broadcast reaches the others on every thread and the sender only if it wants that) {
  for (auto room : {"a", "b", "c"}) { // Homes differ.
    auto sender = connect(0);
    auto same = connect(0);
    auto other = connect(1);
    auto elsewhere = connect(1);
    join(sender, room);
    join(same, room);
    join(other, room);
    join(elsewhere, "elsewhere");
    say(sender, broadcast(room, "{\"x\":1}"));
    CAF_CHECK_EQUAL(sender->of("broadcast").size(), 0U);
    CAF_REQUIRE_EQUAL(same->of("broadcast").size(), 1U);
    CAF_CHECK_EQUAL(other->of("broadcast").size(), 1U);
    CAF_CHECK_EQUAL(elsewhere->of("broadcast").size(), 0U);
    auto frame = same->of("broadcast")[0];
    CAF_CHECK(frame[0].is_null());
    CAF_CHECK(frame[1].is_null());
    CAF_CHECK_EQUAL(frame[4].dump(), R"({"event":"e","payload":{"x":1},"type":"broadcast"})");
    join(sender, room, R"({"broadcast":{"self":true,"ack":true}})");
    say(sender, broadcast(room));
    CAF_CHECK_EQUAL(sender->of("broadcast").size(), 1U);
  }
}

CAF_TEST(a client sees its own broadcasts from its first one on) {
  for (auto room : {"a", "b", "c"}) {
    auto client = connect(1);
    caf::anon_send(client->session,
                   client_frame{false, R"(["1","1","realtime:)" + std::string{room}
                                         + R"(","phx_join",{"config":{"broadcast":{"self":true}}}])"});
    settle();
    for (int i = 0; i < 3; ++i)
      caf::anon_send(client->session, client_frame{false, broadcast(room)});
    settle();
    CAF_CHECK_EQUAL(client->of("broadcast").size(), 3U);
  }
}

CAF_TEST(bytes reach clients of 2.0.0 only) {
  auto sender = connect();
  auto modern = connect(1);
  auto old = connect(1, protocol::v1);
  join(sender, "a");
  join(modern, "a");
  say(old, R"({"topic":"realtime:a","event":"phx_join","payload":{},"ref":"1","join_ref":"1"})");
  std::string push{"\x03\x01\x01\x0a\x03\x00\x00" "11realtime:araw\x01\x02", 24};
  caf::anon_send(sender->session, client_frame{true, push});
  settle();
  CAF_REQUIRE_EQUAL(modern->bytes.size(), 1U);
  CAF_CHECK_EQUAL(modern->bytes[0], (std::string{"\x04\x0a\x03\x00\x00realtime:araw\x01\x02", 20}));
  CAF_CHECK(old->bytes.empty());
  say(sender, broadcast("a"));
  CAF_CHECK(json::parse(old->frames.back())["event"] == "broadcast");
}

CAF_TEST(presence comes as a state and then as differences) {
  for (auto room : {"a", "b", "c"}) {
    auto first = connect(0);
    auto second = connect(1);
    join(first, room, R"({"presence":{"key":"u1"}})");
    CAF_REQUIRE_EQUAL(first->of("presence_state").size(), 1U);
    CAF_CHECK(first->of("presence_state")[0][4].dump() == "{}");
    CAF_CHECK(first->of("presence_state")[0][0] == "1");
    say(first, track(room, R"({"name":"a"})"));
    CAF_REQUIRE_EQUAL(first->of("presence_diff").size(), 1U);
    auto joined = first->of("presence_diff")[0][4]["joins"]["u1"]["metas"][0];
    CAF_CHECK(joined["name"] == "a");
    join(second, room, R"({"presence":{"key":"u2"}})");
    CAF_CHECK(second->of("presence_state").back()[4]["u1"]["metas"][0] == joined);
    CAF_CHECK(second->of("presence_diff").empty());
    say(second, track(room, "{}"));
    CAF_CHECK(first->of("presence_diff").back()[4]["joins"].contains("u2"));
    hang_up(first);
    CAF_CHECK(second->of("presence_diff").back()[4]["leaves"].contains("u1"));
    say(second, R"(["1","9","realtime:)" + std::string{room}
                  + R"(","presence",{"type":"presence","event":"untrack"}])");
    CAF_CHECK(second->of("presence_diff").back()[4]["leaves"].contains("u2"));
  }
}

CAF_TEST(whoever turned presence off hears nothing of it until it tracks itself) {
  auto quiet = connect();
  auto other = connect(1);
  join(quiet, "a", R"({"presence":{"enabled":false}})");
  join(other, "a");
  say(other, track("a", "{}"));
  CAF_CHECK(quiet->of("presence_state").empty());
  CAF_CHECK(quiet->of("presence_diff").empty());
  say(quiet, track("a", "{}"));
  CAF_CHECK_EQUAL(quiet->of("presence_state").size(), 1U);
  CAF_CHECK_EQUAL(quiet->of("presence_diff").size(), 1U);
}

CAF_TEST(a member without a key has a name of its own) {
  auto one = connect();
  join(one, "a");
  say(one, track("a", "{}"));
  auto joins = one->of("presence_diff").back()[4]["joins"];
  CAF_CHECK_EQUAL(joins.begin().key().size(), 36U);
  CAF_CHECK_EQUAL(joins.begin().key()[14], '4');
}

CAF_TEST(public and private channels of one name are two) {
  auto out = connect();
  auto in = connect();
  in->rooms = {"a*"};
  join(out, "a1");
  join(in, "a1", R"({"private":true})");
  CAF_CHECK(in->of("phx_reply").back()[4]["status"] == "ok");
  say(out, broadcast("a1"));
  CAF_CHECK(in->of("broadcast").empty());
  auto refused = connect();
  join(refused, "a1", R"({"private":true})");
  CAF_CHECK(refused->of("phx_reply").back()[4]["response"]["reason"] == "Unauthorized: You do not have permissions to read from this Channel topic: a1");
}

CAF_TEST(after a leave nothing more is heard) {
  auto one = connect();
  auto other = connect(1);
  join(one, "a");
  join(other, "a");
  say(one, R"(["1","7","realtime:a","phx_leave",{}])");
  CAF_CHECK_EQUAL(one->of("phx_close").size(), 1U);
  say(other, broadcast("a"));
  CAF_CHECK(one->of("broadcast").empty());
}

CAF_TEST(a rejoin is a new member) {
  auto one = connect();
  auto other = connect(1);
  join(one, "a");
  join(one, "a");
  join(other, "a");
  say(other, broadcast("a"));
  CAF_CHECK_EQUAL(one->of("broadcast").size(), 1U);
  CAF_CHECK_EQUAL(one->of("phx_close").size(), 1U);
}

CAF_TEST(a channel ends when its token does) {
  auto one = connect();
  one->expires = clock.time + 10s;
  join(one, "a");
  advance(9s);
  CAF_CHECK(one->of("phx_close").empty());
  advance(2s);
  CAF_CHECK(one->of("system").back()[4]["message"] == "Token has expired 0 seconds ago");
  CAF_CHECK_EQUAL(one->of("phx_close").size(), 1U);
}

CAF_TEST(a token that is renewed in time keeps the channel) {
  auto one = connect();
  one->expires = clock.time + 10s;
  join(one, "a");
  one->expires = clock.time + 1h;
  say(one, R"(["1","7","realtime:a","access_token",{"access_token":"new"}])");
  advance(30s);
  CAF_CHECK(one->of("phx_close").empty());
  say(one, R"(["1","8","realtime:a","access_token",{"access_token":"bad"}])");
  CAF_CHECK(one->of("system").back()[4]["message"] == "The token provided is not a valid JWT");
  CAF_CHECK_EQUAL(one->of("phx_close").size(), 1U);
}

CAF_TEST(a large channel is told in slices and everybody hears everything in order) {
  env.slice = 3;
  std::vector<socket_ptr> members;
  for (std::size_t i = 0; i < 20; ++i) {
    members.push_back(connect(i % 2));
    join(members.back(), "a");
  }
  auto sender = connect(0);
  join(sender, "a");
  for (int i = 0; i < 5; ++i)
    caf::anon_send(sender->session,
                   client_frame{false, broadcast("a", std::to_string(i))});
  caf::anon_send(members[7]->session, socket_closed{}); // In the middle of it.
  settle();
  for (std::size_t i = 0; i < 20; ++i) {
    if (i == 7)
      continue;
    auto heard = members[i]->of("broadcast");
    CAF_REQUIRE_EQUAL(heard.size(), 5U);
    for (std::size_t n = 0; n < 5; ++n)
      CAF_CHECK_EQUAL(heard[n][4]["payload"], n);
  }
}

CAF_TEST(a channel that cannot keep up loses broadcasts and not its memory) {
  env.backlog_max = 4;
  env.slice = 1;
  auto sender = connect(0);
  auto other = connect(0);
  join(sender, "a");
  join(other, "a");
  auto note = std::make_shared<channel_note>();
  note->payload = "{}";
  for (int i = 0; i < 100; ++i)
    caf::anon_send(env.hubs[0], channel_delivery{channel_key("a", false), note});
  settle();
  CAF_CHECK(env.notes_dropped > 0U);
  CAF_CHECK(other->of("broadcast").size() >= 4U);
  CAF_CHECK_EQUAL(other->of("broadcast").size() + env.notes_dropped, 100U);
}

CAF_TEST(what is no message is ignored) {
  auto one = connect();
  join(one, "a");
  auto before = one->frames.size();
  for (auto junk : {"", "x", "[]", "{}", "[1,2,3,4,5]"})
    say(one, junk);
  caf::anon_send(one->session, client_frame{true, "\x01\x02"});
  settle();
  CAF_CHECK_EQUAL(one->frames.size(), before);
  CAF_CHECK(one->ended.empty());
  CAF_CHECK(faults.empty());
}

CAF_TEST(a socket that has been silent for too long is ended) {
  auto one = connect();
  one->heard -= 10min;
  advance(30s);
  CAF_REQUIRE_EQUAL(one->ended.size(), 1U);
  CAF_CHECK_EQUAL(one->ended[0], "1000");
}

CAF_TEST(presence of a thread that is gone ends with its lease) {
  auto watcher = connect(0);
  join(watcher, "a");
  auto home = env.hubs[home_of(channel_key("a", false), 2)];
  // A third thread, which says nothing more after this.
  caf::anon_send(home, channel_attach{channel_key("a", false), 0, true});
  caf::anon_send(home, channel_track{channel_key("a", false), 9, 77, "ghost", "{}"});
  settle();
  CAF_CHECK(watcher->of("presence_diff").back()[4]["joins"].contains("ghost"));
  advance(10min);
  CAF_CHECK(watcher->of("presence_diff").size() == 1U); // No lease was ever taken: it stays.
}

CAF_TEST(a session that ends by itself takes its members along) {
  auto one = connect(0);
  auto other = connect(1);
  join(one, "a", R"({"presence":{"key":"u1"}})");
  join(other, "a");
  say(one, track("a", "{}"));
  caf::anon_send_exit(one->session, caf::exit_reason::kill);
  settle();
  CAF_CHECK(other->of("presence_diff").back()[4]["leaves"].contains("u1"));
  CAF_CHECK_EQUAL(one->ended.size(), 1U);
}

CAF_TEST_FIXTURE_SCOPE_END()
