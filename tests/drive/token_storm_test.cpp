// Many at once: needs for a token, 401s, and users in an outage of the token endpoint.
#define CAF_SUITE drive_token_storm

#include "tests/support/caf_test.hpp"

#include <string>
#include <vector>

#include "platforms/drive/token_step.hpp"
#include "tests/support/crashing_nodes.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

sim::world_options quiet_world() {
  sim::world_options options;
  options.seed = 3;
  options.items_per_hour = 0.1;
  return options;
}

http_response refused_client() {
  return {401, {}, R"({"error":"invalid_client"})"};
}

bool for_tokens(const http_request& request) {
  return request.body.find("grant_type=refresh_token") != std::string::npos;
}

/// A token step alone, for those who ask it at once.
struct asked {
  explicit asked(sim::platform where)
      : world(quiet_world()), nodes(world, shipped_platforms(), 5) {
    // Nobody but the test wakes the connection.
    nodes.scan_every = std::chrono::hours{24 * 365};
    nodes.start_node();
    world.add_user("ann");
    key = nodes.connect(where, "ann");
    host.emplace(nodes.at());
    step.emplace(key, nodes.spec_of(key.platform), nodes.at().ports, *host,
                 token_step::listener{[this](const token_keeper::end& why, auto done) {
                                        ends.push_back(why.cause);
                                        done();
                                      },
                                      [](const token_keeper::warn&) {}, [this] { ++refreshed; },
                                      [this] { return nodes.now() + 24h; }});
  }

  void load() { step->loaded(nodes.row(key)); }

  /// What fifty who ask at the same moment get.
  std::vector<result<access_token>> fifty(const std::function<void(std::function<void(result<access_token>)>)>& ask) {
    std::vector<result<access_token>> got;
    for (int i = 0; i < 50; ++i)
      ask([&got](result<access_token> token) { got.push_back(std::move(token)); });
    nodes.run_for(5s);
    CAF_CHECK_EQUAL(got.size(), 50u);
    return got;
  }
  std::vector<result<access_token>> fifty_needs() {
    return fifty([this](auto done) { step->need(std::move(done)); });
  }
  std::vector<result<access_token>> fifty_rejections(std::uint64_t version) {
    return fifty([this, version](auto done) { step->rejected(version, std::move(done)); });
  }

  sim::world world;
  crashing_nodes nodes;
  connection_key key;
  std::optional<crashing_nodes::node::host> host;
  std::optional<token_step> step;
  std::vector<std::string> ends;
  int refreshed = 0;
};

/// A day in which the token endpoint only gives `answer`, for users whose drivers are forgotten
/// after each task, and the hours after it.
struct outage {
  explicit outage(std::size_t user_count, bool circuits, bool passivate)
      : world(quiet_world()), nodes(world, shipped_platforms(), 5) {
    nodes.circuits = circuits;
    nodes.passivate = passivate;
    for (std::size_t i = 0; i < user_count; ++i) {
      auto user = "user-" + std::to_string(i);
      world.add_user(user);
      keys.push_back(nodes.connect(sim::platform::gmail, user));
    }
    nodes.start_node();
    nodes.run_for(20min);
  }

  /// Requests to the token endpoint. `hints`: a webhook says that there is news every minute.
  std::size_t run(std::function<http_response()> answer, std::chrono::hours length, bool hints) {
    const auto before = nodes.token_requests;
    nodes.instead = [answer](const http_request& request) {
      return for_tokens(request) ? std::optional{answer()} : std::nullopt;
    };
    for (int minute = 0; minute < length / 1min; ++minute) {
      if (hints)
        for (const auto& key : keys)
          nodes.at().wake(key, connection_work::hint);
      nodes.run_for(1min);
    }
    nodes.instead = nullptr;
    return nodes.token_requests - before;
  }

  void all_are_back(std::chrono::milliseconds within) {
    nodes.run_for(within);
    for (const auto& key : keys) {
      const auto& row = nodes.row(key);
      CAF_CHECK(row.status == connection_status::connected);
      CAF_CHECK(*row.tokens.expires_at > nodes.now());
    }
    CAF_CHECK_EQUAL(nodes.told["needs_reauth"], 0u);
  }

  sim::world world;
  crashing_nodes nodes;
  std::vector<connection_key> keys;
};

} // namespace

CAF_TEST(fifty who need a token at once make one refresh) {
  for (const auto where : {sim::platform::github, sim::platform::slack, sim::platform::discord,
                           sim::platform::spotify, sim::platform::gmail}) {
    asked all{where};
    all.nodes.run_until(*all.nodes.row(all.key).tokens.expires_at + 1h);
    all.load();
    const auto got = all.fifty_needs();
    for (const auto& token : got) {
      CAF_REQUIRE(token);
      CAF_CHECK_EQUAL(token->value, all.nodes.row(all.key).tokens.access_token);
      CAF_CHECK_EQUAL(token->version, 2u);
    }
    CAF_CHECK_EQUAL(all.nodes.token_requests, 1u);
    CAF_CHECK_EQUAL(all.refreshed, 1);
    CAF_CHECK_EQUAL(all.world.stats().of(where).refreshes_refused, 0u);
  }
}

CAF_TEST(a storm of 401s makes one refresh and the next storm the next) {
  for (const auto where : {sim::platform::github, sim::platform::slack, sim::platform::gmail}) {
    asked all{where};
    all.load();
    for (std::uint64_t storm = 1; storm <= 10; ++storm) {
      all.world.expire_access_tokens(where, "ann");
      for (const auto& token : all.fifty_rejections(storm)) {
        CAF_REQUIRE(token);
        CAF_CHECK_EQUAL(token->version, storm + 1);
      }
      CAF_CHECK_EQUAL(all.nodes.token_requests, storm);
      // Who was slow to be refused gets the new one.
      for (const auto& token : all.fifty_rejections(storm))
        CAF_CHECK_EQUAL(token->version, storm + 1);
      CAF_CHECK_EQUAL(all.nodes.token_requests, storm);
      all.nodes.run_for(11min);
    }
    CAF_CHECK(all.ends.empty());
  }
}

CAF_TEST(a 401 to fifty straight after a refresh is the end and told once) {
  asked all{sim::platform::github};
  all.load();
  all.world.expire_access_tokens(sim::platform::github, "ann");
  for (const auto& token : all.fifty_rejections(1))
    CAF_REQUIRE(token);
  for (const auto& token : all.fifty_rejections(2)) {
    CAF_REQUIRE(!token);
    CAF_CHECK(token.error().code == errc::token_expired);
  }
  CAF_CHECK_EQUAL(all.nodes.token_requests, 1u);
  CAF_REQUIRE_EQUAL(all.ends.size(), 1u);
  CAF_CHECK_EQUAL(all.ends.front(), "token_rejected");
}

CAF_TEST(during an outage those who need a token are told to come later) {
  asked all{sim::platform::gmail};
  all.nodes.run_until(*all.nodes.row(all.key).tokens.expires_at + 1h);
  all.nodes.instead = [](const http_request&) { return http_response{503, {}, ""}; };
  all.load();
  for (int round = 0; round < 20; ++round)
    for (const auto& token : all.fifty_needs()) {
      CAF_REQUIRE(!token);
      CAF_CHECK(token.error().code == errc::upstream_unavailable);
    }
  // 100 s: at 0, after 2.5 to 5 s, 5 to 10, 10 to 20, 20 to 40.
  CAF_CHECK(all.nodes.token_requests >= 4);
  CAF_CHECK(all.nodes.token_requests <= 6);
}

CAF_TEST(a day without a token endpoint costs one connection a bounded number of requests) {
  for (const bool hints : {false, true}) {
    for (const bool passivate : {false, true}) {
      outage day{1, false, passivate};
      const auto asked = day.run([] { return http_response{503, {}, ""}; }, 24h, hints);
      CAF_MESSAGE(asked << " requests" << (hints ? ", with hints" : ""));
      // 5, 10, 20, ... 900 s, at least half of each: 8 and one in 7.5 minutes.
      CAF_CHECK(asked <= 192u);
      CAF_CHECK(asked >= 60);
      day.all_are_back(20min);
    }
  }
}

CAF_TEST(a day of a misconfigured client marks nobody and is asked about rarely) {
  outage day{1, false, true};
  const auto asked = day.run(refused_client, 24h, true);
  CAF_CHECK(asked <= 192u);
  CAF_CHECK(asked >= 60);
  day.all_are_back(20min);
}

CAF_TEST(a restart in an outage goes on with the rest that was begun) {
  outage day{1, false, true};
  day.run([] { return http_response{503, {}, ""}; }, 6h, false);
  const auto memory = day.nodes.row(day.keys.front()).refresh_memory;
  CAF_CHECK(memory.find("code=http_503") != memory.npos);
  const auto before = day.nodes.token_requests;
  day.nodes.instead = [](const http_request& request) {
    return for_tokens(request) ? std::optional{http_response{503, {}, ""}} : std::nullopt;
  };
  // A crash loop: a new life every few seconds for an hour.
  for (int i = 0; i < 600; ++i) {
    day.nodes.crash_at = {day.nodes.points + 1};
    day.nodes.at().wake(day.keys.front(), connection_work::sync);
    day.nodes.run_for(3s);
    day.nodes.crash_at.clear();
    day.nodes.at().wake(day.keys.front(), connection_work::sync);
    day.nodes.run_for(3s);
  }
  CAF_CHECK(day.nodes.crashed_in.size() >= 600u);
  CAF_CHECK(day.nodes.token_requests - before <= 9u);
}

CAF_TEST(two hundred users ask a dead endpoint as if they were one) {
  outage day{200, true, true};
  const auto asked = day.run([] { return http_response{503, {}, ""}; }, 24h, false);
  CAF_MESSAGE(asked << " requests of 200 users");
  // 10, 20, ... 300 s, at least half of each (one in 2.5 minutes), and what was under way when it opened.
  CAF_CHECK(asked <= 606u);
  CAF_CHECK(asked >= 24 * 12);
  CAF_REQUIRE_EQUAL(day.nodes.alarms.size(), 1u);
  CAF_CHECK_EQUAL(day.nodes.alarms.front().substr(0, 2), "2 "); // failing
  day.all_are_back(15min);
  CAF_CHECK_EQUAL(day.nodes.alarms.size(), 2u);
  CAF_CHECK_EQUAL(day.nodes.alarms.back().substr(0, 2), "3 "); // works
}

CAF_TEST(two hundred users of a client that is refused alarm the operator once) {
  outage day{200, true, true};
  const auto asked = day.run(refused_client, 24h, false);
  CAF_MESSAGE(asked << " requests of 200 users");
  CAF_CHECK(asked <= 222u);
  CAF_REQUIRE_EQUAL(day.nodes.alarms.size(), 1u);
  CAF_CHECK(day.nodes.alarms.front().starts_with("1 "));
  CAF_CHECK(day.nodes.alarms.front().ends_with(" invalid_client"));
  day.all_are_back(35min);
}

CAF_TEST(an outside scheduler refreshes what has ten minutes left) {
  sim::world world{quiet_world()};
  crashing_nodes nodes{world, shipped_platforms(), 5};
  world.add_user("ann");
  const auto key = nodes.connect(sim::platform::gmail, "ann");
  nodes.scan_every = 1000h;
  nodes.start_node();
  nodes.run_until(*nodes.row(key).tokens.expires_at - 10min - 5s);
  nodes.at().wake(key, connection_work::refresh);
  nodes.run_for(4s);
  CAF_CHECK_EQUAL(nodes.token_requests, 0u);
  nodes.run_for(2s);
  nodes.at().wake(key, connection_work::due);
  nodes.run_for(1s);
  const auto by_jitter = nodes.token_requests;
  nodes.at().wake(key, connection_work::refresh);
  nodes.run_for(1s);
  CAF_CHECK_EQUAL(by_jitter, 0u);
  CAF_CHECK_EQUAL(nodes.token_requests, 1u);
  CAF_CHECK_EQUAL(nodes.row(key).token_version, 2u);
}

CAF_TEST(of platforms that share a client the first to go leaves the others what they have) {
  sim::world world{quiet_world()};
  crashing_nodes nodes{world, shipped_platforms(), 5};
  world.add_user("ann");
  nodes.start_node();
  std::vector<connection_key> keys;
  for (const auto where : {sim::platform::gmail, sim::platform::calendar, sim::platform::youtube})
    keys.push_back(nodes.connect(where, "ann"));
  nodes.run_for(1h);
  const auto revocations = [&] {
    std::uint64_t sum = 0;
    for (const auto where : {sim::platform::gmail, sim::platform::calendar, sim::platform::youtube})
      sum += world.stats().of(where).revocations;
    return sum;
  };
  for (std::size_t gone = 0; gone < keys.size(); ++gone) {
    CAF_CHECK_EQUAL(revocations(), 0u);
    nodes.at().wake(keys[gone], connection_work::remove);
    nodes.run_for(3h);
    CAF_CHECK(nodes.row(keys[gone]).status == connection_status::disconnected);
    CAF_CHECK(nodes.row(keys[gone]).tokens.refresh_token.empty());
    for (std::size_t left = gone + 1; left < keys.size(); ++left) {
      CAF_CHECK(nodes.row(keys[left]).status == connection_status::connected);
      CAF_CHECK(*nodes.row(keys[left]).tokens.expires_at > nodes.now());
    }
  }
  CAF_CHECK_EQUAL(revocations(), 1u);
  CAF_CHECK_EQUAL(nodes.told["needs_reauth"], 0u);
}

CAF_TEST(a platform with a client of its own is revoked at once) {
  sim::world world{quiet_world()};
  crashing_nodes nodes{world, shipped_platforms(), 5};
  world.add_user("ann");
  nodes.start_node();
  nodes.connect(sim::platform::gmail, "ann");
  const auto key = nodes.connect(sim::platform::discord, "ann");
  nodes.at().wake(key, connection_work::remove);
  nodes.run_for(1min);
  CAF_CHECK_EQUAL(world.stats().of(sim::platform::discord).revocations, 1u);
  CAF_CHECK_EQUAL(world.live_grants(sim::platform::discord), 0u);
}
