// Sessions and hubs together, with sockets that write down what they get. Included by one test file of
// a program at a time, behind its suite's name.
#pragma once

#include <nlohmann/json.hpp>

#include "actors/realtime/context.hpp"
#include "actors/realtime/realtime_session.hpp"
#include "tests/support/actor_fixture.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace std::chrono_literals;
using json = nlohmann::json;

namespace {

inline identity_ptr identity_of(std::string token, timestamp expires, std::vector<std::string> rooms = {}) {
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

inline std::string broadcast(const std::string& room, const std::string& payload = "{}") {
  return R"([null,"5","realtime:)" + room
         + R"(","broadcast",{"type":"broadcast","event":"e","payload":)" + payload + "}]";
}

inline std::string track(const std::string& room, const std::string& payload) {
  return R"(["1","6","realtime:)" + room
         + R"(","presence",{"type":"presence","event":"track","payload":)" + payload + "}]";
}

} // namespace
