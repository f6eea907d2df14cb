// The six authorization servers: codes, PKCE, credentials, rotation, the ends of grants.
#define CAF_SUITE sim_oauth
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "sim/crypto.hpp"
#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

namespace {

const std::string redirect = "http://127.0.0.1:3001/api/oauth/x/callback";

struct server {
  const char* authorize;
  const char* token;
  const char* scope;
};

server server_of(platform where) {
  switch (where) {
    case platform::spotify:
      return {"https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token",
              "user-read-recently-played"};
    case platform::github:
      return {"https://github.com/login/oauth/authorize",
              "https://github.com/login/oauth/access_token", "read:user repo"};
    case platform::discord:
      return {"https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token",
              "identify guilds"};
    case platform::slack:
      return {"https://slack.com/oauth/v2/authorize", "https://slack.com/api/oauth.v2.access",
              "channels:history,channels:read"};
    case platform::linkedin:
      return {"https://www.linkedin.com/oauth/v2/authorization",
              "https://www.linkedin.com/oauth/v2/accessToken", "openid profile email"};
    default:
      return {"https://accounts.google.com/o/oauth2/v2/auth",
              "https://oauth2.googleapis.com/token",
              "https://www.googleapis.com/auth/gmail.readonly"};
  }
}

std::string client_id(platform where) {
  return "sim-" + std::string{name_of(provider_of(where))} + "-id";
}

std::string client_secret(platform where) {
  return "sim-" + std::string{name_of(provider_of(where))} + "-secret";
}

std::string authorize_url(platform where, std::string more = {}) {
  std::string url = server_of(where).authorize;
  append_parameter(url, "client_id", client_id(where));
  append_parameter(url, "redirect_uri", redirect);
  append_parameter(url, "response_type", "code");
  append_parameter(url, "state", "s t");
  append_parameter(url, "scope", server_of(where).scope);
  return url + more;
}

/// Form and headers of the token endpoint, with the provider's usual credentials.
http_response ask(fixture& in, platform where, std::string body) {
  http_headers headers{{"Accept", "application/json"}};
  if (where == platform::spotify)
    headers.emplace_back("Authorization", basic(client_id(where), client_secret(where)));
  else
    body += "&client_id=" + client_id(where) + "&client_secret=" + client_secret(where);
  return in.form(server_of(where).token, body, std::move(headers));
}

std::string code_body(std::string_view location, std::string_view verifier = {}) {
  auto out = "grant_type=authorization_code&code=" + parameter_of(location, "code")
             + "&redirect_uri=" + percent_encoded(redirect);
  if (!verifier.empty())
    out += "&code_verifier=" + std::string{verifier};
  return out;
}

json connect(fixture& in, platform where, std::string more = {}) {
  auto location = in.at.consent(authorize_url(where, std::move(more)), "alice");
  return json::parse(ask(in, where, code_body(location)).body);
}

json refresh(fixture& in, platform where, const std::string& token) {
  return json::parse(
    ask(in, where, "grant_type=refresh_token&refresh_token=" + percent_encoded(token)).body);
}

} // namespace

CAF_TEST(every provider sends the person back with a code and the state) {
  fixture in;
  for (auto where : {platform::spotify, platform::github, platform::discord, platform::slack,
                     platform::linkedin, platform::gmail}) {
    CAF_MESSAGE(std::string{name_of(where)});
    auto location = in.at.consent(authorize_url(where), "alice");
    CAF_REQUIRE(location.starts_with(redirect + "?code="));
    CAF_CHECK_EQUAL(parameter_of(location, "state"), "s t");
    auto first = ask(in, where, code_body(location));
    CAF_CHECK_EQUAL(first.status, 200);
    auto tokens = json::parse(first.body);
    CAF_CHECK(tokens.contains("access_token"));
    auto again = json::parse(ask(in, where, code_body(location)).body);
    CAF_CHECK(again.contains("error"));
    CAF_CHECK(!again.contains("access_token"));
  }
}

CAF_TEST(a person may say no) {
  fixture in;
  auto location = in.at.consent(authorize_url(platform::discord, "&deny=1"), "alice");
  CAF_CHECK_EQUAL(parameter_of(location, "error"), "access_denied");
  CAF_CHECK_EQUAL(parameter_of(location, "state"), "s t");
  CAF_CHECK_EQUAL(parameter_of(location, "code"), "");
}

CAF_TEST(an unknown client or a foreign address is never redirected to) {
  fixture in;
  auto url = authorize_url(platform::github);
  auto wrong_client = in.get(url + "x&client_id=y");
  CAF_CHECK_EQUAL(wrong_client.status, 302); // The first client_id counts.
  CAF_CHECK_EQUAL(in.get("https://github.com/login/oauth/authorize?client_id=no").status, 400);
  CAF_CHECK_EQUAL(in.get("https://github.com/login/oauth/authorize?client_id=sim-github-id"
                         "&redirect_uri=https%3A%2F%2Fevil.example%2F")
                    .status,
                  400);
}

CAF_TEST(scopes are separated as the provider wants it) {
  fixture in;
  auto slack = in.at.consent("https://slack.com/oauth/v2/authorize?client_id=sim-slack-id"
                             "&redirect_uri=http%3A%2F%2F127.0.0.1%2F"
                             "&scope=channels:history%20channels:read",
                             "alice");
  CAF_CHECK_EQUAL(parameter_of(slack, "error"), "invalid_scope");
  auto spotify = in.at.consent(
    "https://accounts.spotify.com/authorize?client_id=sim-spotify-id&response_type=code"
    "&redirect_uri=http%3A%2F%2F127.0.0.1%2F&scope=user-read-private,user-read-email",
    "alice");
  CAF_CHECK_EQUAL(parameter_of(spotify, "error"), "invalid_scope");
}

CAF_TEST(PKCE takes S256 only and checks the verifier) {
  fixture in;
  const std::string verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; // RFC 7636 B.
  const std::string challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  auto plain = in.at.consent(
    authorize_url(platform::gmail, "&code_challenge=" + verifier + "&code_challenge_method=plain"),
    "alice");
  CAF_CHECK_EQUAL(parameter_of(plain, "error"), "invalid_request");
  auto more = "&code_challenge=" + challenge + "&code_challenge_method=S256";
  for (auto where : {platform::spotify, platform::github, platform::gmail, platform::discord,
                     platform::slack}) {
    CAF_MESSAGE(std::string{name_of(where)});
    auto location = in.at.consent(authorize_url(where, more), "alice");
    CAF_CHECK(json::parse(ask(in, where, code_body(location, "wrong")).body).contains("error"));
    location = in.at.consent(authorize_url(where, more), "alice");
    CAF_CHECK(json::parse(ask(in, where, code_body(location)).body).contains("error"));
    location = in.at.consent(authorize_url(where, more), "alice");
    auto good = json::parse(ask(in, where, code_body(location, verifier)).body);
    CAF_CHECK(good.contains("access_token"));
  }
  auto linkedin = in.at.consent(authorize_url(platform::linkedin, more), "alice");
  auto refused = json::parse(ask(in, platform::linkedin, code_body(linkedin, verifier)).body);
  CAF_CHECK_EQUAL(refused.value("error", ""), "invalid_request");
}

CAF_TEST(a code lives ten minutes) {
  fixture in;
  auto location = in.at.consent(authorize_url(platform::discord), "alice");
  in.pass(10min);
  auto late = json::parse(ask(in, platform::discord, code_body(location)).body);
  CAF_CHECK_EQUAL(late.value("error", ""), "invalid_grant");
}

CAF_TEST(wrong credentials are told in the words of the provider) {
  fixture in;
  auto wrong = [&](platform where, http_headers headers, const std::string& credentials) {
    headers.emplace_back("Accept", "application/json");
    auto answer = in.form(server_of(where).token,
                          "grant_type=refresh_token&refresh_token=x" + credentials, headers);
    return std::pair{answer.status, json::parse(answer.body).value("error", "")};
  };
  const std::string body = "&client_id=sim-spotify-id&client_secret=sim-spotify-secret";
  // Spotify wants basic authentication.
  auto spotify = wrong(platform::spotify, {}, body);
  CAF_CHECK_EQUAL(spotify.first, 400);
  CAF_CHECK_EQUAL(spotify.second, "invalid_client");
  auto google = wrong(platform::gmail, {}, "&client_id=sim-google-id&client_secret=no");
  CAF_CHECK_EQUAL(google.first, 401);
  CAF_CHECK_EQUAL(google.second, "invalid_client");
  auto discord = wrong(platform::discord, {{"Authorization", basic("sim-discord-id", "no")}}, "");
  CAF_CHECK_EQUAL(discord.first, 401);
  auto github = wrong(platform::github, {}, "&client_id=sim-github-id&client_secret=no");
  CAF_CHECK_EQUAL(github.first, 200);
  CAF_CHECK_EQUAL(github.second, "incorrect_client_credentials");
  auto slack = wrong(platform::slack, {}, "&client_id=sim-slack-id&client_secret=no");
  CAF_CHECK_EQUAL(slack.first, 200);
  CAF_CHECK_EQUAL(slack.second, "bad_client_secret");
  auto linkedin =
    wrong(platform::linkedin,
          {{"Authorization", basic("sim-linkedin-id", "sim-linkedin-secret")}}, "");
  CAF_CHECK_EQUAL(linkedin.first, 401);
  CAF_CHECK_EQUAL(linkedin.second, "invalid_client");
  auto json_body = in.send("POST", server_of(platform::discord).token, {}, "{}",
                           {{"Content-Type", "application/json"}});
  CAF_CHECK_EQUAL(json_body.status, 400);
}

CAF_TEST(GitHub answers in a form unless JSON is asked for) {
  fixture in;
  auto location = in.at.consent(authorize_url(platform::github), "alice");
  auto answer =
    in.form(server_of(platform::github).token,
            code_body(location) + "&client_id=sim-github-id&client_secret=sim-github-secret");
  CAF_CHECK_EQUAL(answer.status, 200);
  parameters form{answer.body};
  CAF_CHECK(form.get("access_token").starts_with("ghu_"));
  CAF_CHECK(form.get("refresh_token").starts_with("ghr_"));
  CAF_CHECK_EQUAL(form.get("expires_in"), "28800");
}

CAF_TEST(a GitHub refresh token works once and its second use ends the family) {
  fixture in;
  auto first = connect(in, platform::github);
  auto second = refresh(in, platform::github, first["refresh_token"]);
  CAF_REQUIRE(second.contains("refresh_token"));
  CAF_CHECK_NOT_EQUAL(second["refresh_token"], first["refresh_token"]);
  const char* user = "https://api.github.com/user";
  CAF_CHECK_EQUAL(in.get(user, first["access_token"].get<std::string>()).status, 401);
  CAF_CHECK_EQUAL(in.get(user, second["access_token"].get<std::string>()).status, 200);
  auto reused = refresh(in, platform::github, first["refresh_token"]);
  CAF_CHECK_EQUAL(reused.value("error", ""), "bad_refresh_token");
  CAF_CHECK_EQUAL(in.get(user, second["access_token"].get<std::string>()).status, 401);
  auto dead = refresh(in, platform::github, second["refresh_token"]);
  CAF_CHECK_EQUAL(dead.value("error", ""), "bad_refresh_token");
  CAF_CHECK_EQUAL(in.at.stats().of(platform::github).reuse_detected, 1u);
  CAF_CHECK_EQUAL(in.at.stats().of(platform::github).invalid_tokens, 2u);
}

CAF_TEST(Slack rotates with 200 and user tokens stand elsewhere at first) {
  fixture in;
  auto bot = connect(in, platform::slack);
  CAF_CHECK(bot["ok"].get<bool>());
  CAF_CHECK_EQUAL(bot["token_type"].get<std::string>(), "bot");
  CAF_CHECK_EQUAL(bot["expires_in"].get<int>(), 43200);
  auto again = refresh(in, platform::slack, bot["refresh_token"]);
  CAF_CHECK(again["ok"].get<bool>());
  auto reused = refresh(in, platform::slack, bot["refresh_token"]);
  CAF_CHECK(!reused["ok"].get<bool>());
  CAF_CHECK_EQUAL(reused["error"].get<std::string>(), "invalid_refresh_token");
  auto history = in.get("https://slack.com/api/conversations.list",
                        again["access_token"].get<std::string>());
  CAF_CHECK_EQUAL(json::parse(history.body).value("error", ""), "token_revoked");

  auto url = "https://slack.com/oauth/v2/authorize?client_id=sim-slack-id&user_scope="
             "channels:history,channels:read&redirect_uri="
             + percent_encoded(redirect);
  auto user = json::parse(ask(in, platform::slack, code_body(in.at.consent(url, "bob"))).body);
  CAF_CHECK(!user.contains("access_token"));
  auto nested = user["authed_user"];
  CAF_CHECK_EQUAL(nested["token_type"].get<std::string>(), "user");
  auto fresh = refresh(in, platform::slack, nested["refresh_token"]);
  CAF_CHECK_EQUAL(fresh["token_type"].get<std::string>(), "user");
  CAF_CHECK(fresh.contains("refresh_token"));
}

CAF_TEST(Discord gives a new refresh token each time and forgets the old one) {
  fixture in;
  auto first = connect(in, platform::discord);
  CAF_CHECK_EQUAL(first["expires_in"].get<int>(), 604800);
  auto second = refresh(in, platform::discord, first["refresh_token"]);
  CAF_CHECK_NOT_EQUAL(second["refresh_token"], first["refresh_token"]);
  CAF_CHECK_EQUAL(refresh(in, platform::discord, first["refresh_token"]).value("error", ""),
                  "invalid_grant");
  CAF_CHECK(refresh(in, platform::discord, second["refresh_token"]).contains("access_token"));
}

CAF_TEST(Google refreshes without a new refresh token and asks for offline access) {
  fixture in;
  CAF_CHECK(!connect(in, platform::gmail).contains("refresh_token"));
  auto first = connect(in, platform::gmail, "&access_type=offline");
  CAF_REQUIRE(first.contains("refresh_token"));
  CAF_CHECK_EQUAL(first["expires_in"].get<int>(), 3599);
  CAF_CHECK(!connect(in, platform::gmail, "&access_type=offline").contains("refresh_token"));
  CAF_CHECK(connect(in, platform::gmail, "&access_type=offline&prompt=consent")
              .contains("refresh_token"));
  auto fresh = refresh(in, platform::gmail, first["refresh_token"]);
  CAF_CHECK(fresh.contains("access_token"));
  CAF_CHECK(!fresh.contains("refresh_token"));
  // Kept alive by use, dead after six months without.
  for (int month = 0; month < 12; ++month) {
    in.pass(30 * 24h);
    CAF_CHECK(refresh(in, platform::gmail, first["refresh_token"]).contains("access_token"));
  }
  in.pass(181 * 24h);
  CAF_CHECK_EQUAL(refresh(in, platform::gmail, first["refresh_token"]).value("error", ""),
                  "invalid_grant");
}

CAF_TEST(a Spotify grant ends six months after the consent however often it is used) {
  fixture in;
  auto tokens = connect(in, platform::spotify);
  std::string current = tokens["refresh_token"];
  int rotations = 0;
  for (int month = 0; month < 5; ++month)
    for (int i = 0; i < 6; ++i) {
      in.pass(5 * 24h);
      auto fresh = refresh(in, platform::spotify, current);
      CAF_REQUIRE(fresh.contains("access_token"));
      if (fresh.contains("refresh_token")) {
        ++rotations;
        CAF_CHECK_EQUAL(refresh(in, platform::spotify, current).value("error", ""),
                        "invalid_grant");
        current = fresh["refresh_token"];
      }
    }
  CAF_CHECK(rotations > 0);
  CAF_CHECK(rotations < 30);
  in.pass(31 * 24h);
  CAF_CHECK_EQUAL(refresh(in, platform::spotify, current).value("error", ""), "invalid_grant");
}

CAF_TEST(LinkedIn gives refresh tokens to partners only) {
  fixture in;
  auto tokens = connect(in, platform::linkedin);
  CAF_CHECK_EQUAL(tokens["expires_in"].get<int>(), 5184000);
  CAF_CHECK(!tokens.contains("refresh_token"));
  auto options = fixture::quiet();
  options.linkedin_partner = true;
  fixture partner{options};
  auto more = connect(partner, platform::linkedin);
  CAF_REQUIRE(more.contains("refresh_token"));
  partner.pass(100 * 24h);
  auto fresh = refresh(partner, platform::linkedin, more["refresh_token"]);
  CAF_CHECK_EQUAL(fresh["refresh_token_expires_in"].get<int>(), 265 * 86400);
  partner.pass(265 * 24h);
  CAF_CHECK(refresh(partner, platform::linkedin, more["refresh_token"]).contains("error"));
}

CAF_TEST(access tokens expire when they say) {
  fixture in;
  auto tokens = connect(in, platform::spotify);
  std::string access = tokens["access_token"];
  const char* url = "https://api.spotify.com/v1/me/player/recently-played";
  in.pass(3599s);
  CAF_CHECK_EQUAL(in.get(url, access).status, 200);
  in.pass(1s);
  auto late = in.get(url, access);
  CAF_CHECK_EQUAL(late.status, 401);
  CAF_CHECK_EQUAL(json::parse(late.body)["error"]["message"].get<std::string>(),
                  "The access token expired");
  CAF_CHECK_EQUAL(in.get(url, access.substr(0, access.size() - 1) + "0").status, 401);
}

CAF_TEST(revocation ends a grant as each provider has it) {
  fixture in;
  auto google = connect(in, platform::gmail, "&access_type=offline");
  CAF_CHECK_EQUAL(in.form("https://oauth2.googleapis.com/revoke",
                          "token=" + google["access_token"].get<std::string>())
                    .status,
                  200);
  CAF_CHECK_EQUAL(refresh(in, platform::gmail, google["refresh_token"]).value("error", ""),
                  "invalid_grant");
  auto discord = connect(in, platform::discord);
  CAF_CHECK_EQUAL(ask(in, platform::discord, "x=y").status, 400);
  auto answer = in.form("https://discord.com/api/oauth2/token/revoke",
                        "token=" + discord["access_token"].get<std::string>(),
                        {{"Authorization", basic("sim-discord-id", "sim-discord-secret")}});
  CAF_CHECK_EQUAL(answer.status, 200);
  CAF_CHECK(refresh(in, platform::discord, discord["refresh_token"]).contains("error"));
  auto github = connect(in, platform::github);
  json body{{"access_token", github["access_token"]}};
  const char* url = "https://api.github.com/applications/sim-github-id/token";
  CAF_CHECK_EQUAL(in.send("DELETE", url, {}, body.dump()).status, 404);
  CAF_CHECK_EQUAL(in.send("DELETE", url, {}, body.dump(),
                          {{"Authorization", basic("sim-github-id", "sim-github-secret")}})
                    .status,
                  204);
  CAF_CHECK(refresh(in, platform::github, github["refresh_token"]).contains("error"));
  auto slack = connect(in, platform::slack);
  auto gone = in.send("POST", "https://slack.com/api/auth.revoke",
                      slack["access_token"].get<std::string>());
  CAF_CHECK_EQUAL(gone.body, R"({"ok":true,"revoked":true})");
}

CAF_TEST(revoking a combined Google grant takes its scopes from the others) {
  fixture in;
  const std::string offline = "&access_type=offline&prompt=consent&include_granted_scopes=true";
  auto mail = connect(in, platform::gmail, offline);
  std::string url = "https://accounts.google.com/o/oauth2/v2/auth?client_id=sim-google-id"
                    "&response_type=code&redirect_uri="
                    + percent_encoded(redirect) + "&scope="
                    + percent_encoded("https://www.googleapis.com/auth/calendar.readonly")
                    + offline;
  auto location = in.at.consent(url, "alice");
  auto calendar = json::parse(ask(in, platform::gmail, code_body(location)).body);
  CAF_CHECK(calendar["scope"].get<std::string>().find("gmail.readonly") != std::string::npos);
  in.form("https://oauth2.googleapis.com/revoke",
          "token=" + percent_encoded(mail["refresh_token"].get<std::string>()));
  CAF_CHECK(refresh(in, platform::calendar, calendar["refresh_token"]).contains("access_token"));
  CAF_CHECK(refresh(in, platform::gmail, mail["refresh_token"]).contains("error"));
}

CAF_TEST(a grant without a browser is as good as one with) {
  fixture in;
  for (auto where : all_platforms) {
    auto tokens = in.at.grant(where, "alice");
    CAF_CHECK(!tokens.access.empty());
    CAF_CHECK_EQUAL(tokens.refresh.empty(), where == platform::linkedin);
    CAF_CHECK_EQUAL(in.at.live_grants(where), 1u);
    if (!tokens.refresh.empty())
      CAF_CHECK(refresh(in, where, tokens.refresh).contains("access_token"));
    CAF_CHECK_EQUAL(in.at.revoke_grants(where, "alice"), 1u);
    if (!tokens.refresh.empty())
      CAF_CHECK(refresh(in, where, tokens.refresh).contains("error"));
  }
}
