// What the answers of token endpoints mean.
#define CAF_SUITE oauth_answers

#include "tests/support/caf_test.hpp"

#include <algorithm>

#include "platforms/oauth/token_answer.hpp"
#include "platforms/spec_loader.hpp"

using namespace lapwing;
using namespace std::chrono_literals;
using enum token_failure_kind;

namespace {

const timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 9h};

const platform_spec& platform(std::string_view name) {
  static const auto all = load_platforms("", {}).platforms;
  return *std::ranges::find(all, name, [](const auto& p) { return p.name.str(); });
}

token_outcome read(std::string_view name, int status, std::string body, http_headers headers = {}) {
  return read_token_answer(platform(name), {status, std::move(headers), std::move(body)}, now);
}

token_set tokens_of(const token_outcome& outcome) {
  CAF_REQUIRE(std::holds_alternative<token_answer>(outcome));
  return std::get<token_answer>(outcome).tokens;
}

token_failure failure_of(const token_outcome& outcome) {
  CAF_REQUIRE(std::holds_alternative<token_failure>(outcome));
  return std::get<token_failure>(outcome);
}

} // namespace

CAF_TEST(the good answer of each platform is read) {
  const auto google = tokens_of(read("gmail", 200, R"({"access_token":"ya29.a","expires_in":3599,
    "scope":"https://www.googleapis.com/auth/gmail.readonly","token_type":"Bearer"})"));
  CAF_CHECK_EQUAL(google.access_token, "ya29.a");
  CAF_CHECK_EQUAL(google.refresh_token, "");
  CAF_CHECK(google.expires_at == now + 3599s);
  CAF_CHECK(!google.grant_expires_at.has_value());

  const auto github = tokens_of(read("github", 200, R"({"access_token":"ghu_1","expires_in":28800,
    "refresh_token":"ghr_2","refresh_token_expires_in":15811200,"scope":"",
    "token_type":"bearer"})"));
  CAF_CHECK_EQUAL(github.refresh_token, "ghr_2");
  CAF_CHECK(github.grant_expires_at == now + 15811200s);

  const auto forever = tokens_of(read(
      "github", 200, R"({"access_token":"gho_1","scope":"repo,read:user","token_type":"bearer"})"));
  CAF_CHECK(!forever.expires_at.has_value());
  CAF_CHECK_EQUAL(forever.scopes, "repo read:user");

  // Without Accept, GitHub answers so.
  const auto form = tokens_of(
      read("github", 200, "access_token=gho_2&scope=repo%2Cgist&token_type=bearer&expires_in=60"));
  CAF_CHECK_EQUAL(form.access_token, "gho_2");
  CAF_CHECK_EQUAL(form.scopes, "repo gist");
  CAF_CHECK(form.expires_at == now + 60s);

  const auto slack = read("slack", 200, R"({"ok":true,"access_token":"xoxe.xoxb-1",
    "expires_in":43200,"refresh_token":"xoxe-1-a","token_type":"bot","scope":"channels:history,channels:read",
    "team":{"id":"T1","name":"x"},"authed_user":{"id":"U1","access_token":"xoxp-9"}})");
  CAF_CHECK_EQUAL(tokens_of(slack).access_token, "xoxe.xoxb-1");
  CAF_CHECK_EQUAL(std::get<token_answer>(slack).account, "T1");
}

CAF_TEST(refreshed tokens of a Slack user sit at the top) {
  auto spec = platform("slack");
  spec.oauth.token_path = "authed_user";
  const auto read = [&](const char* body) {
    return read_token_answer(spec, http_response{200, {}, body}, timestamp{});
  };
  const auto top = read(R"({"ok":true,"access_token":"xoxe.xoxp-2","refresh_token":"xoxe-2",
    "expires_in":43200,"token_type":"user","authed_user":{"id":"U1"}})");
  CAF_REQUIRE(std::holds_alternative<token_answer>(top));
  CAF_CHECK_EQUAL(std::get<token_answer>(top).tokens.access_token, "xoxe.xoxp-2");
  CAF_CHECK_EQUAL(std::get<token_answer>(top).tokens.refresh_token, "xoxe-2");
  // The bot's, or of nobody who is named: not the person's.
  for (const char* body : {R"({"ok":true,"access_token":"xoxb-1","token_type":"bot"})",
                           R"({"ok":true,"access_token":"xoxb-1"})",
                           R"({"ok":true,"access_token":"x","token_type":"bot","authed_user":7})"})
    CAF_CHECK(std::holds_alternative<token_failure>(read(body)));
  const auto both = read(R"({"ok":true,"access_token":"xoxb-1","token_type":"bot",
    "authed_user":{"access_token":"xoxp-1","token_type":"user"}})");
  CAF_CHECK_EQUAL(std::get<token_answer>(both).tokens.access_token, "xoxp-1");
}

CAF_TEST(the tokens of a Slack user sit below authed_user) {
  auto spec = platform("slack");
  spec.oauth.token_path = "authed_user";
  const auto outcome = read_token_answer(
      spec,
      http_response{200, {}, R"({"ok":true,"authed_user":{"access_token":"xoxe.xoxp-1",
        "refresh_token":"xoxe-1-u","expires_in":43200},"team":{"id":"T1"}})"},
      now);
  CAF_CHECK_EQUAL(tokens_of(outcome).access_token, "xoxe.xoxp-1");
  CAF_CHECK_EQUAL(tokens_of(outcome).refresh_token, "xoxe-1-u");
  const auto without = read_token_answer(
      spec, http_response{200, {}, R"({"ok":true,"access_token":"xoxb"})"}, now);
  CAF_CHECK_EQUAL(failure_of(without).code, "unreadable_answer");
}

CAF_TEST(every failure has its class) {
  const struct {
    const char* platform;
    int status;
    const char* body;
    token_failure_kind kind;
    const char* code;
  } rows[] = {
      {"gmail", 400, R"({"error":"invalid_grant","error_description":"Token has been expired"})",
       reauthorise, "invalid_grant"},
      {"spotify", 400, R"({"error":"invalid_grant"})", reauthorise, "invalid_grant"},
      {"github", 200, R"({"error":"bad_refresh_token"})", reauthorise, "bad_refresh_token"},
      {"github", 200, "error=bad_verification_code&error_description=x", reauthorise,
       "bad_verification_code"},
      {"slack", 200, R"({"ok":false,"error":"invalid_refresh_token"})", reauthorise,
       "invalid_refresh_token"},
      {"slack", 200, R"({"ok":false,"error":"token_revoked"})", reauthorise, "token_revoked"},
      {"slack", 400, R"({"ok":false,"error":"invalid_grant"})", reauthorise, "invalid_grant"},
      {"linkedin", 400, R"({"error":"invalid_request"})", reauthorise, "invalid_request"},
      {"spotify", 400, R"({"error":"invalid_request"})", configuration, "invalid_request"},
      {"discord", 401, R"({"error":"invalid_client"})", configuration, "invalid_client"},
      {"gmail", 401, R"({"error":"unauthorized_client"})", configuration, "unauthorized_client"},
      {"linkedin", 400, R"({"error":"redirect_uri_mismatch"})", configuration,
       "redirect_uri_mismatch"},
      {"github", 200, R"({"error":"incorrect_client_credentials"})", configuration,
       "incorrect_client_credentials"},
      {"slack", 200, R"({"ok":false,"error":"bad_client_secret"})", configuration,
       "bad_client_secret"},
      {"gmail", 302, "", configuration, "redirected"},
      {"slack", 200, R"({"ok":false,"error":"ratelimited"})", transient, "ratelimited"},
      {"slack", 200, R"({"ok":false,"error":"internal_error"})", transient, "internal_error"},
      {"gmail", 400, R"({"error":"temporarily_unavailable"})", transient,
       "temporarily_unavailable"},
      {"gmail", 400, R"({"error":"server_error"})", transient, "server_error"},
      {"gmail", 500, R"({"error":"invalid_grant"})", transient, "http_500"},
      {"gmail", 503, "<html>", transient, "http_503"},
      {"gmail", 429, R"({"error":"invalid_grant"})", transient, "http_429"},
      {"gmail", 200, "", transient, "unreadable_answer"},
      {"gmail", 200, "<html>login", transient, "unreadable_answer"},
      {"gmail", 200, "{\"access_token\":\"ya29", transient, "unreadable_answer"},
      {"gmail", 200, "[]", transient, "unreadable_answer"},
      {"gmail", 200, "{}", transient, "unreadable_answer"},
      {"gmail", 200, R"({"access_token":7})", transient, "unreadable_answer"},
      {"gmail", 200, R"({"access_token":""})", transient, "unreadable_answer"},
      {"gmail", 200, "{\"access_token\":\"a\\r\\nX: y\"}", transient, "unreadable_answer"},
      {"gmail", 200, R"({"access_token":"a b"})", transient, "unreadable_answer"},
      {"gmail", 400, R"({"error":"org_internal"})", unknown, "org_internal"},
      {"gmail", 403, "<html>", unknown, "http_403"},
      {"gmail", 404, "", unknown, "http_404"},
      {"gmail", 400, R"({"error":{"status":"X"}})", unknown, "unnamed_error"},
      {"gmail", 400, "{\"error\":\"bad\\nline\"}", unknown, "unnamed_error"},
      {"slack", 200, R"({"ok":false})", unknown, "unnamed_error"},
  };
  for (const auto& row : rows) {
    const auto failure = failure_of(read(row.platform, row.status, row.body));
    if (failure.kind != row.kind || failure.code != row.code)
      CAF_ERROR(row.platform << " " << row.status << " " << row.body << ": "
                             << std::string{to_string_view(failure.kind)} << " " << failure.code);
  }
}

CAF_TEST(a request without an answer is no definite failure) {
  const std::pair<errc, const char*> rows[] = {{errc::upstream_unavailable, "unreachable"},
                                               {errc::upstream_refused, "not_sent"},
                                               {errc::payload_too_large, "unreadable_answer"}};
  for (const auto& [code, name] : rows) {
    const auto failure = failure_of(read_token_answer(
        platform("gmail"), result<http_response>{error{code, "secret detail"}}, now));
    CAF_CHECK(failure.kind == transient);
    CAF_CHECK_EQUAL(failure.code, name);
  }
}

CAF_TEST(flaws of the decoration never cost a rotation) {
  for (const auto* expires : {"null", "0", "-5", "\"soon\"", "{}", "true", "\"1e999\"", "\"\""}) {
    const auto tokens = tokens_of(read("github", 200,
                                       std::string{R"({"access_token":"a","refresh_token":"r",)"}
                                           + "\"expires_in\":" + expires + ",\"scope\":7}"));
    if (tokens.expires_at)
      CAF_ERROR("an end from " << expires);
    CAF_CHECK_EQUAL(tokens.refresh_token, "r");
    CAF_CHECK_EQUAL(tokens.scopes, "");
  }
  CAF_CHECK(tokens_of(read("gmail", 200, R"({"access_token":"a","expires_in":"3600"})")).expires_at
            == now + 3600s);
  CAF_CHECK(tokens_of(read("gmail", 200, R"({"access_token":"a","expires_in":3600.5})")).expires_at
            == now + 3600500ms);
  CAF_CHECK(tokens_of(read("gmail", 200, R"({"access_token":"a","expires_in":1e300})")).expires_at
            == now + std::chrono::days{3650});
  for (const auto* refresh : {"null", "\"\"", "5", "\"a b\""})
    CAF_CHECK_EQUAL(tokens_of(read("gmail", 200, std::string{R"({"access_token":"a",)"}
                                                     + "\"refresh_token\":" + refresh + "}"))
                        .refresh_token,
                    "");
  CAF_CHECK_EQUAL(
      tokens_of(read("gmail", 200, R"({"access_token":"a","scope":["x","y",3]})")).scopes, "x y");
  CAF_CHECK_EQUAL(
      tokens_of(read("gmail", 200, R"({"access_token":"a","scope":" x, y  z,"})")).scopes, "x y z");
}

CAF_TEST(too much is refused) {
  const auto large = std::string{R"({"access_token":"a","x":")"} + std::string(70'000, 'x') + "\"}";
  CAF_CHECK_EQUAL(failure_of(read("gmail", 200, large)).code, "unreadable_answer");
  const auto token = R"({"access_token":")" + std::string(9000, 'x') + "\"}";
  CAF_CHECK_EQUAL(failure_of(read("gmail", 200, token)).code, "unreadable_answer");
  CAF_CHECK_EQUAL(failure_of(read("gmail", 200, std::string(60'000, '['))).code,
                  "unreadable_answer");
}

CAF_TEST(Retry-After is seconds or a date and at most a day) {
  CAF_CHECK(failure_of(read("gmail", 429, "", {{"retry-after", "7"}})).retry_after == 7000ms);
  CAF_CHECK(failure_of(read("slack", 200, R"({"ok":false,"error":"ratelimited"})",
                            {{"Retry-After", "30"}}))
                .retry_after
            == 30s);
  CAF_CHECK(parse_retry_after("Sat, 21 Nov 2026 09:02:00 GMT", now) == 120s);
  CAF_CHECK(parse_retry_after("Sat, 21 Nov 2026 08:00:00 GMT", now) == 0s);
  CAF_CHECK(parse_retry_after("99999999", now) == 24h);
  for (const auto* wrong : {"", "-1", "1.5", "soon", "Sat, 21 Nov 2026 09:02:00 CET",
                            "Sat, 99 Nov 2026 09:02:00 GMT", "Sat, 21 Nvo 2026 09:02:00 GMT",
                            "Sat, 21 Nov 2026 29:02:00 GMT", "99999999999999999999"})
    CAF_CHECK(!parse_retry_after(wrong, now).has_value());
}

CAF_TEST(the end of a grant is what the provider said or documents) {
  token_set tokens{"a", "r", now + 1h, {}, ""};
  CAF_CHECK(grant_end(platform("spotify").oauth, tokens, now) == now + std::chrono::days{180});
  CAF_CHECK(!grant_end(platform("gmail").oauth, tokens, now).has_value());
  tokens.grant_expires_at = now + 5h;
  CAF_CHECK(grant_end(platform("spotify").oauth, tokens, now) == now + 5h);
  tokens.refresh_token.clear();
  CAF_CHECK(grant_end(platform("linkedin").oauth, tokens, now) == now + 1h);
  tokens.expires_at.reset();
  CAF_CHECK(!grant_end(platform("github").oauth, tokens, now).has_value());
}

CAF_TEST(scopes that were not granted are told) {
  token_set tokens{"a", "", {}, {}, "repo read:user"};
  CAF_CHECK((missing_scopes(platform("github").oauth, tokens)
             == std::vector<std::string>{"admin:repo_hook"}));
  tokens.scopes.clear();
  CAF_CHECK(missing_scopes(platform("github").oauth, tokens).empty());
}

CAF_TEST(the account is found in objects and lists) {
  const auto account = [](std::string_view name, std::string body, int status = 200) {
    const auto found = read_account(platform(name), {status, {}, std::move(body)});
    return found ? *found : std::string{"none"};
  };
  CAF_CHECK_EQUAL(account("github", R"({"login":"octo"})"), "octo");
  CAF_CHECK_EQUAL(account("youtube", R"({"items":[{"id":"UC1"}]})"), "UC1");
  CAF_CHECK_EQUAL(account("youtube", R"({"items":[]})"), "none");
  CAF_CHECK_EQUAL(account("discord", R"({"id":80351110224678912})"), "80351110224678912");
  CAF_CHECK_EQUAL(account("github", R"({"login":"a\nb"})"), "none");
  CAF_CHECK_EQUAL(account("github", R"({"login":["x"]})"), "none");
  CAF_CHECK_EQUAL(account("github", "{"), "none");
  CAF_CHECK_EQUAL(account("github", R"({"login":"octo"})", 401), "none");
}
