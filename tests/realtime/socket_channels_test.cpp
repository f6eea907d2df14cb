// The channels of one socket: every message of the protocol and its answer.
#define CAF_SUITE realtime_socket_channels
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "realtime/socket_channels.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace std::chrono_literals;

namespace {

const timestamp start{std::chrono::milliseconds{1'795'251'600'000}};

identity_ptr ann(std::string token, timestamp expires = start + 1h) {
  auto who = std::make_shared<identity>();
  who->token = std::move(token);
  who->role = "authenticated";
  who->user = "ann";
  who->expires = expires;
  who->valid_until = expires;
  return who;
}

/// Writes down what the machine asks for.
struct recorder final : socket_host {
  std::vector<std::string> sent;
  std::vector<std::string> calls;
  std::vector<client_message> broadcasts;
  std::uint64_t question = 0;
  std::string token;

  void send(std::string_view frame) override { sent.emplace_back(frame); }
  void check_token(std::uint64_t asked, std::string what) override {
    question = asked;
    token = std::move(what);
    calls.push_back("check " + token);
  }
  void ask_permission(std::uint64_t asked, const channel& of) override {
    question = asked;
    calls.push_back("permit " + of.name);
  }
  void enter(const channel& of) override { calls.push_back("enter " + of.name); }
  void leave(const channel& of) override { calls.push_back("leave " + of.name); }
  void renew(const channel& of) override { calls.push_back("renew " + of.name + ' ' + of.who->token); }
  bool kept = false; ///< Broadcasts are said later.
  bool broadcast(const channel& of, client_message message) override {
    calls.push_back("broadcast " + of.name);
    broadcasts.push_back(std::move(message));
    return !kept;
  }
  void locate_replay(std::uint64_t asked, const channel& of) override {
    question = asked;
    calls.push_back("locate " + of.name);
  }
  void track(const channel& of, std::string payload) override {
    calls.push_back("track " + of.name + ' ' + payload);
  }
  void untrack(const channel& of) override { calls.push_back("untrack " + of.name); }
  void end(std::uint16_t code, std::string_view) override {
    calls.push_back("end " + std::to_string(code));
  }

  std::string take_call() {
    auto joined = std::string{};
    for (auto& one : calls)
      joined += joined.empty() ? one : "; " + one;
    calls.clear();
    return joined;
  }
  std::string take_sent() {
    auto joined = std::string{};
    for (auto& one : sent)
      joined += joined.empty() ? one : "\n" + one;
    sent.clear();
    return joined;
  }
};

struct world {
  recorder host;
  socket_limits limits;
  std::unique_ptr<socket_channels> socket;
  timestamp now = start;

  explicit world(socket_limits given = {}) : limits(given) {
    socket = std::make_unique<socket_channels>(host, protocol::v2, ann("own"), limits, 1);
  }

  void say(const std::string& frame) {
    auto message = parse_text_frame(protocol::v2, frame);
    CAF_REQUIRE(message.has_value());
    socket->receive(std::move(*message), now);
  }
  void good_token(timestamp expires = start + 1h) {
    socket->token_checked(host.question, ann(host.token, expires), now);
  }
  /// Joins "realtime:<name>" with ref and join_ref 6 and forgets what that brought.
  void joined(const std::string& name = "room1", const std::string& config = "{}") {
    say(R"(["6","6","realtime:)" + name + R"(","phx_join",{"config":)" + config + "}]");
    good_token();
    if (config.find("\"private\":true") != std::string::npos)
      socket->permitted(host.question, permissions::all(), now);
    CAF_REQUIRE(socket->size() > 0);
    host.sent.clear();
    host.calls.clear();
  }
};

} // namespace

CAF_TEST(a heartbeat is answered) {
  world w;
  w.say(R"([null,"11","phoenix","heartbeat",{}])");
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"([null,"11","phoenix","phx_reply",{"status":"ok","response":{}}])");
}

CAF_TEST(a join is checked and answered and entered) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{"config":{"postgres_changes":)"
        R"([{"event":"*","schema":"public","table":"messages","filter":"id=gt.0"}]},)"
        R"("access_token":"jwt-1"}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "check jwt-1");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  w.good_token();
  CAF_CHECK_EQUAL(w.host.take_call(), "enter room1");
  auto frame = nlohmann::json::parse(w.host.take_sent());
  CAF_CHECK_EQUAL(frame[0], "6");
  CAF_CHECK_EQUAL(frame[1], "6");
  CAF_CHECK_EQUAL(frame[3], "phx_reply");
  CAF_CHECK_EQUAL(frame[4]["status"], "ok");
  const auto& entry = frame[4]["response"]["postgres_changes"][0];
  CAF_CHECK_EQUAL(entry["filter"], "id=gt.0");
  CAF_CHECK(entry["id"].get<int>() > 0);
}

CAF_TEST(a join without a token of its own takes that of the socket) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "check own");
  w.say(R"(["7","7","realtime:room2","phx_join",{"access_token":"sb_publishable_x"}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "check own");
}

CAF_TEST(a bad token refuses the join with its reason) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{"access_token":"x"}])");
  w.socket->token_checked(w.host.question, token_problem::malformed(), w.now);
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"(["6","6","realtime:room1","phx_reply",{"status":"error","response":)"
                  R"({"reason":"MalformedJWT: The token provided is not a valid JWT"}}])");
  CAF_CHECK_EQUAL(w.socket->size(), 0U);
  w.say(R"(["6","6","realtime:room1","phx_join",{"access_token":"x"}])");
  w.good_token(start - 90s);
  CAF_CHECK(w.host.take_sent().find("InvalidJWTToken: Token has expired 90 seconds ago")
            != std::string::npos);
}

CAF_TEST(topics must have the prefix and a name) {
  world w;
  w.say(R"(["6","6","realtime:","phx_join",{}])");
  CAF_CHECK(w.host.take_sent().find("TopicNameRequired: You must provide a topic name")
            != std::string::npos);
  w.say(R"(["6","6","room1","phx_join",{}])");
  CAF_CHECK(w.host.take_sent().find("unmatched topic") != std::string::npos);
  w.say(R"(["6","7","realtime:nobody","broadcast",{}])");
  CAF_CHECK(w.host.take_sent().find("unmatched topic") != std::string::npos);
}

CAF_TEST(a private channel needs a permission to read) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{"config":{"private":true}}])");
  w.good_token();
  CAF_CHECK_EQUAL(w.host.take_call(), "check own; permit room1");
  w.socket->permitted(w.host.question, {}, w.now);
  CAF_CHECK(w.host.take_sent().find(
              "Unauthorized: You do not have permissions to read from this Channel topic: room1")
            != std::string::npos);
  w.say(R"(["6","6","realtime:room1","phx_join",{"config":{"private":true}}])");
  w.good_token();
  w.socket->permission_failed(w.host.question, refusal::unavailable);
  CAF_CHECK(w.host.take_sent().find("UnableToConnectToProject: ") != std::string::npos);
  CAF_CHECK_EQUAL(w.socket->size(), 0U);
}

CAF_TEST(without the right to write nothing is sent and nothing is said) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{"config":{"private":true,"broadcast":{"ack":true}}}])");
  w.good_token();
  w.socket->permitted(w.host.question, {true, false, true, false}, w.now);
  w.host.take_sent();
  w.host.take_call();
  w.say(R"(["6","8","realtime:room1","broadcast",{"type":"broadcast","event":"e","payload":{}}])");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  CAF_CHECK_EQUAL(w.host.take_call(), "");
  w.say(R"(["6","9","realtime:room1","presence",{"event":"track","payload":{}}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "");
  CAF_CHECK(w.host.take_sent().find("\"status\":\"error\"") != std::string::npos);
}

CAF_TEST(what is to be replayed is located before the join is answered) {
  auto config = [](const std::string& replay) {
    return R"(["6","6","realtime:room1","phx_join",{"config":{"private":true,"broadcast":{"replay":)"
           + replay + "}}}]";
  };
  for (auto bad : {R"({})", R"({"since":"1"})", R"({"since":-1})", R"({"since":1,"limit":"x"})",
                   R"({"after":"7x"})", "7"}) {
    world w;
    w.say(config(bad));
    w.good_token();
    w.socket->permitted(w.host.question, permissions::all(), w.now);
    CAF_CHECK(w.host.take_sent().find("UnableToReplayMessages: Replay params are not valid")
              != std::string::npos);
  }
  world w;
  w.say(config(R"({"since":1})"));
  w.good_token();
  w.host.take_call();
  w.socket->permitted(w.host.question, permissions::all(), w.now);
  CAF_CHECK_EQUAL(w.host.take_call(), "locate room1");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  w.socket->replay_located(w.host.question, true);
  CAF_CHECK_EQUAL(w.host.take_call(), "enter room1");
  CAF_CHECK(w.host.take_sent().find("\"status\":\"ok\"") != std::string::npos);
  w.say(config(R"({"since":1})"));
  w.good_token();
  w.socket->permitted(w.host.question, permissions::all(), w.now);
  w.socket->replay_located(w.host.question, false);
  CAF_CHECK(w.host.take_sent().find("Realtime was unable to replay messages") != std::string::npos);
  w.say(config(R"({"since":1})"));
  w.good_token();
  w.socket->permitted(w.host.question, {false, true, true, true}, w.now);
  CAF_CHECK(w.host.take_sent().find("Unauthorized: ") != std::string::npos);
}

CAF_TEST(a broadcast that is kept is answered when it is) {
  world w;
  w.joined("room1", R"({"private":true,"broadcast":{"ack":true}})");
  auto id = w.socket->find(1)->id;
  w.host.kept = true;
  w.say(R"(["6","8","realtime:room1","broadcast",{"type":"broadcast","event":"e","payload":{}}])");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  w.socket->broadcast_settled(id, "\"8\"", true);
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"(["6","8","realtime:room1","phx_reply",{"status":"ok","response":{}}])");
  w.socket->broadcast_settled(id, "\"9\"", false);
  CAF_CHECK(w.host.take_sent().find(not_kept) != std::string::npos);
}

CAF_TEST(a project may allow private channels only) {
  socket_limits limits;
  limits.private_only = true;
  world w{limits};
  w.say(R"(["6","6","realtime:room1","phx_join",{}])");
  CAF_CHECK(w.host.take_sent().find("PrivateOnly: This project only allows private channels")
            != std::string::npos);
}

CAF_TEST(a second join of a topic replaces the first) {
  world w;
  w.joined();
  w.say(R"(["9","9","realtime:room1","phx_join",{}])");
  CAF_CHECK_EQUAL(w.host.take_sent(), R"(["6","6","realtime:room1","phx_close",{}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "leave room1; check own");
  w.good_token();
  CAF_CHECK(w.host.take_sent().starts_with(R"(["9","9","realtime:room1","phx_reply")"));
  CAF_CHECK_EQUAL(w.socket->size(), 1U);
}

CAF_TEST(an answer to a question of yesterday does nothing) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{"access_token":"a"}])");
  auto old = w.host.question;
  w.say(R"(["7","7","realtime:room1","phx_join",{"access_token":"b"}])");
  w.host.take_sent();
  w.socket->token_checked(old, ann("a"), w.now);
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  w.good_token();
  CAF_CHECK(w.host.take_sent().starts_with(R"(["7","7")"));
}

CAF_TEST(a leave is answered and closes) {
  world w;
  w.joined();
  w.say(R"(["6","15","realtime:room1","phx_leave",{}])");
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"(["6","15","realtime:room1","phx_reply",{"status":"ok","response":{}}])" "\n"
                  R"(["6","6","realtime:room1","phx_close",{}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "leave room1");
  w.say(R"(["6","16","realtime:room1","phx_leave",{}])");
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"(["6","16","realtime:room1","phx_reply",{"status":"ok","response":{}}])");
}

CAF_TEST(a broadcast is acknowledged only where that was asked for) {
  world w;
  w.joined();
  constexpr auto frame
    = R"(["6","8","realtime:room1","broadcast",{"type":"broadcast","event":"e","payload":{"x":1}}])";
  w.say(frame);
  CAF_CHECK_EQUAL(w.host.take_call(), "broadcast room1");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  w.joined("room1", R"({"broadcast":{"ack":true}})");
  w.say(frame);
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"(["6","8","realtime:room1","phx_reply",{"status":"ok","response":{}}])");
  CAF_CHECK_EQUAL(w.host.broadcasts.back().payload,
                  R"({"type":"broadcast","event":"e","payload":{"x":1}})");
}

CAF_TEST(a broadcast that is too large goes nowhere) {
  socket_limits limits;
  limits.payload_bytes = 60;
  world w{limits};
  w.joined("room1", R"({"broadcast":{"ack":true}})");
  w.say(R"(["6","8","realtime:room1","broadcast",{"type":"broadcast","event":"e","payload":{"x":")"
        + std::string(100, 'y') + "\"}}]");
  CAF_CHECK_EQUAL(w.host.take_call(), "");
  CAF_CHECK(w.host.take_sent().find("\"status\":\"error\"") != std::string::npos);
}

CAF_TEST(presence is tracked and untracked) {
  world w;
  w.joined();
  w.say(R"(["6","8","realtime:room1","presence",{"type":"presence","event":"TRACK","payload":{"a":1}}])");
  CAF_CHECK_EQUAL(w.host.take_call(), R"(track room1 {"a":1})");
  CAF_CHECK_EQUAL(w.host.take_sent(),
                  R"(["6","8","realtime:room1","phx_reply",{"status":"ok","response":{}}])");
  w.say(R"(["6","9","realtime:room1","presence",{"type":"presence","event":"untrack"}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "untrack room1");
  w.host.take_sent();
  w.say(R"(["6","10","realtime:room1","presence",{"event":"untrack"}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "");
  CAF_CHECK(w.host.take_sent().find("\"ok\"") != std::string::npos);
  w.say(R"(["6","11","realtime:room1","presence",{"event":"track","payload":[1]}])");
  CAF_CHECK(w.host.take_sent().find("Presence track payload must be a map") != std::string::npos);
}

CAF_TEST(too much presence ends the channel) {
  socket_limits limits;
  limits.presence_calls = 2;
  world w{limits};
  w.joined();
  for (int i = 0; i < 3; ++i)
    w.say(R"(["6","8","realtime:room1","presence",{"event":"untrack"}])");
  auto sent = w.host.take_sent();
  CAF_CHECK(sent.find(R"("message":"Client presence rate limit exceeded","status":"error",)"
                      R"("extension":"system","channel":"room1")")
            != std::string::npos);
  CAF_CHECK(sent.ends_with(R"(["6","6","realtime:room1","phx_close",{}])"));
  w.joined();
  w.now += 31s;
  w.say(R"(["6","8","realtime:room1","presence",{"event":"untrack"}])");
  CAF_CHECK_EQUAL(w.socket->size(), 1U);
}

CAF_TEST(too many messages end the channel) {
  socket_limits limits;
  limits.messages_per_second = 3;
  world w{limits};
  w.joined();
  for (int i = 0; i < 3; ++i)
    w.say(R"(["6","8","realtime:room1","broadcast",{"event":"e"}])");
  CAF_CHECK_EQUAL(w.socket->size(), 1U);
  w.say(R"(["6","8","realtime:room1","broadcast",{"event":"e"}])");
  CAF_CHECK(w.host.take_sent().find("Too many messages per second") != std::string::npos);
  CAF_CHECK_EQUAL(w.socket->size(), 0U);
}

CAF_TEST(there are bounds for channels and joins) {
  socket_limits limits;
  limits.channels = 2;
  limits.joins_per_second = 4;
  world w{limits};
  w.joined("a");
  w.joined("b");
  w.say(R"(["6","6","realtime:c","phx_join",{}])");
  CAF_CHECK(w.host.take_sent().find("ChannelRateLimitReached: Too many channels")
            != std::string::npos);
  w.joined("a"); // A rejoin is no further channel.
  CAF_CHECK_EQUAL(w.socket->size(), 2U);
  w.say(R"(["6","6","realtime:b","phx_join",{}])");
  CAF_CHECK(w.host.take_sent().find("ClientJoinRateLimitReached: Too many joins per second")
            != std::string::npos);
  CAF_CHECK_EQUAL(w.host.take_call(), "end 1012");
}

CAF_TEST(a new token is checked without an answer) {
  world w;
  w.joined();
  w.say(R"(["6","10","realtime:room1","access_token",{"access_token":"jwt-2"}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "check jwt-2");
  w.good_token();
  CAF_CHECK_EQUAL(w.host.take_call(), "renew room1 jwt-2");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  for (auto same : {"\"jwt-2\"", "null", "\"sb_secret\"", "5"})
    w.say(R"(["6","10","realtime:room1","access_token",{"access_token":)" + std::string{same}
          + "}]");
  CAF_CHECK_EQUAL(w.host.take_call(), "");
}

CAF_TEST(a bad new token ends the channel) {
  world w;
  w.joined();
  w.say(R"(["6","10","realtime:room1","access_token",{"access_token":"bad"}])");
  w.socket->token_checked(w.host.question, token_problem::claims(), w.now);
  auto sent = w.host.take_sent();
  CAF_CHECK(sent.find("Fields `role` and `exp` are required in JWT") != std::string::npos);
  CAF_CHECK(sent.find("phx_close") != std::string::npos);
  CAF_CHECK_EQUAL(w.socket->size(), 0U);
}

CAF_TEST(a new token that may read less ends a private channel) {
  world w;
  w.joined("room1", R"({"private":true})");
  w.say(R"(["6","10","realtime:room1","access_token",{"access_token":"jwt-2"}])");
  w.good_token();
  w.socket->permitted(w.host.question, {true, true, false, false}, w.now);
  CAF_CHECK(w.host.take_sent().find(
              "You no longer have permission to read from this Channel topic: room1")
            != std::string::npos);
}

CAF_TEST(a channel ends when its token does unless that was renewed) {
  world w;
  w.joined();
  CAF_CHECK(w.socket->deadline() == start + 1h);
  w.say(R"(["6","10","realtime:room1","access_token",{"access_token":"jwt-2"}])");
  w.good_token(start + 2h);
  w.now = start + 1h;
  w.socket->on_time(w.now);
  CAF_CHECK_EQUAL(w.socket->size(), 1U);
  CAF_CHECK(w.socket->deadline() == start + 2h);
  w.now = start + 2h + 5s;
  w.socket->on_time(w.now);
  CAF_CHECK(w.host.take_sent().find("Token has expired 5 seconds ago") != std::string::npos);
  CAF_CHECK_EQUAL(w.socket->size(), 0U);
  CAF_CHECK(!w.socket->deadline().has_value());
}

CAF_TEST(replay is for private channels and wants sense) {
  auto answer = [](const std::string& config) {
    world w;
    w.say(R"(["6","6","realtime:a","phx_join",{"config":)" + config + "}]");
    w.good_token();
    if (w.host.take_call().find("permit") != std::string::npos)
      w.socket->permitted(w.host.question, permissions::all(), w.now);
    if (w.host.take_call().find("locate") != std::string::npos)
      w.socket->replay_located(w.host.question, true);
    return w.host.take_sent();
  };
  CAF_CHECK(answer(R"({"broadcast":{"replay":{"since":1}}})").find(
              "UnableToReplayMessages: Replay is not allowed for public channels")
            != std::string::npos);
  CAF_CHECK(answer(R"({"private":true,"broadcast":{"replay":{"since":"x"}}})").find(
              "UnableToReplayMessages: Replay params are not valid")
            != std::string::npos);
  CAF_CHECK(answer(R"({"private":true,"broadcast":{"replay":{"since":1}}})").find("\"ok\"")
            != std::string::npos);
}

CAF_TEST(nobody speaks in a channel before it is joined) {
  world w;
  w.say(R"(["6","6","realtime:room1","phx_join",{}])");
  w.host.take_call();
  w.say(R"(["6","8","realtime:room1","broadcast",{"event":"e"}])");
  CAF_CHECK_EQUAL(w.host.take_call(), "");
}

CAF_TEST(unknown events are ignored) {
  world w;
  w.joined();
  w.say(R"(["6","8","realtime:room1","nonsense",{}])");
  w.say(R"([null,"8","phoenix","nonsense",{}])");
  CAF_CHECK_EQUAL(w.host.take_sent(), "");
  CAF_CHECK_EQUAL(w.socket->size(), 1U);
}
