// The due scanner over the real directory, supervisors and platform actors.
#define CAF_SUITE due_scanner
#include "tests/support/caf_test.hpp"

#include "actors/due_scanner.hpp"
#include "platforms/spec_loader.hpp"
#include "tests/support/memory_connections.hpp"
#include "tests/support/stream_world.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

/// Without it nobody can be connected.
const environment spotify_client{{"SPOTIFY_CLIENT_ID", "id"},
                                 {"SPOTIFY_CLIENT_SECRET", "secret"},
                                 {"DISCORD_CLIENT_ID", "id"},
                                 {"DISCORD_CLIENT_SECRET", "secret"}};

/// A platform that is away.
struct counting_client final : http_client {
  int count = 0;
  void send(http_request, callback done) override {
    ++count;
    done(error{errc::upstream_unavailable, "away"});
  }
};

/// A queue that does not move.
struct standing_traffic final : platform_traffic {
  std::size_t waiting = 0;
  void enter(const connection_key&, timestamp, std::function<void(result<bool>)>) override {
    ++waiting;
  }
  void finished(const connection_key&) override {}
  timestamp not_before(const traffic_party&, const std::string&, timestamp now) const override {
    return now;
  }
  void sending(const traffic_party&, const std::string&, timestamp) override {}
  void saw(const traffic_party&, const std::string&, const http_response&, timestamp) override {}
  double budget_left(const traffic_party&, timestamp) const override { return 1; }
};

struct counting_journal final : journal {
  std::size_t due_count = 0;
  void due(std::size_t connections) override { due_count += connections; }
  void told(const user_id&, const event_draft&) override {}
};

struct fixture : test::stream_world {
  memory_connections connections;
  counting_journal told;
  due_scanner_actor scanner;

  fixture() {
    context.platforms = std::move(load_platforms({}, spotify_client).platforms);
    context.connections = &connections;
    context.log = &told;
    context.outbound.push_back(nullptr); // Nothing is polled here.
  }
  ~fixture() { scanner = nullptr; }

  /// Looks due, but its endpoints are not: a look at it moves it to then.
  void add_connection(std::size_t index) {
    connection fresh;
    fresh.user = user_id{"user-" + std::to_string(index)};
    fresh.platform = platform_id{"spotify"};
    fresh.tokens.access_token = "token";
    fresh.granted_at = clock.time;
    const connection_key key{fresh.user, fresh.platform};
    connections.connect(std::move(fresh), clock.time, [](const auto&) {});
    for (const auto* endpoint : {"recently_played", "currently_playing"}) {
      poll_progress progress;
      progress.endpoint = endpoint;
      progress.due = clock.time + 24h;
      connections.save_progress(key, progress, clock.time, [](const auto&) {});
    }
  }
  std::size_t due_count(std::string_view only = {}) {
    std::size_t count = 0;
    for (const auto& platform : context.platforms)
      if (only.empty() || platform.name.str() == only)
        connections.due(platform.name, clock.time, 1'000'000,
                        [&](const auto& found) { count += found->size(); });
    return count;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(due_scanner_tests, fixture)

CAF_TEST(more than is woken at a time is done within one interval) {
  constexpr std::size_t count = 3000;
  for (std::size_t i = 0; i < count; ++i)
    add_connection(i);
  due_scanner_settings settings;
  settings.interval = 60s;
  settings.under_way_max = 100;
  scanner = spawn_due_scanner(sys, context, settings);
  pass(59s);
  CAF_CHECK_EQUAL(due_count(), count);
  CAF_CHECK_EQUAL(told.due_count, 0u);
  pass(10s);
  CAF_CHECK_EQUAL(due_count(), 0u);
  CAF_CHECK_EQUAL(told.due_count, count);
}

CAF_TEST(no more are under way than may be) {
  for (std::size_t i = 0; i < 300; ++i)
    add_connection(i);
  due_scanner_settings settings;
  settings.interval = 60s;
  settings.under_way_max = 100;
  scanner = spawn_due_scanner(sys, context, settings);
  caf::anon_send(scanner, look_ahead{});
  settle(); // Supervisors wait for their logs, so none of those that were woken gets further.
  CAF_CHECK_EQUAL(context.counts.users.load(), 100u);
  CAF_CHECK(due_count() >= 200u);
}

CAF_TEST(those that nothing can be done for are not in the way of the others) {
  for (std::size_t i = 0; i < 300; ++i)
    add_connection(i);
  for (std::size_t i = 0; i < 300; ++i) {
    connection lost;
    lost.user = user_id{"user-" + std::to_string(i)};
    lost.platform = platform_id{"linkedin"}; // No client id.
    connections.connect(std::move(lost), clock.time - 1h, [](const auto&) {});
  }
  due_scanner_settings settings;
  settings.interval = 60s;
  settings.under_way_max = 100;
  scanner = spawn_due_scanner(sys, context, settings);
  pass(70s);
  CAF_CHECK_EQUAL(due_count(), 300u);
  const auto lookups = connections.due_questions;
  CAF_CHECK(lookups < 30u); // No busy loop over those that stay.
  pass(40s);
  CAF_CHECK_EQUAL(connections.due_questions, lookups);
}

CAF_TEST(a platform that is slow holds up its own connections alone) {
  standing_traffic queue;
  context.traffic = &queue;
  for (std::size_t i = 0; i < 300; ++i) {
    connection hung;
    hung.user = user_id{"user-" + std::to_string(i)};
    hung.platform = platform_id{"discord"};
    hung.tokens.access_token = "token";
    hung.granted_at = clock.time;
    connections.connect(std::move(hung), clock.time - 1h, [](const auto&) {});
  }
  for (std::size_t i = 0; i < 300; ++i)
    add_connection(i);
  due_scanner_settings settings;
  settings.interval = 60s;
  settings.under_way_max = 100;
  scanner = spawn_due_scanner(sys, context, settings);
  pass(62s);
  CAF_CHECK_EQUAL(queue.waiting, 100u);
  CAF_CHECK_EQUAL(due_count("spotify"), 0u);
  CAF_CHECK_EQUAL(due_count("discord"), 300u);
  const auto lookups = connections.due_questions;
  pass(5s);
  CAF_CHECK_EQUAL(connections.due_questions, lookups); // No busy loop.
}

CAF_TEST(an outside scheduler gets tokens refreshed that have ten minutes left) {
  counting_client web;
  context.outbound.back() = &web;
  connection fresh;
  fresh.user = user_id{"ann"};
  fresh.platform = platform_id{"spotify"};
  fresh.tokens = {"access", "refresh", clock.time + 10min, {}, ""};
  fresh.granted_at = clock.time;
  const connection_key key{fresh.user, fresh.platform};
  connections.connect(std::move(fresh), clock.time + 4min, [](const auto&) {});
  for (const auto* endpoint : {"recently_played", "currently_playing"}) {
    poll_progress progress;
    progress.endpoint = endpoint;
    progress.due = clock.time + 24h;
    connections.save_progress(key, progress, clock.time + 4min, [](const auto&) {});
  }
  due_scanner_settings settings;
  settings.interval = 1h;
  scanner = spawn_due_scanner(sys, context, settings);
  caf::anon_send(scanner, look_ahead{});
  pass(1s);
  CAF_CHECK_EQUAL(web.count, 0);
  caf::anon_send(scanner, look_ahead{5min, connection_work::refresh, {}});
  pass(1s);
  CAF_CHECK_EQUAL(web.count, 1);
}

CAF_TEST(a store that was away is asked again after an interval) {
  add_connection(0);
  connections.down = true;
  due_scanner_settings settings;
  settings.interval = 60s;
  scanner = spawn_due_scanner(sys, context, settings);
  pass(61s);
  connections.down = false;
  CAF_CHECK_EQUAL(due_count(), 1u);
  pass(60s);
  CAF_CHECK_EQUAL(due_count(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
