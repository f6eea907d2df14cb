// Registrations and what the providers send to them.
#define CAF_SUITE sim_push
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "sim/crypto.hpp"
#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

namespace {

const std::string hooks_url = "https://api.github.com/repos/alice/repo-0/hooks";
const std::string callback = "http://127.0.0.1:3001/api/webhooks/github/alice";

std::string hook_body(const std::string& url = callback) {
  return json{{"name", "web"},
              {"active", true},
              {"events", {"push", "issues", "pull_request", "release", "star", "fork"}},
              {"config", {{"url", url}, {"content_type", "json"}, {"secret", "s3"}}}}
    .dump();
}

http_response taken(int status = 200, std::string body = {}) {
  http_response out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

/// Takes what is due within the next minute and answers each with `answer`.
std::vector<sim_delivery> collect(fixture& in, const http_response& answer = taken()) {
  std::vector<sim_delivery> out;
  auto end = in.at.now() + 1min;
  while (in.at.next_delivery_due() && *in.at.next_delivery_due() <= end) {
    in.at.advance(*in.at.next_delivery_due());
    for (auto& delivery : in.at.take_deliveries()) {
      in.at.report(delivery.id, answer);
      out.push_back(std::move(delivery));
    }
  }
  return out;
}

std::string header_of(const sim_delivery& delivery, std::string_view name) {
  http_response reader;
  reader.headers = delivery.request.headers;
  return std::string{reader.header(name)};
}

/// Brings items forth until one of them is delivered.
std::vector<sim_delivery> until_delivered(fixture& in, platform where,
                                          const http_response& answer = taken()) {
  for (int i = 0; i < 100; ++i) {
    in.at.make_items(where, "alice", 1);
    auto out = collect(in, answer);
    if (!out.empty())
      return out;
  }
  return {};
}

fault fault_of(std::string_view text) { return parse_fault(text, timestamp{}).value(); }

} // namespace

CAF_TEST(a GitHub hook is pinged and gets signed deliveries) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  auto made = in.send("POST", hooks_url, token, hook_body());
  CAF_REQUIRE_EQUAL(made.status, 201);
  CAF_CHECK_EQUAL(json::parse(made.body)["config"]["secret"].get<std::string>(), "********");
  auto ping = collect(in);
  CAF_REQUIRE_EQUAL(ping.size(), 1u);
  CAF_CHECK_EQUAL(header_of(ping[0], "X-GitHub-Event"), "ping");
  auto sent = until_delivered(in, platform::github);
  CAF_REQUIRE(!sent.empty());
  CAF_CHECK_EQUAL(sent[0].request.url, callback);
  CAF_CHECK_EQUAL(header_of(sent[0], "X-Hub-Signature-256"),
                  "sha256=" + lower_hex(hmac_sha256("s3", sent[0].request.body)));
  CAF_CHECK(json::parse(sent[0].request.body).contains("sender"));
}

CAF_TEST(a second GitHub hook of the same kind is a 422 and the first can be adopted) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  CAF_CHECK_EQUAL(in.send("POST", hooks_url, token, hook_body()).status, 201);
  auto again = in.send("POST", hooks_url, token, hook_body());
  CAF_CHECK_EQUAL(again.status, 422);
  CAF_CHECK_EQUAL(json::parse(again.body)["errors"][0]["message"].get<std::string>(),
                  "Hook already exists on this repository");
  auto list = json::parse(in.get(hooks_url, token).body);
  CAF_REQUIRE_EQUAL(list.size(), 1u);
  auto one = hooks_url + '/' + std::to_string(list[0]["id"].get<std::uint64_t>());
  json change{{"config", {{"url", callback}, {"content_type", "json"}, {"secret", "new"}}}};
  CAF_CHECK_EQUAL(in.send("PATCH", one, token, change.dump()).status, 200);
  collect(in);
  auto sent = until_delivered(in, platform::github);
  CAF_REQUIRE(!sent.empty());
  CAF_CHECK_EQUAL(header_of(sent[0], "X-Hub-Signature-256"),
                  "sha256=" + lower_hex(hmac_sha256("new", sent[0].request.body)));
  auto stranger = in.at.grant(platform::github, "bob").access;
  CAF_CHECK_EQUAL(in.send("DELETE", one, stranger).status, 404);
  CAF_CHECK_EQUAL(in.send("DELETE", one, token).status, 204);
  CAF_CHECK_EQUAL(in.get(one, token).status, 404);
}

CAF_TEST(GitHub logs failed deliveries for three days and redelivers with the same id) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  auto made = json::parse(in.send("POST", hooks_url, token, hook_body()).body);
  auto one = hooks_url + '/' + std::to_string(made["id"].get<std::uint64_t>());
  collect(in);
  auto lost = until_delivered(in, platform::github, taken(503));
  CAF_REQUIRE(!lost.empty());
  CAF_CHECK(collect(in).empty()); // No retry.
  auto log = json::parse(in.get(one + "/deliveries?per_page=100", token).body);
  CAF_REQUIRE(log.size() >= 2);
  CAF_CHECK_NOT_EQUAL(log[0]["status"].get<std::string>(), "OK");
  CAF_CHECK_EQUAL(log[0]["guid"].get<std::string>(), header_of(lost.back(), "X-GitHub-Delivery"));
  CAF_CHECK_EQUAL(log.back()["event"].get<std::string>(), "ping");
  auto entry = one + "/deliveries/" + std::to_string(log[0]["id"].get<std::uint64_t>());
  CAF_CHECK(json::parse(in.get(entry, token).body)["request"]["payload"]
            == json::parse(lost.back().request.body));
  CAF_CHECK_EQUAL(in.send("POST", entry + "/attempts", token).status, 202);
  auto again = collect(in);
  CAF_REQUIRE_EQUAL(again.size(), 1u);
  CAF_CHECK_EQUAL(header_of(again[0], "X-GitHub-Delivery"),
                  header_of(lost.back(), "X-GitHub-Delivery"));
  CAF_CHECK_EQUAL(again[0].request.body, lost.back().request.body);
  auto paged = in.get(one + "/deliveries?per_page=1", token);
  CAF_CHECK(paged.header("Link").find("rel=\"next\"") != std::string_view::npos);
  in.pass(3 * 24h + 2min);
  token = in.at.grant(platform::github, "alice").access;
  CAF_CHECK(json::parse(in.get(one + "/deliveries", token).body).empty());
}

CAF_TEST(a form hook without a secret is what the API gives by default) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  auto body = json{{"config", {{"url", callback}}}}.dump();
  CAF_CHECK_EQUAL(in.send("POST", hooks_url, token, body).status, 201);
  auto ping = collect(in);
  CAF_REQUIRE_EQUAL(ping.size(), 1u);
  CAF_CHECK_EQUAL(header_of(ping[0], "Content-Type"), "application/x-www-form-urlencoded");
  CAF_CHECK_EQUAL(header_of(ping[0], "X-Hub-Signature-256"), "");
  CAF_CHECK(json::accept(parameters{ping[0].request.body}.get("payload")));
}

CAF_TEST(the watch of Gmail notifies through a signed Pub/Sub push until it is acknowledged) {
  auto options = fixture::quiet();
  options.pubsub_push_url = "http://127.0.0.1:3001/api/webhooks/gmail";
  fixture in{options};
  auto token = in.at.grant(platform::gmail, "alice").access;
  const std::string base = "https://gmail.googleapis.com/gmail/v1/users/me/";
  CAF_CHECK_EQUAL(in.send("POST", base + "watch", token, R"({"topicName":"t"})").status, 400);
  auto watch = in.send("POST", base + "watch", token,
                       R"({"topicName":"projects/p/topics/t","labelIds":["INBOX"]})");
  CAF_REQUIRE_EQUAL(watch.status, 200);
  CAF_CHECK_EQUAL(json::parse(watch.body)["expiration"].get<std::string>(),
                  std::to_string(to_ms(in.at.now() + 7 * 24h)));
  CAF_CHECK_EQUAL(collect(in).size(), 1u); // One notice at once.
  in.pass(1min);
  in.at.make_items(platform::gmail, "alice", 3); // In one second: one notice.
  in.pass(5s);
  auto refused = in.at.take_deliveries();
  CAF_REQUIRE_EQUAL(refused.size(), 1u);
  in.at.report(refused[0].id, taken(503));
  in.pass(11s);
  auto again = in.at.take_deliveries();
  CAF_REQUIRE_EQUAL(again.size(), 1u);
  auto first = json::parse(refused[0].request.body);
  auto second = json::parse(again[0].request.body);
  CAF_CHECK_EQUAL(first["message"]["messageId"], second["message"]["messageId"]);
  auto notice = json::parse(*base64_decoded(first["message"]["data"].get<std::string>()));
  CAF_CHECK_EQUAL(notice["emailAddress"].get<std::string>(), "alice@example.com");
  in.at.report(again[0].id, taken(204));

  auto bearer = header_of(refused[0], "Authorization").substr(7);
  auto dot = bearer.find('.');
  auto head = json::parse(*base64_decoded(bearer.substr(0, dot)));
  auto claims = json::parse(*base64_decoded(bearer.substr(dot + 1, bearer.rfind('.') - dot - 1)));
  CAF_CHECK_EQUAL(head["alg"].get<std::string>(), "RS256");
  CAF_CHECK_EQUAL(claims["aud"].get<std::string>(), options.pubsub_push_url);
  CAF_CHECK(claims["email_verified"].get<bool>());
  auto keys = in.get("https://www.googleapis.com/oauth2/v3/certs");
  CAF_CHECK(keys.header("Cache-Control").find("max-age=") != std::string_view::npos);
  CAF_CHECK(json::parse(keys.body)["keys"][0]["kid"] == head["kid"]);
  in.at.rotate_google_key();
  auto rotated = json::parse(in.get("https://www.googleapis.com/oauth2/v3/certs").body);
  CAF_CHECK_EQUAL(rotated["keys"].size(), 2u);
  CAF_CHECK(rotated["keys"][1]["kid"] == head["kid"]);

  in.pass(7 * 24h);
  in.at.make_items(platform::gmail, "alice", 1);
  CAF_CHECK(collect(in).empty()); // The watch has ended.
}

CAF_TEST(Calendar channels say sync first and exists later and end) {
  fixture in;
  auto token = in.at.grant(platform::calendar, "alice").access;
  const std::string base = "https://www.googleapis.com/calendar/v3/";
  json body{{"id", "channel-1"},
            {"type", "web_hook"},
            {"address", "http://127.0.0.1:3001/api/webhooks/calendar/alice"},
            {"token", "t0"}};
  auto made = in.send("POST", base + "calendars/primary/events/watch", token, body.dump());
  CAF_REQUIRE_EQUAL(made.status, 200);
  auto channel = json::parse(made.body);
  CAF_CHECK_EQUAL(channel["expiration"].get<std::string>(),
                  std::to_string(to_ms(in.at.now() + 7 * 24h)));
  auto twice = in.send("POST", base + "calendars/primary/events/watch", token, body.dump());
  CAF_CHECK_EQUAL(twice.status, 400);
  auto sync = collect(in);
  CAF_REQUIRE_EQUAL(sync.size(), 1u);
  CAF_CHECK_EQUAL(header_of(sync[0], "X-Goog-Resource-State"), "sync");
  CAF_CHECK_EQUAL(header_of(sync[0], "X-Goog-Message-Number"), "1");
  auto change = until_delivered(in, platform::calendar);
  CAF_REQUIRE_EQUAL(change.size(), 1u);
  CAF_CHECK_EQUAL(header_of(change[0], "X-Goog-Resource-State"), "exists");
  CAF_CHECK_EQUAL(header_of(change[0], "X-Goog-Channel-Token"), "t0");
  CAF_CHECK_EQUAL(change[0].request.body, "");
  CAF_CHECK(*parse_integer(header_of(change[0], "X-Goog-Message-Number")) > 1);
  // 503 is tried again, 404 is a lost message.
  until_delivered(in, platform::calendar, taken(404));
  CAF_CHECK(collect(in).empty());
  in.at.make_items(platform::calendar, "alice", 1);
  CAF_CHECK_EQUAL(collect(in, taken(503)).size(), 4u); // After 5, 10 and 20 seconds.
  CAF_CHECK_EQUAL(collect(in, taken()).size(), 1u);
  json stop{{"id", "channel-1"}, {"resourceId", channel["resourceId"]}};
  auto stranger = in.at.grant(platform::calendar, "bob").access;
  CAF_CHECK_EQUAL(in.send("POST", base + "channels/stop", stranger, stop.dump()).status, 404);
  CAF_CHECK_EQUAL(in.send("POST", base + "channels/stop", token, stop.dump()).status, 204);
  in.at.make_items(platform::calendar, "alice", 1);
  CAF_CHECK(collect(in).empty());
}

CAF_TEST(a WebSub subscription lives only after its verification and for its lease) {
  fixture in;
  auto channel = in.at.account_name(platform::youtube, "alice");
  auto topic = "https://www.youtube.com/xml/feeds/videos.xml?channel_id=" + channel;
  auto body = [&](std::string_view mode) {
    return "hub.mode=" + std::string{mode} + "&hub.topic=" + percent_encoded(topic)
           + "&hub.callback=" + percent_encoded("http://127.0.0.1:3001/api/webhooks/youtube/alice")
           + "&hub.secret=hush&hub.lease_seconds=432000";
  };
  const char* hub = "https://pubsubhubbub.appspot.com/subscribe";
  CAF_CHECK_EQUAL(in.form(hub, body("subscribe")).status, 202);
  CAF_CHECK_EQUAL(collect(in, taken(404)).size(), 1u);
  CAF_CHECK_EQUAL(in.at.registrations(platform::youtube, "alice"), 0u);
  CAF_CHECK_EQUAL(in.form(hub, body("subscribe")).status, 202);
  in.pass(1s);
  auto verify = in.at.take_deliveries();
  CAF_REQUIRE_EQUAL(verify.size(), 1u);
  CAF_CHECK_EQUAL(verify[0].request.method, "GET");
  CAF_CHECK_EQUAL(parameter_of(verify[0].request.url, "hub.topic"), topic);
  CAF_CHECK_EQUAL(parameter_of(verify[0].request.url, "hub.lease_seconds"), "432000");
  in.at.report(verify[0].id, taken(200, parameter_of(verify[0].request.url, "hub.challenge")));
  CAF_CHECK_EQUAL(in.at.registrations(platform::youtube, "alice"), 1u);
  auto sent = until_delivered(in, platform::youtube);
  CAF_REQUIRE_EQUAL(sent.size(), 1u);
  CAF_CHECK_EQUAL(header_of(sent[0], "X-Hub-Signature"),
                  "sha1=" + lower_hex(hmac_sha1("hush", sent[0].request.body)));
  CAF_CHECK(sent[0].request.body.find("<yt:channelId>" + channel) != std::string::npos);
  in.pass(5 * 24h);
  CAF_CHECK_EQUAL(in.at.registrations(platform::youtube, "alice"), 0u);
  auto denied = "hub.mode=subscribe&hub.topic="
                + percent_encoded("https://www.youtube.com/xml/feeds/videos.xml?channel_id=UCno")
                + "&hub.callback=http%3A%2F%2F127.0.0.1%3A3001%2Fy";
  CAF_CHECK_EQUAL(in.form(hub, denied).status, 202);
  auto told = collect(in);
  CAF_REQUIRE_EQUAL(told.size(), 1u);
  CAF_CHECK_EQUAL(parameter_of(told[0].request.url, "hub.mode"), "denied");
}

CAF_TEST(Slack events are signed and retried three times and tell of revocation) {
  auto options = fixture::quiet();
  options.slack_events_url = "http://127.0.0.1:3001/api/webhooks/slack/{user}";
  fixture in{options};
  in.at.make_items(platform::slack, "alice", 1);
  CAF_CHECK(collect(in).empty()); // Nobody has installed the application.
  in.at.grant(platform::slack, "alice");
  in.at.make_items(platform::slack, "alice", 1);
  in.pass(8s);
  auto first = in.at.take_deliveries();
  CAF_REQUIRE_EQUAL(first.size(), 1u);
  CAF_CHECK_EQUAL(first[0].request.url, "http://127.0.0.1:3001/api/webhooks/slack/alice");
  auto time = header_of(first[0], "X-Slack-Request-Timestamp");
  CAF_CHECK_EQUAL(time, std::to_string(to_seconds(in.at.now())));
  CAF_CHECK_EQUAL(header_of(first[0], "X-Slack-Signature"),
                  "v0=" + lower_hex(hmac_sha256(options.slack_signing_secret,
                                                "v0:" + time + ':' + first[0].request.body)));
  auto event = json::parse(first[0].request.body);
  auto newest = in.at.produced(platform::slack, "alice").back();
  CAF_CHECK_EQUAL(event["event"]["ts"].get<std::string>(), newest.key[1]);
  in.pass(10s); // No answer at all.
  int retries = 0;
  for (int i = 0; i < 20; ++i) {
    in.pass(1min);
    for (const auto& again : in.at.take_deliveries()) {
      ++retries;
      CAF_CHECK_EQUAL(header_of(again, "X-Slack-Retry-Num"), std::to_string(retries));
      CAF_CHECK(json::parse(again.request.body)["event_id"] == event["event_id"]);
      in.at.report(again.id, taken(500));
    }
  }
  CAF_CHECK_EQUAL(retries, 3);
  in.at.revoke_grants(platform::slack, "alice");
  auto told = collect(in);
  CAF_REQUIRE_EQUAL(told.size(), 1u);
  CAF_CHECK_EQUAL(json::parse(told[0].request.body)["event"]["type"].get<std::string>(),
                  "tokens_revoked");
}

CAF_TEST(an address that answers the bad signature of Discord is removed) {
  auto options = fixture::quiet();
  options.discord_events_url = "http://127.0.0.1:3001/api/webhooks/discord/{user}";
  fixture in{options};
  in.at.verify_addresses("alice");
  in.pass(10s);
  auto pings = in.at.take_deliveries();
  CAF_REQUIRE_EQUAL(pings.size(), 2u);
  for (const auto& ping : pings) // A careful node tells them apart; this one does not.
    in.at.report(ping.id, taken(204));
  CAF_CHECK_EQUAL(in.at.options().discord_events_url, "");
}

CAF_TEST(deliveries can be doubled or late or lost or badly signed) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  in.send("POST", hooks_url, token, hook_body());
  collect(in);
  in.at.add_fault(fault_of("duplicate_delivery,platform=github"));
  auto doubled = until_delivered(in, platform::github);
  CAF_REQUIRE(doubled.size() >= 2);
  CAF_CHECK_EQUAL(doubled[0].request.body, doubled[1].request.body);
  in.at.clear_faults();
  in.at.add_fault(fault_of("bad_signature,platform=github,user=alice"));
  auto forged = until_delivered(in, platform::github);
  CAF_REQUIRE(!forged.empty());
  CAF_CHECK_NOT_EQUAL(header_of(forged[0], "X-Hub-Signature-256"),
                      "sha256=" + lower_hex(hmac_sha256("s3", forged[0].request.body)));
  in.at.clear_faults();
  in.at.add_fault(fault_of("late_delivery,delay_ms=3600000"));
  for (int i = 0; i < 20; ++i)
    in.at.make_items(platform::github, "alice", 1);
  CAF_CHECK(collect(in).empty());
  CAF_CHECK(in.at.waiting_deliveries() > 0);
  in.at.clear_faults();
  in.at.add_fault(fault_of("lose_delivery"));
  in.pass(2h);
  CAF_CHECK(in.at.take_deliveries().empty());
  CAF_CHECK(in.at.stats().of(platform::github).lost > 0);
}

CAF_TEST(a registration can be refused or vanish at the provider) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  in.at.add_fault(fault_of("refuse_registration,platform=github,count=1"));
  CAF_CHECK_EQUAL(in.send("POST", hooks_url, token, hook_body()).status, 403);
  CAF_CHECK_EQUAL(in.send("POST", hooks_url, token, hook_body()).status, 201);
  CAF_CHECK_EQUAL(in.at.registrations(platform::github, "alice"), 1u);
  CAF_CHECK_EQUAL(in.at.delete_registrations(platform::github, "alice"), 1u);
  CAF_CHECK(collect(in).empty()); // Not even the ping is sent any more.
  CAF_CHECK_EQUAL(json::parse(in.get(hooks_url, token).body).size(), 0u);
}
