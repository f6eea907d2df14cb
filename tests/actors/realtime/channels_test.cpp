// Clients in channels: sessions and hubs together, with sockets that write down what they get.
#define CAF_SUITE realtime_channels
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "actors/realtime/context.hpp"
#include "actors/realtime/realtime_session.hpp"
#include "tests/support/actor_fixture.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace std::chrono_literals;
using json = nlohmann::json;

namespace {

identity_ptr identity_of(std::string token, timestamp expires, std::vector<std::string> rooms = {}) {
  auto who = std::make_shared<identity>();
  who->token = std::move(token);
  who->role = "authenticated";
  who->user = "ann";
  who->expires = who->valid_until = expires;
  who->rooms = std::move(rooms);
  return who;
}

/// Takes everything; believes every token but "bad".
struct fake_socket final : socket {
  std::vector<std::string> frames;
  std::vector<std::string> bytes;
  std::vector<std::string> ended;
  std::vector<std::string> rooms;
  timestamp expires;
  realtime_session_actor session;
  std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();

  bool text(std::string_view frame) override {
    frames.emplace_back(frame);
    return true;
  }
  bool binary(std::string_view frame) override {
    bytes.emplace_back(frame);
    return true;
  }
  std::size_t waiting = 0;
  std::size_t waiting_bytes() const noexcept override { return waiting; }
  void check_token(std::uint64_t question, std::string token) override {
    socket_channels::token_answer answer = token_problem::malformed();
    if (token != "bad")
      answer = identity_of(std::move(token), expires, rooms);
    caf::anon_send(session, token_verdict{question, std::move(answer)});
  }
  void end(std::uint16_t code, std::string_view) override { ended.push_back(std::to_string(code)); }
  std::chrono::steady_clock::time_point heard_at() const noexcept override { return heard; }

  /// Frames of this event, as [join_ref, ref, topic, event, payload].
  std::vector<json> of(const std::string& event) const {
    std::vector<json> found;
    for (const auto& frame : frames)
      if (auto read = json::parse(frame); read.is_array() && read[3] == event)
        found.push_back(read);
    return found;
  }
};
using socket_ptr = std::shared_ptr<fake_socket>;

/// Keeps and reads at once; what it found is told when the test says so.
struct fake_archive final : broadcast_archive {
  std::vector<kept_broadcast> kept;
  timestamp now{};
  bool down = false;
  bool late = false;
  bool late_keep = false;
  std::vector<std::function<void()>> waiting;

  void later(std::function<void()> what) {
    if (late)
      waiting.push_back(std::move(what));
    else
      what();
  }
  void answer_one() {
    auto first = std::move(waiting.front());
    waiting.erase(waiting.begin());
    first();
  }
  void keep(const std::string&, const broadcast_content& what,
            callback<std::uint64_t> done) override {
    if (down)
      return done(error{errc::store_unavailable, "down"});
    kept.push_back({kept.size() + 1, now, what});
    if (late_keep)
      waiting.push_back([done = std::move(done), number = kept.size()] { done(number); });
    else
      done(kept.size());
  }
  void extent(const std::string&, callback<kept_extent> done) override {
    if (down)
      return done(error{errc::store_unavailable, "down"});
    done(kept_extent{kept.size(), 0});
  }
  void read(const std::string&, std::uint64_t after, std::size_t limit,
            callback<kept_page> done) override {
    kept_page page;
    for (auto n = after; n < kept.size() && page.broadcasts.size() < limit; ++n)
      page.broadcasts.push_back(kept[n]);
    later([this, page = std::move(page), done = std::move(done)]() mutable {
      if (down)
        return done(error{errc::store_unavailable, "down"});
      done(std::move(page));
    });
  }
};

struct world : test::actor_fixture<> {
  claim_policy policy;
  realtime_context env;

  world() {
    env.policy = &policy;
    env.clock = &clock;
    env.random = [this] { return std::uint64_t{random()} << 32U | random(); };
    // Two threads' worth, so that a channel's home is another hub than its members' half the time.
    for (std::size_t home = 0; home < 2; ++home)
      env.hubs.push_back(spawn_channel_hub(sys, home, env));
    settle();
  }
  ~world() {
    for (auto& hub : env.hubs)
      caf::anon_send_exit(hub, caf::exit_reason::kill);
    settle();
    env.hubs.clear();
  }

  socket_ptr connect(std::size_t home = 0, protocol spoken = protocol::v2) {
    auto made = std::make_shared<fake_socket>();
    made->expires = clock.time + 1h;
    made->session = spawn_realtime_session(sys, home, env, spoken,
                                           identity_of("own", made->expires), made);
    settle();
    return made;
  }
  void say(const socket_ptr& from, std::string frame) {
    caf::anon_send(from->session, client_frame{false, std::move(frame)});
    settle();
  }
  void join(const socket_ptr& from, const std::string& room, const std::string& asked = "{}") {
    say(from, R"(["1","1","realtime:)" + room + R"(","phx_join",{"config":)" + asked + "}]");
  }
  void hang_up(const socket_ptr& from) {
    caf::anon_send(from->session, socket_closed{});
    from->session = nullptr;
    settle();
  }
};

std::string broadcast(const std::string& room, const std::string& payload = "{}") {
  return R"([null,"5","realtime:)" + room
         + R"(","broadcast",{"type":"broadcast","event":"e","payload":)" + payload + "}]";
}

std::string track(const std::string& room, const std::string& payload) {
  return R"(["1","6","realtime:)" + room
         + R"(","presence",{"type":"presence","event":"track","payload":)" + payload + "}]";
}

/// With an archive, and clients that may use the private channel "a".
struct keeping : world {
  fake_archive archive;

  keeping() { env.archive = &archive; }

  socket_ptr member(const std::string& broadcast = "{}", std::size_t home = 0,
                    protocol spoken = protocol::v2) {
    auto made = connect(home, spoken);
    made->rooms = {"*"};
    auto asked = R"({"private":true,"broadcast":)" + broadcast + '}';
    if (spoken == protocol::v2)
      join(made, "a", asked);
    else
      say(made, R"({"topic":"realtime:a","event":"phx_join","payload":{"config":)" + asked
                  + R"(},"ref":"1","join_ref":"1"})");
    return made;
  }
  /// "1 2r": ids of the broadcasts it got; r: replayed.
  static std::string heard(const socket_ptr& who) {
    std::string all;
    for (const auto& frame : who->of("broadcast")) {
      const auto& meta = frame[4]["meta"];
      all += (all.empty() ? "" : " ") + meta["id"].get<std::string>();
      all += meta.contains("replayed") ? "r" : "";
    }
    return all;
  }
};

} // namespace

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

CAF_TEST_FIXTURE_SCOPE(realtime_replay_tests, keeping)

CAF_TEST(broadcasts of private channels are kept and carry their id) {
  auto ann = member(R"({"ack":true})");
  auto ben = member("{}", 1);
  say(ann, broadcast("a", R"({"x":1})"));
  CAF_REQUIRE_EQUAL(archive.kept.size(), 1U);
  CAF_CHECK_EQUAL(archive.kept[0].what.payload,
                  R"({"type":"broadcast","event":"e","payload":{"x":1}})");
  CAF_CHECK_EQUAL(heard(ben), "1");
  CAF_CHECK_EQUAL(ann->of("phx_reply").back()[4]["status"], "ok");
  auto stranger = connect();
  join(stranger, "a"); // The public channel of that name is another one.
  say(stranger, broadcast("a"));
  CAF_CHECK_EQUAL(archive.kept.size(), 1U);
  CAF_CHECK_EQUAL(heard(ben), "1");
}

CAF_TEST(what cannot be kept is not said and its sender is told) {
  auto ann = member(R"({"ack":true})");
  auto ben = member("{}", 1);
  archive.down = true;
  say(ann, broadcast("a"));
  CAF_CHECK_EQUAL(heard(ben), "");
  CAF_CHECK_EQUAL(ann->of("phx_reply").back()[4]["response"]["reason"], not_kept);
  auto late = member(R"({"replay":{"since":0}})");
  CAF_CHECK_EQUAL(late->of("phx_reply").back()[4]["response"]["reason"], refusal::replay_failed);
}

CAF_TEST(a newcomer is told what was said before in order and then what is said now) {
  auto ann = member();
  for (int i = 0; i < 150; ++i)
    say(ann, broadcast("a"));
  for (std::size_t home : {0, 1}) {
    auto ben = member(R"({"replay":{"after":"147"}})", home);
    CAF_CHECK_EQUAL(heard(ben), "148r 149r 150r");
    CAF_CHECK_EQUAL(ben->of("phx_reply").front()[4]["status"], "ok");
    auto all = member(R"({"replay":{"since":0}})", home);
    CAF_CHECK_EQUAL(all->of("broadcast").size(), 150U);
  }
  auto ben = member(R"({"replay":{"since":0,"limit":1}})", 1);
  say(ann, broadcast("a"));
  CAF_CHECK_EQUAL(heard(ben), "150r 151");
}

CAF_TEST(what is said while the past is told comes once and in its place) {
  auto ann = member();
  for (int i = 0; i < 70; ++i) // More than a page.
    say(ann, broadcast("a"));
  for (std::size_t home : {0, 1}) {
    archive.late = true;
    auto ben = member(R"({"replay":{"after":"0"}})", home);
    auto before = archive.kept.size();
    while (!archive.waiting.empty()) {
      if (archive.kept.size() < before + 4) { // Between the pages, and behind the last one.
        say(ann, broadcast("a"));
        say(ann, broadcast("a"));
      }
      archive.answer_one();
      settle();
    }
    archive.late = false;
    say(ann, broadcast("a"));
    auto got = ben->of("broadcast");
    CAF_REQUIRE_EQUAL(got.size(), archive.kept.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      CAF_CHECK_EQUAL(got[i][4]["meta"]["id"], std::to_string(i + 1));
    CAF_CHECK(!got.back()[4]["meta"].contains("replayed"));
  }
}

CAF_TEST(what is in the past already is not told again when its live message comes) {
  auto ann = member();
  archive.late_keep = true;
  say(ann, broadcast("a"));
  archive.late_keep = false;
  auto ben = member(R"({"replay":{"after":0}})", 1);
  auto carl = member("{}", 1);
  CAF_CHECK_EQUAL(heard(ben), "1r");
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(heard(ben), "1r");
  CAF_CHECK_EQUAL(heard(carl), "1");
}

CAF_TEST(a client that leaves while the past is told hears no more of it) {
  auto ann = member();
  say(ann, broadcast("a"));
  archive.late = true;
  auto ben = member(R"({"replay":{"after":0}})");
  say(ben, R"(["1","2","realtime:a","phx_leave",{}])");
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(heard(ben), "");
  auto gone = member(R"({"replay":{"after":0}})");
  hang_up(gone);
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(heard(gone), "");
}

CAF_TEST(an archive that fails midway has the client join again) {
  auto ann = member();
  say(ann, broadcast("a"));
  archive.late = true;
  auto ben = member(R"({"replay":{"after":0}})");
  archive.down = true;
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(ben->of("phx_error").size(), 1U);
  CAF_CHECK_EQUAL(ben->of("phx_close").size(), 0U);
}

CAF_TEST(a slow client is told the past as it takes it) {
  auto ann = member();
  for (int i = 0; i < 200; ++i)
    say(ann, broadcast("a"));
  auto ben = connect(1);
  ben->rooms = {"*"};
  ben->waiting = 1'000'000;
  join(ben, "a", R"({"private":true,"broadcast":{"replay":{"after":0}}})");
  CAF_CHECK_EQUAL(ben->of("broadcast").size(), 64U);
  say(ann, broadcast("a"));
  CAF_CHECK_EQUAL(ben->of("broadcast").size(), 64U);
  ben->waiting = 0;
  caf::anon_send(ben->session, atom::drained_v);
  settle();
  CAF_CHECK_EQUAL(ben->of("broadcast").size(), 201U);
}

CAF_TEST_FIXTURE_SCOPE_END()
