// A user's side of one platform, over the real directory and supervisor.
#define CAF_SUITE platform_actor
#include "tests/support/caf_test.hpp"

#include "platforms/drive/traffic_control.hpp"
#include "platforms/spec_loader.hpp"
#include "tests/support/memory_connections.hpp"
#include "tests/support/stream_world.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

/// Without it nobody can be connected.
const environment spotify_client{{"SPOTIFY_CLIENT_ID", "id"}, {"SPOTIFY_CLIENT_SECRET", "secret"}};

struct fixture : test::stream_world {
  memory_connections connections;
  const connection_key ann{user_id{"ann"}, platform_id{"spotify"}};
  std::unique_ptr<traffic_control> traffic;

  fixture() {
    context.platforms = std::move(load_platforms({}, spotify_client).platforms);
    context.connections = &connections;
    traffic = std::make_unique<traffic_control>(
      context.platforms, clock, [] { return 0.5; },
      [](std::chrono::milliseconds, const std::function<void()>&) {});
    context.traffic = traffic.get();
    context.outbound.push_back(nullptr); // Nothing is polled here.
    connection fresh;
    fresh.user = ann.user;
    fresh.platform = ann.platform;
    fresh.account = "ann at spotify";
    fresh.tokens.access_token = "token";
    fresh.granted_at = clock.time;
    connections.connect(std::move(fresh), clock.time, [](const auto&) {});
    for (const auto* endpoint : {"recently_played", "currently_playing"}) {
      poll_progress progress;
      progress.endpoint = endpoint;
      progress.due = clock.time + 20h;
      connections.save_progress(ann, progress, clock.time, [](const auto&) {});
    }
  }

  void do_work(connection_work work) {
    auto task = std::make_shared<platform_task>();
    task->of = ann;
    task->work = work;
    caf::anon_send(context.directories[0], platform_message{std::move(task)});
    run();
  }
  std::string inspect() {
    std::string told;
    auto asking = self->request(context.directories[0], 2s, inspect_query{"monitoring/ann", {}});
    run();
    asking.receive([&](const fragment& part) { told = part.json; },
                   [&](const caf::error& failure) { CAF_ERROR(to_string(failure)); });
    return told;
  }
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(platform_actor_tests, fixture)

CAF_TEST(a connection at rest is told as one at work) {
  do_work(connection_work::due);
  const auto resting = inspect();
  CAF_CHECK(has(resting, R"("account":"ann at spotify")"));
  CAF_CHECK(has(resting, R"("id":"recently_played")"));
  CAF_CHECK(has(resting, R"("state":"connected")"));
  CAF_CHECK(has(resting, R"("title":"Spotify")"));
  connections.down = true; // Whoever is told of now is in memory.
  CAF_CHECK(!has(inspect(), "ann at spotify"));
  connections.down = false;
  CAF_CHECK_EQUAL(inspect(), resting);
}

CAF_TEST(a connection at rest goes on from its row) {
  do_work(connection_work::due);
  poll_progress progress;
  progress.endpoint = "recently_played";
  progress.due = clock.time + 3h;
  connections.save_progress(ann, progress, clock.time, [](const auto&) {});
  do_work(connection_work::due);
  CAF_REQUIRE(connections.soonest().has_value());
  CAF_CHECK(*connections.soonest() == clock.time + 3h);
}

CAF_TEST_FIXTURE_SCOPE_END()
