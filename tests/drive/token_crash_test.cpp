// The whole driver between a store and strict providers, with the process gone at every step there
// is: what is left is a grant that works, or one word to the person.
#define CAF_SUITE drive_token_crash

#include "tests/support/caf_test.hpp"

#include <array>
#include <string>
#include <vector>

#include "tests/support/crashing_nodes.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

struct style {
  sim::platform where;
  bool rotates;          ///< Always, and a used refresh token is refused.
  std::chrono::hours life; ///< Of an access token.
};

constexpr std::array styles{style{sim::platform::github, true, 8h},
                            style{sim::platform::slack, true, 12h},
                            style{sim::platform::discord, true, 7 * 24h},
                            style{sim::platform::spotify, false, 1h}, // Now and then.
                            style{sim::platform::gmail, false, 1h}};

/// Only what is polled least: the crashes are to be those of tokens.
std::vector<platform_spec> platforms_polled_once_a_day() {
  auto all = shipped_platforms();
  for (auto& platform : all) {
    platform.poll.endpoints.resize(1);
    platform.poll.schedule = {24h, ""};
    platform.poll.endpoints.front().schedule.reset();
  }
  return all;
}

sim::world_options quiet_world(std::uint64_t seed) {
  sim::world_options options;
  options.seed = seed;
  options.items_per_hour = 0.1;
  return options;
}

/// One person with one platform, and nodes that end where they are told to.
struct trial {
  explicit trial(const style& of, std::set<std::size_t> crashes, std::size_t node_count = 1)
      : how(of), is_alone(node_count == 1), world(quiet_world(3)),
        nodes(world, platforms_polled_once_a_day(), 5) {
    world.add_user("ann");
    key = nodes.connect(of.where, "ann");
    for (std::size_t i = 0; i < node_count; ++i)
      nodes.start_node();
    // Everything up to the first refresh is another test's; points count from here.
    nodes.run_until(*nodes.row(key).tokens.expires_at - 11min);
    nodes.points = 0;
    nodes.crash_at = std::move(crashes);
  }

  void run() { nodes.run_for(how.life < 8h ? 2 * how.life : 90min); }

  /// Asks for news now, and whether the token that is used is taken.
  bool works() {
    const auto before = nodes.now();
    nodes.at().wake(key, connection_work::sync);
    nodes.run_for(2min);
    const auto& row = nodes.row(key);
    return row.status == connection_status::connected && row.last_sync && *row.last_sync >= before;
  }

  std::string name() const {
    std::string out{sim::name_of(how.where)};
    for (const auto& where : nodes.crashed_in)
      out += ", crashed in " + where;
    return out;
  }

  /// Live, or over and told once; and over only for a rotation that nobody could store.
  void check() {
    nodes.crash_at.clear();
    // Of two nodes, each knows its own polls.
    if (is_alone && nodes.polls_put_off != 0)
      CAF_ERROR(name() << ": a crash after new tokens were stored puts polls off");
    const bool lost = nodes.tokens_given > nodes.tokens_kept;
    const bool over = nodes.row(key).status == connection_status::needs_reauth;
    const auto told = nodes.told["needs_reauth"];
    if (over) {
      if (told != 1)
        CAF_ERROR(name() << ": the end was told " << told << " times");
      if (!lost)
        CAF_ERROR(name() << ": an avoidable end: " << nodes.row(key).message);
      if (how.where == sim::platform::gmail)
        CAF_ERROR(name() << ": an end although nothing rotates");
      if (nodes.row(key).message.empty() || nodes.row(key).cause != "grant_ended")
        CAF_ERROR(name() << ": an end without a word");
      const auto asked = nodes.token_requests;
      nodes.run_for(48h);
      if (nodes.token_requests != asked)
        CAF_ERROR(name() << ": a dead grant is asked for again");
      return;
    }
    if (told != 0)
      CAF_ERROR(name() << ": an end was told of a connection that lives");
    if (lost && how.rotates)
      CAF_ERROR(name() << ": a lost rotation went unnoticed");
    if (!works())
      CAF_ERROR(name() << ": the connection does not work");
    if (!lost && world.stats().of(how.where).refreshes_refused != 0)
      CAF_ERROR(name() << ": a refused refresh");
  }

  style how;
  bool is_alone;
  sim::world world;
  crashing_nodes nodes;
  connection_key key;
};

} // namespace

CAF_TEST(a crash at any point leaves a live grant or one honest end) {
  for (const auto& how : styles) {
    trial undisturbed{how, {}};
    undisturbed.run();
    const auto points = undisturbed.nodes.points;
    undisturbed.check();
    CAF_CHECK(points >= 8);
    std::set<std::string> seen;
    std::size_t ended = 0;
    for (std::size_t at = 1; at <= points; ++at) {
      trial crashed{how, {at}};
      crashed.run();
      CAF_REQUIRE_EQUAL(crashed.nodes.crashed_in.size(), 1u);
      seen.insert(crashed.nodes.crashed_in.front());
      crashed.check();
      ended += crashed.nodes.told["needs_reauth"];
    }
    for (const char* where : {"note_refresh", "send", "answer", "save_tokens", "set_due"})
      CAF_CHECK(seen.contains(where));
    CAF_MESSAGE(sim::name_of(how.where) << ": " << points << " points, " << ended << " ended");
    // The answer was on its way, or came and was not on disk: nothing else costs a grant.
    if (how.rotates)
      CAF_CHECK_EQUAL(ended, 2u);
    else
      CAF_CHECK(ended <= 2);
  }
}

CAF_TEST(two crashes in a row leave no more than one) {
  for (const auto& how : styles) {
    trial undisturbed{how, {}};
    undisturbed.run();
    for (std::size_t first = 1; first <= undisturbed.nodes.points; ++first)
      for (std::size_t more = 1; more <= 12; ++more) {
        trial crashed{how, {first, first + more}};
        crashed.run();
        crashed.check();
      }
  }
}

CAF_TEST(two nodes that run one connection refresh it as one) {
  for (const auto& how : styles) {
    for (const auto latency : {1ms, 40ms, 700ms}) {
      trial race{how, {}, 2};
      race.nodes.store_latency = latency;
      race.nodes.way = 9 * latency;
      race.nodes.run_for(20 * how.life);
      race.check();
      const auto& counted = race.world.stats().of(how.where);
      CAF_CHECK_EQUAL(counted.reuse_detected, 0u);
      CAF_CHECK_EQUAL(counted.refreshes_refused, 0u);
      CAF_CHECK_EQUAL(race.nodes.token_requests, race.nodes.tokens_kept);
      CAF_CHECK(race.nodes.token_requests >= 19);
      CAF_CHECK(race.nodes.token_requests <= 26);
    }
  }
}

CAF_TEST(of two nodes one may end anywhere and the other goes on) {
  for (const auto& how : styles) {
    trial undisturbed{how, {}, 2};
    undisturbed.run();
    for (std::size_t at = 1; at <= undisturbed.nodes.points; ++at) {
      trial crashed{how, {at}, 2};
      crashed.nodes.restart_after = 1h;
      crashed.run();
      crashed.nodes.run_for(1h);
      crashed.check();
    }
  }
}

CAF_TEST(a request that arrives late does not meet a second one) {
  // The process ends with the request on its way: the next life must not send the token before
  // that one has had its effect.
  for (const auto& how : styles) {
    trial undisturbed{how, {}};
    undisturbed.run();
    for (std::size_t at = 1; at <= undisturbed.nodes.points; ++at) {
      trial crashed{how, {at}};
      crashed.nodes.way = 4s;
      crashed.nodes.restart_after = 10ms;
      crashed.nodes.scan_every = 1s;
      crashed.run();
      crashed.check();
      // A request may take 10 s: after that it arrives no more.
      if (crashed.nodes.closest_token_requests < 10s)
        CAF_ERROR(crashed.name() << ": asked again after "
                                 << crashed.nodes.closest_token_requests.count() << " ms");
    }
  }
}

CAF_TEST(whoever only looks does not put down a connection that refreshes) {
  for (const auto& how : styles) {
    // The process ended between the note and the request; the next life begins with a look.
    trial crashed{how, {}};
    auto& nodes = crashed.nodes;
    nodes.store.note_refresh(crashed.key, {1, {}, nodes.now() - 1h, ""}, [](const result<bool>& noted) {
      CAF_CHECK(noted && *noted);
    });
    nodes.passivate = true;
    nodes.crash_at = {nodes.points + 1};
    nodes.at().wake(crashed.key, connection_work::sync);
    nodes.restart_after = 1h;
    nodes.run_for(1h - 1ms);
    nodes.store.set_due(crashed.key, nodes.now() + 2h, [](const result<bool>&) {});
    nodes.run_for(2ms);
    nodes.at().wake(crashed.key, connection_work::look);
    nodes.run_for(1min);
    CAF_CHECK_EQUAL(nodes.tokens_given, 1u);
    CAF_CHECK_EQUAL(nodes.tokens_kept, 1u);
    nodes.run_for(3h);
    crashed.check();
  }
}

CAF_TEST(what a store did not take of an end is kept and told once when it does) {
  // After the refusal (20 ms later) the row is read, the word is stored, the status is.
  for (const auto when : {21ms, 25ms, 29ms}) {
    trial dead{styles[0], {}};
    dead.world.revoke_grants(sim::platform::github, "");
    auto& nodes = dead.nodes;
    nodes.instead = [&](const http_request& request) -> std::optional<http_response> {
      if (request.body.find("grant_type=refresh_token") != std::string::npos)
        nodes.later(when, [&] { nodes.store.down = true; });
      return std::nullopt;
    };
    nodes.run_for(30min);
    CAF_CHECK(nodes.store.down);
    CAF_CHECK(nodes.row(dead.key).status == connection_status::connected);
    CAF_CHECK_EQUAL(nodes.told["needs_reauth"], when == 29ms ? 1u : 0u);
    nodes.instead = nullptr;
    nodes.store.down = false;
    nodes.run_for(30min);
    CAF_CHECK(nodes.row(dead.key).status == connection_status::needs_reauth);
    CAF_CHECK_EQUAL(nodes.told["needs_reauth"], 1u);
    CAF_CHECK(nodes.token_requests <= 2u);
  }
}
