// Months for many people: what a poller that keeps the rules sees is the whole truth, and the world
// stays quick.
#define CAF_SUITE sim_scale
#include "tests/support/caf_test.hpp"

#include <chrono>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

CAF_TEST(an hourly Gmail poller with refreshed tokens reads thirty days without a hole) {
  world_options options;
  options.items_per_hour = 2;
  fixture in{options};
  auto tokens = in.at.grant(platform::gmail, "alice");
  const std::string base = "https://gmail.googleapis.com/gmail/v1/users/me/";
  auto start = in.at.now();
  auto cursor =
    json::parse(in.get(base + "profile", tokens.access).body)["historyId"].get<std::string>();
  std::set<std::string> seen;
  for (int hour = 0; hour < 30 * 24; ++hour) {
    in.pass(1h);
    auto fresh = in.form("https://oauth2.googleapis.com/token",
                         "grant_type=refresh_token&client_id=sim-google-id&client_secret="
                         "sim-google-secret&refresh_token="
                           + percent_encoded(tokens.refresh));
    auto page = json::parse(
      in.get(base + "history?startHistoryId=" + cursor,
             json::parse(fresh.body)["access_token"].get<std::string>())
        .body);
    for (const auto& record : page.value("history", json::array()))
      CAF_CHECK(seen.insert(record["messages"][0]["id"]).second);
    cursor = page["historyId"];
  }
  auto truth = in.at.produced(platform::gmail, "alice", start + 1ms);
  CAF_CHECK(truth.size() > 1000);
  CAF_CHECK_EQUAL(seen.size(), truth.size());
  for (const auto& item : truth)
    CAF_CHECK(seen.contains(item.key[0]));
  CAF_CHECK_EQUAL(in.at.stats().of(platform::gmail).invalid_tokens, 0u);
}

CAF_TEST(a hundred people live a month in a moment) {
  world_options options;
  options.github_calls_per_hour = 0;
  options.spotify_calls_per_30s = 0;
  options.youtube_units_per_day = 0;
  world at{options};
  struct reader {
    std::string token;
    std::string tag;
  };
  std::map<std::string, reader> readers;
  for (int i = 0; i < 100; ++i)
    at.add_user("person-" + std::to_string(i));
  auto began = std::chrono::steady_clock::now();
  std::uint64_t calls = 0;
  for (int step = 0; step < 30 * 24; ++step) {
    at.advance(at.now() + 1h);
    for (int i = 0; i < 100; ++i) {
      auto name = "person-" + std::to_string(i);
      auto& one = readers[name];
      if (step % 7 == 0)
        one.token = at.grant(platform::github, name).access;
      http_request request;
      request.url = "https://api.github.com/users/" + name + "/events?per_page=10";
      request.headers = {{"Authorization", "Bearer " + one.token}, {"If-None-Match", one.tag}};
      auto answer = at.handle(request);
      CAF_REQUIRE(answer.status == 200 || answer.status == 304);
      one.tag = answer.header("ETag");
      ++calls;
    }
  }
  auto took = std::chrono::steady_clock::now() - began;
  CAF_MESSAGE(calls << " calls in "
                    << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
                    << " ms");
  CAF_CHECK_EQUAL(calls, 72'000u);
  auto stats = at.stats().of(platform::github, "user_events");
  CAF_CHECK_EQUAL(stats.good + stats.not_modified, 72'000u);
  CAF_CHECK(stats.not_modified > stats.good);
}
