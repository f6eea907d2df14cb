#define CAF_SUITE monitor_registration
#include "tests/support/caf_test.hpp"

#include <random>
#include <string>
#include <vector>

#include "platforms/monitor/registration_run.hpp"
#include "platforms/poll/instant.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

const timestamp now = parse_instant("2026-11-21T09:00:00Z")->second;
const rate_limit_spec limits;

http_response answer(int status, std::string body = {}, http_headers headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

registration_spec spec_of(registration_style style) {
  registration_spec spec;
  spec.style = style;
  switch (style) {
  case registration_style::github:
    spec.url = "https://api.github.com/repos/{resource}/hooks";
    spec.events = {"push", "issues"};
    break;
  case registration_style::gmail:
    spec.url = "https://gmail.googleapis.com/gmail/v1/users/me/watch";
    spec.topic = "projects/p/topics/gmail-notifications";
    spec.lifetime = 168h;
    spec.renew_before = 24h;
    spec.renew_every = 24h;
    break;
  case registration_style::calendar:
    spec.url = "https://www.googleapis.com/calendar/v3/calendars/{resource}/events/watch";
    spec.lifetime = 168h;
    spec.renew_before = 24h;
    break;
  case registration_style::websub:
    spec.url = "https://pubsubhubbub.appspot.com/subscribe";
    spec.topic = "https://www.youtube.com/xml/feeds/videos.xml?channel_id={resource}";
    spec.lifetime = 432'000s;
    break;
  case registration_style::none: break;
  }
  return spec;
}

struct played {
  registration_outcome outcome;
  std::vector<http_request> requests;

  std::string lines() const {
    std::string out;
    for (const auto& request : requests)
      out += request.method + ' ' + request.url.substr(request.url.find('/', 8)) + '\n';
    return out;
  }
};

played play(const registration_spec& spec, const std::string& resource, registration stored,
            std::vector<result<http_response>> answers,
            registration_goal goal = registration_goal::present, timestamp when = now) {
  registration_run run{{&spec, "ann@example.com", resource, "https://us.example/api/webhooks/x/u1"},
                       goal, limits, std::move(stored), {"fresh-secret", "fresh-id", 0, when}};
  played out;
  std::size_t at = 0;
  while (auto request = run.next()) {
    CAF_REQUIRE(at < answers.size());
    out.requests.push_back(*request);
    run.take(answers[at++]);
  }
  CAF_CHECK_EQUAL(at, answers.size());
  out.outcome = run.take_outcome();
  return out;
}

const char* hook = R"({"type":"Repository","id":42,"config":{)"
                   R"("url":"https://us.example/api/webhooks/x/u1","secret":"********"}})";
const char* exists = R"({"message":"Validation Failed","errors":[{"resource":"Hook","code":"custom",
  "message":"Hook already exists on this repository"}]})";

} // namespace

CAF_TEST(a GitHub hook is made with its secret and JSON bodies) {
  auto spec = spec_of(registration_style::github);
  auto run = play(spec, "octo/repo", {}, {answer(201, hook)});
  CAF_CHECK_EQUAL(run.lines(), "POST /repos/octo/repo/hooks\n");
  CAF_CHECK_EQUAL(run.requests[0].body,
                  R"({"name":"web","active":true,"events":["push","issues"],"config":{)"
                  R"("url":"https://us.example/api/webhooks/x/u1","content_type":"json",)"
                  R"("secret":"fresh-secret","insecure_ssl":"0"}})");
  const auto& at = run.outcome.at;
  CAF_CHECK_EQUAL(at.status, "active");
  CAF_CHECK_EQUAL(at.external_id, "42");
  CAF_CHECK_EQUAL(at.secret, "fresh-secret");
  CAF_CHECK_EQUAL(at.resource, "octo/repo");
  CAF_CHECK(!at.expires_at);
  CAF_CHECK(!at.renew_at);
  // Again: the hook that is known is brought up to date, with the secret that it has.
  auto next = play(spec, "octo/repo", at, {answer(200, hook)});
  CAF_CHECK_EQUAL(next.lines(), "PATCH /repos/octo/repo/hooks/42\n");
  CAF_CHECK(next.requests[0].body.find("\"secret\":\"fresh-secret\"") != std::string::npos);
  // Deleted there: made again.
  auto deleted = play(spec, "octo/repo", at, {answer(404, "{}"), answer(201, R"({"id":43})")});
  CAF_CHECK_EQUAL(deleted.outcome.at.external_id, "43");
  CAF_CHECK_EQUAL(deleted.outcome.at.status, "active");
}

CAF_TEST(a GitHub hook that exists is found by its address and adopted) {
  auto spec = spec_of(registration_style::github);
  auto run = play(spec, "octo/repo", {},
                  {answer(422, exists),
                   answer(200, R"([{"id":1,"config":{"url":"https://other.example"}},{"id":2}])",
                          {{"Link", "<https://api.github.com/repos/octo/repo/hooks?page=2>; "
                                    "rel=\"next\""}}),
                   answer(200, std::string{"["} + hook + ']'), answer(200, hook)});
  CAF_CHECK_EQUAL(run.lines(), "POST /repos/octo/repo/hooks\n"
                               "GET /repos/octo/repo/hooks?per_page=100\n"
                               "GET /repos/octo/repo/hooks?page=2\n"
                               "PATCH /repos/octo/repo/hooks/42\n");
  CAF_CHECK_EQUAL(run.outcome.at.external_id, "42");
  CAF_CHECK_EQUAL(run.outcome.at.status, "active");
  auto hidden = play(spec, "octo/repo", {}, {answer(422, exists), answer(200, "[]")});
  CAF_CHECK_EQUAL(hidden.outcome.at.status, "failed");
  CAF_CHECK(hidden.outcome.permanent);
  // The list of another server is not asked for.
  auto evil = play(spec, "octo/repo", {},
                   {answer(422, exists),
                    answer(200, "[]", {{"Link", "<https://evil.example/>; rel=next"}})});
  CAF_CHECK_EQUAL(evil.outcome.at.status, "failed");
}

CAF_TEST(refusals are permanent with a remedy and failures are tried again) {
  auto spec = spec_of(registration_style::github);
  for (int status : {403, 404, 422}) {
    auto run = play(spec, "octo/repo", {}, {answer(status, R"({"message":"no"})")});
    CAF_CHECK_EQUAL(run.outcome.at.status, "failed");
    CAF_CHECK(run.outcome.permanent);
    CAF_CHECK(!run.outcome.remedy.empty());
    CAF_CHECK(run.outcome.at.renew_at == now + 24h);
  }
  auto at = registration{};
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 12; ++i) {
    auto run = play(spec, "octo/repo", at, {answer(503)});
    CAF_CHECK(!run.outcome.permanent);
    CAF_CHECK(run.outcome.remedy.empty());
    CAF_CHECK_EQUAL(run.outcome.at.cause, "registration_unavailable");
    at = run.outcome.at;
    auto wait = *at.renew_at - now;
    CAF_CHECK(wait >= last);
    CAF_CHECK(wait <= 1h);
    last = wait;
  }
  CAF_CHECK(last == 45min); // 75 % of the longest by chance 0.
  auto healed = play(spec, "octo/repo", at, {answer(201, hook)});
  auto begun = "\"activeSince\":" + std::to_string(now.time_since_epoch().count());
  CAF_CHECK_EQUAL(healed.outcome.at.details, '{' + begun + '}');
  CAF_CHECK_EQUAL(healed.outcome.at.cause, "");
  auto limited = play(spec, "octo/repo", {}, {answer(403, "{}", {{"Retry-After", "60"}})});
  CAF_CHECK(!limited.outcome.permanent);
  CAF_CHECK_EQUAL(limited.outcome.at.cause, "rate_limited");
  auto unanswered =
    play(spec, "octo/repo", {}, {result<http_response>{error{errc::upstream_unavailable, "x"}}});
  CAF_CHECK(!unanswered.outcome.permanent);
  auto nonsense = play(spec, "octo/repo", {}, {answer(201, "<html>")});
  CAF_CHECK(nonsense.outcome.problem->kind == answer_failure::broken_answer);
}

CAF_TEST(a GitHub hook is deleted once whatever is left of it) {
  auto spec = spec_of(registration_style::github);
  registration at;
  at.external_id = "42";
  for (int status : {204, 404})
    CAF_CHECK(play(spec, "o/r", at, {answer(status)}, registration_goal::absent).outcome.removed);
  CAF_CHECK(!play(spec, "o/r", at, {answer(500)}, registration_goal::absent).outcome.removed);
  // The answer that named it was lost: it is looked for.
  auto found = play(spec, "o/r", {}, {answer(200, std::string{"["} + hook + ']'), answer(204)},
                    registration_goal::absent);
  CAF_CHECK(found.outcome.removed);
  CAF_CHECK_EQUAL(found.requests[1].method, "DELETE");
  CAF_CHECK(play(spec, "o/r", {}, {answer(200, "[]")}, registration_goal::absent).outcome.removed);
}

CAF_TEST(a Gmail watch is renewed daily and lives on when that fails) {
  auto spec = spec_of(registration_style::gmail);
  auto expiration = std::to_string((now + 168h).time_since_epoch().count());
  auto run = play(spec, "", {},
                  {answer(200, R"({"historyId":"1","expiration":")" + expiration + "\"}")});
  CAF_CHECK_EQUAL(run.requests[0].body,
                  R"({"topicName":"projects/p/topics/gmail-notifications","labelIds":["INBOX"],)"
                  R"("labelFilterBehavior":"INCLUDE"})");
  auto at = run.outcome.at;
  CAF_CHECK_EQUAL(at.external_id, "ann@example.com");
  CAF_CHECK(at.expires_at == now + 168h);
  CAF_CHECK(at.renew_at == now + 24h);
  auto later = now + 24h;
  auto failed = play(spec, "", at, {answer(500)}, registration_goal::present, later);
  CAF_CHECK_EQUAL(failed.outcome.at.status, "active");
  CAF_CHECK_EQUAL(failed.outcome.at.cause, "registration_unavailable");
  CAF_CHECK(failed.outcome.at.expires_at == now + 168h);
  CAF_CHECK(*failed.outcome.at.renew_at <= later + 1h);
  auto ended =
    play(spec, "", failed.outcome.at, {answer(500)}, registration_goal::present, now + 169h);
  CAF_CHECK_EQUAL(ended.outcome.at.status, "failed");
  auto stopped = play(spec, "", at, {answer(204)}, registration_goal::absent);
  CAF_CHECK_EQUAL(stopped.lines(), "POST /gmail/v1/users/me/stop\n");
  CAF_CHECK(stopped.outcome.removed);
  // A number is as good as text; nonsense is not.
  CAF_CHECK(play(spec, "", {}, {answer(200, R"({"expiration":)" + expiration + '}')})
              .outcome.at.status == "active");
  for (const char* bad : {R"({"expiration":"soon"})", R"({"expiration":"1"})", "[]", "",
                          R"({"expiration":"99999999999999999999"})"})
    CAF_CHECK(play(spec, "", {}, {answer(200, bad)}).outcome.at.status == "failed");
}

CAF_TEST(a Calendar channel is replaced by a new one before it ends) {
  auto spec = spec_of(registration_style::calendar);
  auto reply = [](timestamp until) {
    return answer(200, R"({"kind":"api#channel","id":"x","resourceId":"r1","expiration":")"
                         + std::to_string(until.time_since_epoch().count()) + "\"}");
  };
  auto run = play(spec, "primary", {}, {reply(now + 168h)});
  CAF_CHECK_EQUAL(run.lines(), "POST /calendar/v3/calendars/primary/events/watch\n");
  CAF_CHECK_EQUAL(run.requests[0].body,
                  R"({"id":"fresh-id","type":"web_hook",)"
                  R"("address":"https://us.example/api/webhooks/x/u1",)"
                  R"("token":"fresh-secret","expiration":)"
                    + std::to_string((now + 168h).time_since_epoch().count()) + '}');
  auto at = run.outcome.at;
  CAF_CHECK_EQUAL(at.external_id, "fresh-id");
  CAF_CHECK_EQUAL(at.details, R"({"resourceId":"r1","activeSince":)"
                                + std::to_string(now.time_since_epoch().count()) + '}');
  CAF_CHECK(at.renew_at == now + 144h);
  at.external_id = "old-id";
  at.details = R"({"resourceId":"r0"})";
  auto renewed = play(spec, "primary", at, {reply(now + 300h), answer(500)},
                      registration_goal::present, now + 144h);
  CAF_CHECK_EQUAL(renewed.lines(), "POST /calendar/v3/calendars/primary/events/watch\n"
                                   "POST /calendar/v3/channels/stop\n");
  CAF_CHECK_EQUAL(renewed.requests[1].body, R"({"id":"old-id","resourceId":"r0"})");
  CAF_CHECK_EQUAL(renewed.outcome.at.external_id, "fresh-id");
  CAF_CHECK_EQUAL(renewed.outcome.at.secret, "fresh-secret");
  CAF_CHECK(!renewed.outcome.problem);
  // While it is not replaced, the old one keeps its name.
  auto failed = play(spec, "primary", at, {answer(403, "{}")});
  CAF_CHECK_EQUAL(failed.outcome.at.external_id, "old-id");
  CAF_CHECK_EQUAL(failed.outcome.at.status, "active");
  CAF_CHECK(failed.outcome.permanent);
  auto stopped = play(spec, "primary", at, {answer(404)}, registration_goal::absent);
  CAF_CHECK(stopped.outcome.removed);
}

CAF_TEST(a WebSub subscription lives when the hub has verified it) {
  auto spec = spec_of(registration_style::websub);
  auto run = play(spec, "UC1", {}, {answer(202)});
  CAF_CHECK_EQUAL(run.requests[0].body,
                  "hub.mode=subscribe&hub.topic=https%3A%2F%2Fwww.youtube.com%2Fxml%2Ffeeds%2F"
                  "videos.xml%3Fchannel_id%3DUC1&hub.callback=https%3A%2F%2Fus.example%2Fapi%2F"
                  "webhooks%2Fx%2Fu1&hub.verify=async&hub.secret=fresh-secret"
                  "&hub.lease_seconds=432000");
  auto at = run.outcome.at;
  CAF_CHECK_EQUAL(at.status, "pending");
  CAF_CHECK_EQUAL(at.external_id, "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC1");
  CAF_CHECK(at.renew_at == now + 15min);
  CAF_CHECK(websub_wants(at, "subscribe"));
  CAF_CHECK(!websub_wants(at, "unsubscribe"));
  at = websub_verified(at, spec, 432'000s, now, 0);
  CAF_CHECK_EQUAL(at.status, "active");
  CAF_CHECK(at.expires_at == now + 120h);
  CAF_CHECK(at.renew_at == now + 96h);
  CAF_CHECK(!websub_wants(at, "subscribe"));
  // Renewed: the old one counts until the hub has asked again.
  auto renewed = play(spec, "UC1", at, {answer(202)}, registration_goal::present, now + 96h);
  CAF_CHECK_EQUAL(renewed.outcome.at.status, "active");
  CAF_CHECK(websub_wants(renewed.outcome.at, "subscribe"));
  CAF_CHECK(renewed.outcome.at.expires_at == now + 120h);
  auto denied = websub_denied(renewed.outcome.at, now + 97h);
  CAF_CHECK_EQUAL(denied.status, "failed");
  CAF_CHECK(!websub_wants(denied, "subscribe"));
  auto ended = play(spec, "UC1", at, {answer(202)}, registration_goal::absent);
  CAF_CHECK(ended.outcome.removed);
  CAF_CHECK(ended.requests[0].body.find("hub.mode=unsubscribe") != std::string::npos);
  CAF_CHECK(ended.requests[0].body.find("secret") == std::string::npos);
  CAF_CHECK(websub_wants(std::nullopt, "unsubscribe"));
  CAF_CHECK(!websub_wants(std::nullopt, "subscribe"));
}

CAF_TEST(what must be durable is known before the first request) {
  auto spec = spec_of(registration_style::calendar);
  registration_run run{{&spec, "", "primary", "https://us.example/h"}, registration_goal::present,
                       limits, {}, {"s", "c", 0, now}};
  CAF_CHECK_EQUAL(run.pending().external_id, "c");
  CAF_CHECK_EQUAL(run.pending().secret, "s");
  CAF_CHECK_EQUAL(run.pending().status, "pending");
}

CAF_TEST(renewal is never after the end nor at once) {
  std::mt19937_64 chance{5};
  std::uniform_real_distribution<double> unit{0, 1};
  for (int i = 0; i < 2000; ++i) {
    registration_spec spec;
    spec.renew_before = std::chrono::seconds{chance() % 200'000};
    spec.renew_every = std::chrono::seconds{chance() % 3 == 0 ? chance() % 200'000 : 0};
    auto life = std::chrono::seconds{600 + chance() % 3'000'000};
    auto at = renewal_time(spec, now + life, now, unit(chance));
    CAF_REQUIRE(at);
    CAF_CHECK(*at >= now + 1min);
    CAF_CHECK(*at < now + life);
  }
  CAF_CHECK(!renewal_time({}, std::nullopt, now, 0));
}

CAF_TEST(mutated answers never throw and requests stay bounded) {
  std::mt19937_64 chance{99};
  const std::string bodies[] = {hook, std::string{"["} + hook + ']', exists, "{}", "[]", "",
                                R"({"expiration":"1795339600000","resourceId":"r"})"};
  constexpr int statuses[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 410, 422, 429, 500, 0};
  for (int round = 0; round < 20'000; ++round) {
    auto spec = spec_of(static_cast<registration_style>(chance() % 5));
    registration stored;
    stored.external_id = chance() % 2 == 0 ? "7" : "";
    stored.status = chance() % 2 == 0 ? "active" : "failed";
    stored.details = chance() % 2 == 0 ? R"({"resourceId":"q","attempts":3})" : "{broken";
    registration_run run{{&spec, "ann", "o/r", "https://us.example/h"},
                         chance() % 3 == 0 ? registration_goal::absent : registration_goal::present,
                         limits, stored, {"s", "c", 0.3, now}};
    std::size_t requests = 0;
    while (run.next()) {
      CAF_REQUIRE(++requests <= registration_run::request_count_max);
      auto body = bodies[chance() % std::size(bodies)];
      if (!body.empty() && chance() % 2 == 0)
        body[chance() % body.size()] = static_cast<char>(chance());
      http_headers headers;
      if (chance() % 2 == 0)
        headers = {{"Link", "<https://api.github.com/x?page=" + std::to_string(chance() % 9)
                              + ">; rel=next"}};
      if (chance() % 10 == 0)
        run.take(error{errc::upstream_unavailable, "x"});
      else
        run.take(answer(statuses[chance() % std::size(statuses)], body, headers));
    }
    auto outcome = run.take_outcome();
    bool is_told = outcome.removed || !outcome.at.status.empty();
    CAF_REQUIRE(is_told);
    if (outcome.problem)
      CAF_REQUIRE((run.is_done() && (outcome.at.renew_at || outcome.removed)));
  }
}
