// What goes wrong on the way, seen through the port to HTTP.
#define CAF_SUITE sim_faults
#include "tests/support/caf_test.hpp"

#include <optional>

#include <nlohmann/json.hpp>

#include "sim/control.hpp"
#include "sim/direct_client.hpp"
#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

namespace {

const std::string user_url = "https://api.github.com/user";

struct direct : fixture {
  direct() : client(at), token(at.grant(platform::github, "alice")) {}

  result<http_response> ask(std::string url = user_url) {
    http_request request;
    request.url = std::move(url);
    request.headers = {{"Authorization", "Bearer " + token.access}};
    std::optional<result<http_response>> out;
    client.send(std::move(request), [&](result<http_response> answer) { out = std::move(answer); });
    CAF_REQUIRE(out.has_value());
    return *out;
  }
  result<http_response> refresh() {
    http_request request;
    request.method = "POST";
    request.url = "https://github.com/login/oauth/access_token";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                       {"Accept", "application/json"}};
    request.body = "grant_type=refresh_token&client_id=sim-github-id&client_secret="
                   "sim-github-secret&refresh_token="
                   + token.refresh;
    std::optional<result<http_response>> out;
    client.send(std::move(request), [&](result<http_response> answer) { out = std::move(answer); });
    return *out;
  }
  void break_by(const std::string& text) {
    at.add_fault(parse_fault(text, at.now()).value());
  }

  direct_client client;
  sim_tokens token;
};

} // namespace

CAF_TEST(faults strike as often as asked and say so in the words of the provider) {
  direct in;
  in.break_by("rate_limit,platform=github,count=2,retry_after=17");
  for (int i = 0; i < 2; ++i) {
    auto limited = in.ask();
    CAF_REQUIRE(limited.has_value());
    CAF_CHECK_EQUAL(limited->status, 429);
    CAF_CHECK_EQUAL(limited->header("Retry-After"), "17");
  }
  CAF_CHECK_EQUAL(in.ask()->status, 200);
  in.break_by("server_error,status=502,endpoint=user,count=1");
  CAF_CHECK_EQUAL(in.ask()->status, 502);
  in.break_by("wrong_json,count=1");
  CAF_CHECK(!json::accept(in.ask()->body));
  CAF_CHECK_EQUAL(in.ask()->status, 200);
  CAF_CHECK_EQUAL(in.at.faults_struck(fault_kind::rate_limit), 2u);
  CAF_CHECK_EQUAL(in.at.stats().of(platform::github, "user").limited, 2u);
}

CAF_TEST(a dropped connection and a hang are failures of the port) {
  direct in;
  for (auto kind : {"drop", "hang", "half_answer", "lose_answer"}) {
    in.break_by(std::string{kind} + ",count=1");
    auto broken = in.ask();
    CAF_REQUIRE(!broken.has_value());
    CAF_CHECK_EQUAL(broken.error().code, errc::upstream_unavailable);
  }
  in.break_by("latency,delay_ms=10000,count=1");
  CAF_CHECK(!in.ask().has_value());
  in.break_by("latency,delay_ms=9999,count=1");
  CAF_CHECK(in.ask().has_value());
}

CAF_TEST(a lost answer has rotated the token and a dropped request has not) {
  direct in;
  in.break_by("drop,endpoint=token,count=1");
  CAF_CHECK(!in.refresh().has_value());
  in.break_by("lose_answer,endpoint=token,count=1");
  CAF_CHECK(!in.refresh().has_value());
  auto again = in.refresh();
  CAF_REQUIRE(again.has_value());
  CAF_CHECK_EQUAL(json::parse(again->body).value("error", ""), "bad_refresh_token");
  CAF_CHECK_EQUAL(in.at.stats().of(platform::github).refreshes, 2u);
}

CAF_TEST(a fault is for one platform and person and time) {
  direct in;
  in.break_by("server_error,platform=spotify");
  in.break_by("server_error,user=bob");
  CAF_CHECK_EQUAL(in.ask()->status, 200);
  in.at.clear_faults();
  in.break_by("server_error,user=alice,seconds=60");
  CAF_CHECK_EQUAL(in.ask()->status, 503);
  in.pass(60s);
  CAF_CHECK_EQUAL(in.ask()->status, 200);
}

CAF_TEST(answers can wait for a clock of the test) {
  direct in;
  std::vector<std::pair<std::chrono::milliseconds, std::function<void()>>> waiting;
  in.client.answer_through([&](std::chrono::milliseconds time, std::function<void()> run) {
    waiting.emplace_back(time, std::move(run));
  });
  in.break_by("hang,count=1");
  std::optional<result<http_response>> out;
  http_request request;
  request.url = user_url;
  request.timeout = 4s;
  in.client.send(request, [&](result<http_response> answer) { out = std::move(answer); });
  CAF_CHECK(!out);
  CAF_REQUIRE_EQUAL(waiting.size(), 1u);
  CAF_CHECK_EQUAL(waiting[0].first.count(), 4000);
  waiting[0].second();
  CAF_REQUIRE(out.has_value());
  CAF_CHECK(!out->has_value());
}

CAF_TEST(redirected addresses reach the same world) {
  direct in;
  in.at.change_options().base_url = "http://127.0.0.1:8088";
  in.client.rewrite_base("http://127.0.0.1:8088");
  CAF_CHECK_EQUAL(in.ask("http://127.0.0.1:8088/api.github.com/user")->status, 200);
  CAF_CHECK_EQUAL(in.ask("http://127.0.0.1:8088/api.example.com/user")->status, 404);
  in.at.make_items(platform::github, "alice", 60);
  in.pass(1min);
  auto page = in.ask("http://127.0.0.1:8088/api.github.com/users/alice/events");
  CAF_CHECK(page->header("Link").starts_with("<http://127.0.0.1:8088/api.github.com/user/"));
}

CAF_TEST(expired access tokens refresh and withdrawn grants do not) {
  direct in;
  CAF_CHECK_EQUAL(in.at.expire_access_tokens(platform::github, "alice"), 1u);
  CAF_CHECK_EQUAL(in.ask()->status, 401);
  auto fresh = json::parse(in.refresh()->body);
  in.token.access = fresh["access_token"];
  in.token.refresh = fresh["refresh_token"];
  CAF_CHECK_EQUAL(in.ask()->status, 200);
  in.at.revoke_grants(platform::github, "");
  CAF_CHECK_EQUAL(in.ask()->status, 401);
  CAF_CHECK_EQUAL(json::parse(in.refresh()->body).value("error", ""), "bad_refresh_token");
}

CAF_TEST(mistakes in a fault are told) {
  CAF_CHECK(!parse_fault("", timestamp{}).has_value());
  CAF_CHECK(!parse_fault("explode", timestamp{}).has_value());
  CAF_CHECK(!parse_fault("drop,platform=myspace", timestamp{}).has_value());
  CAF_CHECK(!parse_fault("drop,count=-1", timestamp{}).has_value());
  CAF_CHECK(!parse_fault("drop,probability=often", timestamp{}).has_value());
  CAF_CHECK(!parse_fault("drop,colour=red", timestamp{}).has_value());
  CAF_CHECK(parse_fault("drop,probability=0.5,count=3,seconds=9", timestamp{}).has_value());
}

CAF_TEST(the control API breaks and makes and counts) {
  direct in;
  auto post = [&](const json& body) {
    http_request request;
    request.method = "POST";
    request.url = "/_control";
    request.body = body.dump();
    return control(in.at, request);
  };
  CAF_CHECK_EQUAL(post({{"do", "fault"}, {"kind", "server_error"}, {"count", 1}}).status, 200);
  CAF_CHECK_EQUAL(in.ask()->status, 503);
  CAF_CHECK_EQUAL(post({{"do", "fault"}, {"kind", "explode"}}).status, 400);
  CAF_CHECK_EQUAL(
    post({{"do", "produce"}, {"platform", "gmail"}, {"user", "carol"}, {"count", 3}}).status, 200);
  CAF_CHECK_EQUAL(in.at.produced_count(platform::gmail, "carol"), 3u);
  auto granted = json::parse(
    post({{"do", "grant"}, {"platform", "google_calendar"}, {"user", "carol"}}).body);
  CAF_CHECK(granted.contains("refresh_token"));
  auto many = json::parse(
    post({{"do", "grant"}, {"platform", "github"}, {"users", {"dora", "emil"}}}).body)["grants"];
  CAF_REQUIRE_EQUAL(many.size(), 2u);
  CAF_CHECK_EQUAL(many[1]["user"].get<std::string>(), "emil");
  CAF_CHECK_EQUAL(many[1]["account"].get<std::string>(), "emil");
  CAF_CHECK(many[0]["access_token"] != many[1]["access_token"]);
  CAF_CHECK_EQUAL(
    post({{"do", "grant"}, {"platform", "github"}, {"users", {"dora", ""}}}).status, 400);
  CAF_CHECK_EQUAL(post({{"do", "grant"}, {"platform", "github"}, {"users", {1}}}).status, 400);
  CAF_CHECK_EQUAL(post({{"do", "revoke"}, {"platform", "github"}, {"user", "alice"}}).body,
                  R"({"ok":true,"grants":1})");
  CAF_CHECK_EQUAL(post({{"do", "dance"}}).status, 400);
  CAF_CHECK_EQUAL(post(json::array()).status, 400);
  http_request request;
  request.url = "/_stats";
  auto stats = json::parse(control(in.at, request).body);
  CAF_CHECK_EQUAL(stats["platforms"]["github"]["endpoints"]["user"]["broken"].get<int>(), 1);
  CAF_CHECK_EQUAL(stats["faults"]["server_error"].get<int>(), 1);
  request.url = "/_produced?platform=gmail&user=carol";
  CAF_CHECK_EQUAL(json::parse(control(in.at, request).body)["items"].size(), 3u);
  request.url = "/_users";
  CAF_CHECK_EQUAL(json::parse(control(in.at, request).body)["users"].size(), 5u);
}
