// What the token endpoints say, in each provider's own words (PLATFORMS 3.1, 3.2, 3.3).
#include "sim/json_writer.hpp"
#include "sim/oauth.hpp"
#include "sim/slack.hpp"

namespace lapwing::sim::oauth {
namespace {

http_response not_cached(http_response out) {
  out.headers.emplace_back("Cache-Control", "no-store");
  return out;
}

http_response error_answer(int status, std::string_view code, std::string_view description) {
  json_writer json;
  json.field("error", code);
  if (!description.empty())
    json.field("error_description", description);
  return not_cached(json_answer(status, json.text()));
}

http_response refused_by_spotify(failure why) {
  switch (why) {
    case failure::unknown_client: return error_answer(400, "invalid_client", "Invalid client");
    case failure::wrong_secret: return error_answer(400, "invalid_client", "Invalid client secret");
    case failure::bad_request:
    case failure::not_a_form: return error_answer(400, "invalid_request", "");
    case failure::bad_code:
      return error_answer(400, "invalid_grant", "Invalid authorization code");
    case failure::used_code:
      return error_answer(400, "invalid_grant", "Authorization code expired");
    case failure::wrong_redirect: return error_answer(400, "invalid_grant", "Invalid redirect URI");
    case failure::wrong_verifier:
      return error_answer(400, "invalid_grant", "code_verifier was incorrect");
    case failure::bad_refresh_token:
      return error_answer(400, "invalid_grant", "Refresh token revoked");
    case failure::unknown_grant_type:
      return error_answer(400, "unsupported_grant_type", "grant_type parameter is missing");
  }
  return error_answer(400, "invalid_request", "");
}

http_response refused_by_google(failure why) {
  switch (why) {
    case failure::unknown_client:
      return error_answer(401, "invalid_client", "The OAuth client was not found.");
    case failure::wrong_secret: return error_answer(401, "invalid_client", "Unauthorized");
    case failure::bad_request:
    case failure::not_a_form:
      return error_answer(400, "invalid_request", "Missing required parameter");
    case failure::bad_code: return error_answer(400, "invalid_grant", "Malformed auth code.");
    case failure::used_code: return error_answer(400, "invalid_grant", "Bad Request");
    case failure::wrong_redirect:
      return error_answer(400, "redirect_uri_mismatch", "Bad Request");
    case failure::wrong_verifier:
      return error_answer(400, "invalid_grant", "Invalid code verifier.");
    case failure::bad_refresh_token:
      return error_answer(400, "invalid_grant", "Token has been expired or revoked.");
    case failure::unknown_grant_type:
      return error_answer(400, "unsupported_grant_type", "Invalid grant_type");
  }
  return error_answer(400, "invalid_request", "");
}

http_response refused_by_discord(failure why) {
  switch (why) {
    case failure::unknown_client:
    case failure::wrong_secret: return error_answer(401, "invalid_client", "");
    case failure::bad_request: return error_answer(400, "invalid_request", "");
    case failure::not_a_form:
      return error_answer(400, "invalid_request",
                          "Content-Type must be application/x-www-form-urlencoded");
    case failure::bad_code:
    case failure::used_code:
      return error_answer(400, "invalid_grant", "Invalid \"code\" in request.");
    case failure::wrong_redirect:
      return error_answer(400, "invalid_grant", "Invalid \"redirect_uri\" in request.");
    case failure::wrong_verifier:
      return error_answer(400, "invalid_grant", "Invalid \"code_verifier\" in request.");
    case failure::bad_refresh_token: return error_answer(400, "invalid_grant", "");
    case failure::unknown_grant_type: return error_answer(400, "unsupported_grant_type", "");
  }
  return error_answer(400, "invalid_request", "");
}

http_response refused_by_linkedin(failure why) {
  switch (why) {
    case failure::unknown_client:
    case failure::wrong_secret:
      return error_answer(401, "invalid_client", "Client authentication failed");
    case failure::bad_request:
    case failure::not_a_form:
      return error_answer(400, "invalid_request", "A required parameter is missing");
    case failure::wrong_redirect:
    case failure::wrong_verifier:
      return error_answer(400, "invalid_request",
                          "Unable to retrieve access token: appid/redirect uri/code verifier does "
                          "not match authorization code.");
    case failure::bad_code:
    case failure::used_code:
    case failure::bad_refresh_token:
      return error_answer(400, "invalid_grant",
                          "The provided authorization grant or refresh token is invalid, expired "
                          "or revoked.");
    case failure::unknown_grant_type: return error_answer(400, "unsupported_grant_type", "");
  }
  return error_answer(400, "invalid_request", "");
}

/// Only with `Accept: application/json` an answer of GitHub's is JSON.
http_response github_answer(const call& from, const parameters& pairs) {
  bool json_wanted = from.header("Accept").find("application/json") != std::string_view::npos;
  if (json_wanted) {
    json_writer json;
    for (const auto& [name, value] : pairs.all()) {
      if (name == "expires_in" || name == "refresh_token_expires_in")
        json.raw(name, value);
      else
        json.field(name, value);
    }
    return not_cached(json_answer(200, json.text()));
  }
  std::string form = "?";
  for (const auto& [name, value] : pairs.all())
    append_parameter(form, name, value);
  auto out = not_cached(text_answer(200, form.substr(2)));
  out.headers[0].second = "application/x-www-form-urlencoded; charset=utf-8";
  return out;
}

http_response refused_by_github(const call& from, failure why) {
  std::string_view code = "bad_verification_code";
  std::string_view text = "The code passed is incorrect or expired.";
  switch (why) {
    case failure::unknown_client:
      return json_answer(404, R"({"error":"Not Found"})");
    case failure::wrong_secret:
      code = "incorrect_client_credentials";
      text = "The client_id and/or client_secret passed are incorrect.";
      break;
    case failure::wrong_redirect:
      code = "redirect_uri_mismatch";
      text = "The redirect_uri MUST match the registered callback URL for this application.";
      break;
    case failure::bad_refresh_token:
      code = "bad_refresh_token";
      text = "The refresh token passed is incorrect or expired.";
      break;
    case failure::unknown_grant_type:
      code = "unsupported_grant_type";
      text = "The grant_type is not supported.";
      break;
    case failure::bad_request:
    case failure::not_a_form:
    case failure::bad_code:
    case failure::used_code:
    case failure::wrong_verifier: break;
  }
  return github_answer(from, parameters{"error=" + std::string{code} + "&error_description="
                                        + percent_encoded(text)});
}

std::string_view slack_error_of(failure why) {
  switch (why) {
    case failure::unknown_client: return "invalid_client_id";
    case failure::wrong_secret: return "bad_client_secret";
    case failure::bad_request:
    case failure::not_a_form: return "invalid_arguments";
    case failure::bad_code: return "invalid_code";
    case failure::used_code: return "code_already_used";
    case failure::wrong_redirect: return "bad_redirect_uri";
    case failure::wrong_verifier: return "invalid_code_verifier";
    case failure::bad_refresh_token: return "invalid_refresh_token";
    case failure::unknown_grant_type: return "invalid_grant_type";
  }
  return "fatal_error";
}

std::string joined(const std::vector<std::string>& parts, char separator) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty())
      out += separator;
    out += part;
  }
  return out;
}

void add_slack_tokens(json_writer& json, const grant& which, const new_tokens& tokens,
                      std::optional<std::chrono::seconds> life) {
  json.field("scope", joined(which.scopes, ','))
    .field("access_token", tokens.access)
    .field("token_type", which.user_token ? "user" : "bot");
  if (!tokens.refresh.empty())
    json.field("refresh_token", tokens.refresh);
  if (life)
    json.field("expires_in", life->count());
}

/// A person's first tokens stand under `authed_user`; refreshed ones at the top, as a bot's always.
http_response granted_by_slack(const world_state& state, const grant& which,
                               const new_tokens& tokens,
                               std::optional<std::chrono::seconds> life) {
  const auto& who = state.persons.at(which.person);
  json_writer json;
  json.field("ok", true).field("app_id", "A0SIMULATOR");
  auto user = slack::user_id(who);
  bool nested = which.user_token && !tokens.refreshed;
  if (!nested)
    add_slack_tokens(json, which, tokens, life);
  if (!which.user_token)
    json.field("bot_user_id", slack::bot_id(who));
  json.object("team").field("id", slack::team_id(who)).field("name", who.name).end();
  json.null("enterprise").field("is_enterprise_install", false);
  if (nested || !tokens.refreshed) {
    json.object("authed_user").field("id", user);
    if (nested)
      add_slack_tokens(json, which, tokens, life);
    json.end();
  }
  return not_cached(json_answer(200, json.text()));
}

http_response granted_by_github(const call& from, const grant& which, const new_tokens& tokens,
                                std::optional<std::chrono::seconds> life) {
  // A GitHub App's permissions are its own: no scopes.
  std::string form = "access_token=" + tokens.access;
  if (life)
    form += "&expires_in=" + std::to_string(life->count());
  if (!tokens.refresh.empty())
    form += "&refresh_token=" + tokens.refresh + "&refresh_token_expires_in=15811200";
  form += "&scope=" + (life ? std::string{} : percent_encoded(joined(which.scopes, ',')));
  form += "&token_type=bearer";
  return github_answer(from, parameters{form});
}

} // namespace

http_response refused(const call& from, provider at, failure why) {
  switch (at) {
    case provider::spotify: return refused_by_spotify(why);
    case provider::google: return refused_by_google(why);
    case provider::discord: return refused_by_discord(why);
    case provider::linkedin: return refused_by_linkedin(why);
    case provider::github: return refused_by_github(from, why);
    case provider::slack: return slack::refused(slack_error_of(why));
  }
  return error_answer(400, "invalid_request", "");
}

http_response granted(const world_state& state, const call& from, const grant& which,
                      const new_tokens& tokens) {
  auto life = access_life(state.options, which, expiring(state, which));
  if (which.at == provider::slack)
    return granted_by_slack(state, which, tokens, life);
  if (which.at == provider::github)
    return granted_by_github(from, which, tokens, life);
  json_writer json;
  json.field("access_token", tokens.access);
  if (which.at != provider::linkedin)
    json.field("token_type", "Bearer");
  if (life)
    json.field("expires_in", life->count());
  if (!tokens.refresh.empty()) {
    json.field("refresh_token", tokens.refresh);
    if (which.at == provider::linkedin) {
      token_facts facts;
      auto end = refresh_end(state.options, which, facts);
      json.field("refresh_token_expires_in",
                 std::chrono::floor<std::chrono::seconds>(*end - from.now).count());
    }
  }
  json.field("scope", joined(which.scopes, which.at == provider::linkedin ? ',' : ' '));
  return not_cached(json_answer(200, json.text()));
}

} // namespace lapwing::sim::oauth
