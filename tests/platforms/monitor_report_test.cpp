#define CAF_SUITE monitor_report
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "platforms/monitor/connection_report.hpp"
#include "platforms/poll/instant.hpp"

using namespace lapwing;
using namespace std::chrono_literals;
using json = nlohmann::json;

namespace {

const timestamp now = parse_instant("2026-11-21T09:00:00Z")->second;

loaded_connection gmail() {
  loaded_connection out;
  out.at.user = user_id{"ann"};
  out.at.platform = platform_id{"gmail"};
  out.at.account = "ann@example.com";
  out.at.tokens.access_token = "ya29.TOPSECRET";
  out.at.tokens.refresh_token = "1//TOPSECRET";
  out.at.tokens.expires_at = now + 1h;
  out.at.granted_at = now - 240h;
  out.at.last_sync = now - 10min;
  poll_progress poll;
  poll.endpoint = "messages";
  poll.cursor = "TOPSECRET";
  poll.last_poll = now - 10min;
  poll.due = now + 50min;
  out.polls.push_back(poll);
  registration watch;
  watch.external_id = "ann@example.com";
  watch.secret = "TOPSECRET";
  watch.status = "active";
  watch.expires_at = now + 100h;
  watch.renew_at = now + 20h;
  watch.last_delivery = now - 1min;
  out.registrations.push_back(watch);
  return out;
}

connection_report report_of(const loaded_connection& connection) {
  connection_report report;
  report.platform = "gmail";
  report.title = "Gmail";
  report.connection = &connection;
  report.now = now;
  report.status.method = monitor_method::webhook;
  report.has_webhook = true;
  report.deliveries = 7;
  return report;
}

} // namespace

CAF_TEST(a healthy connection tells everything but secrets) {
  auto connection = gmail();
  auto text = connection_json(report_of(connection));
  CAF_CHECK(text.find("TOPSECRET") == std::string::npos);
  CAF_CHECK(text.find('\n') == std::string::npos);
  auto out = json::parse(text);
  CAF_CHECK_EQUAL(out["platform"], "gmail");
  CAF_CHECK_EQUAL(out["title"], "Gmail");
  CAF_CHECK_EQUAL(out["state"], "connected");
  CAF_CHECK_EQUAL(out["method"], "webhook");
  CAF_CHECK_EQUAL(out["status"], "active");
  CAF_CHECK_EQUAL(out["healthy"], true);
  CAF_CHECK(out["cause"].is_null());
  CAF_CHECK(out["remedy"].is_null());
  CAF_CHECK_EQUAL(out["lastWebhook"], "2026-11-21T08:59:00.000Z");
  CAF_CHECK_EQUAL(out["lastPoll"], "2026-11-21T08:50:00.000Z");
  CAF_CHECK_EQUAL(out["nextPoll"], "2026-11-21T09:50:00.000Z");
  CAF_CHECK_EQUAL(out["expiresAt"], "2026-11-25T13:00:00.000Z");
  CAF_CHECK_EQUAL(out["nextRenewal"], "2026-11-22T05:00:00.000Z");
  CAF_CHECK_EQUAL(out["tokenExpiresAt"], "2026-11-21T10:00:00.000Z");
  CAF_CHECK(out["grantExpiresAt"].is_null());
  CAF_CHECK_EQUAL(out["lastSync"], "2026-11-21T08:50:00.000Z");
  CAF_CHECK_EQUAL(out["account"], "ann@example.com");
  CAF_CHECK_EQUAL(out["endpoints"][0]["id"], "messages");
  CAF_CHECK_EQUAL(out["endpoints"][0]["failures"], 0);
  CAF_CHECK_EQUAL(out["registrations"][0]["status"], "active");
  CAF_CHECK_EQUAL(out["registrations"][0]["lastDelivery"], "2026-11-21T08:59:00.000Z");
  CAF_CHECK_EQUAL(out["deliveries"], 7);
  CAF_CHECK(out["lastError"].is_null());
}

CAF_TEST(doubted webhooks and dead grants have a cause and a remedy) {
  auto connection = gmail();
  auto report = report_of(connection);
  report.status = {connection_status::degraded, monitor_method::polling, "webhooks_quiet", "Wait."};
  auto out = json::parse(connection_json(report));
  CAF_CHECK_EQUAL(out["state"], "degraded");
  CAF_CHECK_EQUAL(out["method"], "polling");
  CAF_CHECK_EQUAL(out["healthy"], false);
  CAF_CHECK_EQUAL(out["cause"], "webhooks_quiet");
  CAF_CHECK_EQUAL(out["remedy"], "Wait.");
  connection.at.status = connection_status::needs_reauth;
  connection.at.cause = "invalid_grant";
  connection.at.message = "Google ended the grant.";
  report.reconnect_url = "https://us.example/api/oauth/gmail/authorize";
  out = json::parse(connection_json(report));
  CAF_CHECK_EQUAL(out["state"], "needs_reauth");
  CAF_CHECK_EQUAL(out["healthy"], false);
  CAF_CHECK_EQUAL(out["cause"], "invalid_grant");
  CAF_CHECK_EQUAL(out["message"], "Google ended the grant.");
  CAF_CHECK_EQUAL(out["remedy"], "Connect again; all settings and what was read stay. "
                                 "https://us.example/api/oauth/gmail/authorize");
}

CAF_TEST(a platform that was never connected is idle until a delivery comes) {
  connection_report report;
  report.platform = "github";
  report.title = "GitHub";
  report.has_webhook = true;
  auto out = json::parse(connection_json(report));
  CAF_CHECK_EQUAL(out["state"], "idle");
  CAF_CHECK_EQUAL(out["status"], "waiting");
  CAF_CHECK_EQUAL(out["healthy"], true);
  CAF_CHECK(!out.contains("endpoints"));
  report.last_webhook = now;
  report.last_error = "the store did not take it";
  out = json::parse(connection_json(report));
  CAF_CHECK_EQUAL(out["state"], "connected");
  CAF_CHECK_EQUAL(out["status"], "active");
  CAF_CHECK_EQUAL(out["healthy"], false);
  report.has_webhook = false;
  out = json::parse(connection_json(report));
  CAF_CHECK_EQUAL(out["status"], "none");
}
