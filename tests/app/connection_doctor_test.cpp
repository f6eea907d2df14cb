// What the doctor says of connections whose actors do not run.
#define CAF_SUITE connection_doctor

#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "app/connection_doctor.hpp"
#include "platforms/oauth/token_memory.hpp"

using namespace lapwing;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const timestamp now{std::chrono::seconds{1'700'000'000}};

platform_spec platform(const char* name) {
  platform_spec out;
  out.name = platform_id{name};
  out.title = std::string{"The "} + name;
  out.webhook.scheme = "github";
  out.registration.style = registration_style::github;
  return out;
}

loaded_connection stored(const char* name, connection_status status = connection_status::connected) {
  loaded_connection out;
  out.at.platform = platform_id{name};
  out.at.status = status;
  out.at.account = "ann@there";
  poll_progress progress;
  progress.endpoint = "events";
  progress.due = now + 10min;
  out.polls.push_back(progress);
  return out;
}

json told(const std::string& document, const std::vector<loaded_connection>& all) {
  return json::parse(with_sleeping_connections(document, "connections", all,
                                               {platform("github"), platform("slack")}, now));
}

/// The same after a refresh that failed.
loaded_connection troubled() {
  auto out = stored("github");
  token_memory memory;
  memory.version = out.at.token_version = 3;
  memory.failure = token_failure{token_failure_kind::transient, "http_503", {}};
  out.at.refresh_memory = to_text(memory);
  return out;
}

constexpr auto nobody_runs = R"({"user":"ann","connections":[],"sessions":0})";

} // namespace

CAF_TEST(what ails the token endpoint is told from the store) {
  auto one = troubled();
  auto document = told(nobody_runs, {one});
  CAF_CHECK_EQUAL(document["connections"][0]["lastError"], "token endpoint: http_503");
  CAF_CHECK_EQUAL(document["connections"][0]["healthy"], false);
  one.at.token_version = 4; // Refreshed since.
  document = told(nobody_runs, {one});
  CAF_CHECK(document["connections"][0]["lastError"].is_null());
}

CAF_TEST(a sleeping connection is told from the store) {
  auto document = told(nobody_runs, {stored("github")});
  CAF_REQUIRE_EQUAL(document["connections"].size(), 1u);
  auto one = document["connections"][0];
  CAF_CHECK_EQUAL(one["platform"], "github");
  CAF_CHECK_EQUAL(one["title"], "The github");
  CAF_CHECK_EQUAL(one["state"], "connected");
  CAF_CHECK_EQUAL(one["method"], "polling");
  CAF_CHECK_EQUAL(one["healthy"], true);
  CAF_CHECK_EQUAL(one["account"], "ann@there");
  CAF_CHECK_EQUAL(one["nextPoll"], to_rfc3339(now + 10min));
  CAF_CHECK_EQUAL(document["sessions"], 0);
}

CAF_TEST(what an actor says stands and a connection that its person ended is not told) {
  auto document = told(R"({"connections":[{"platform":"github","state":"degraded"}]})",
                       {stored("github"), stored("slack"),
                        stored("gmail", connection_status::disconnected)});
  CAF_REQUIRE_EQUAL(document["connections"].size(), 2u);
  auto running = document["connections"][0];
  CAF_CHECK_EQUAL(running["state"], "degraded");
  auto sleeping = document["connections"][1];
  CAF_CHECK_EQUAL(sleeping["platform"], "slack");
}

CAF_TEST(a sleeping connection with a live registration lives by webhooks) {
  auto one = stored("github");
  registration hook;
  hook.resource = "octo/repo";
  hook.status = "active";
  hook.last_delivery = now - 5min;
  hook.secret = "never shown";
  one.registrations.push_back(hook);
  auto document = told(nobody_runs, {one});
  auto report = document["connections"][0];
  CAF_CHECK_EQUAL(report["method"], "webhook");
  CAF_CHECK_EQUAL(report["lastWebhook"], to_rfc3339(now - 5min));
  CAF_CHECK(document.dump().find("never shown") == std::string::npos);
}

CAF_TEST(a sleeping connection whose registration failed is polled and says so) {
  auto one = stored("github");
  registration hook;
  hook.status = "failed";
  hook.cause = "registration_forbidden";
  one.registrations.push_back(hook);
  auto document = told(nobody_runs, {one});
  auto report = document["connections"][0];
  CAF_CHECK_EQUAL(report["method"], "polling");
  CAF_CHECK_EQUAL(report["state"], "degraded");
  CAF_CHECK_EQUAL(report["cause"], "registration_forbidden");
}

CAF_TEST(a sleeping connection that needs its person says why and where) {
  auto one = stored("slack", connection_status::needs_reauth);
  one.at.cause = "grant_ended";
  one.at.message = "Slack has ended it";
  auto document = told(nobody_runs, {one});
  auto report = document["connections"][0];
  CAF_CHECK_EQUAL(report["state"], "needs_reauth");
  CAF_CHECK_EQUAL(report["healthy"], false);
  CAF_CHECK_EQUAL(report["cause"], "grant_ended");
  auto remedy = report["remedy"].get<std::string>();
  CAF_CHECK(remedy.find("/api/oauth/slack/authorize") != std::string::npos);
}

CAF_TEST(anything else comes back as it is) {
  for (auto text : {"", "[]", "not json", R"({"connections":5})", R"({"other":[]})"})
    CAF_CHECK_EQUAL(with_sleeping_connections(text, "connections", {stored("github")}, {}, now),
                    text);
}
