#include "platforms/oauth/requests.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json_text.hpp"
#include "platforms/oauth/text_forms.hpp"

namespace lapwing {
namespace {

// Guess: real answers have at most a few kilobytes.
constexpr std::size_t answer_bytes_max = 64 * 1024;

/// RFC 6749 2.3.1: both parts are encoded as in a form first.
std::string basic(const oauth_spec& oauth) {
  return "Basic "
         + oauth_text::base64(oauth_text::percent_encoded(oauth.client_id) + ":"
                              + oauth_text::percent_encoded(oauth.client_secret));
}

/// A form to the token endpoint or its sister. Form always: Discord refuses JSON. `Accept` always:
/// GitHub answers in a form without it.
http_request form_request(const oauth_spec& oauth, std::string url, parameter_list members) {
  http_request out;
  out.method = "POST";
  out.url = std::move(url);
  out.headers = {{"Accept", "application/json"},
                 {"Content-Type", "application/x-www-form-urlencoded"}};
  out.response_bytes_max = answer_bytes_max;
  if (oauth.authentication == client_auth::basic) {
    out.headers.emplace_back("Authorization", basic(oauth));
  } else {
    members.emplace_back("client_id", oauth.client_id);
    if (oauth.authentication == client_auth::body)
      members.emplace_back("client_secret", oauth.client_secret);
  }
  out.body = oauth_text::form(members);
  return out;
}

} // namespace

std::string authorize_url(const platform_spec& platform, std::string_view state,
                          std::string_view challenge, std::string_view redirect_uri) {
  const auto& oauth = platform.oauth;
  parameter_list query{{"response_type", "code"},
                       {"client_id", oauth.client_id},
                       {"redirect_uri", std::string{redirect_uri}}};
  if (!oauth.scopes.empty())
    query.emplace_back(oauth.scope_param,
                       fmt::format("{}", fmt::join(oauth.scopes, oauth.scope_separator)));
  query.emplace_back("state", std::string{state});
  if (oauth.pkce) {
    query.emplace_back("code_challenge", std::string{challenge});
    query.emplace_back("code_challenge_method", "S256");
  }
  query.insert(query.end(), oauth.authorize_params.begin(), oauth.authorize_params.end());
  return oauth_text::with_query(oauth.authorize_url, query);
}

http_request code_request(const platform_spec& platform, std::string_view code,
                          std::string_view verifier, std::string_view redirect_uri) {
  const auto& oauth = platform.oauth;
  parameter_list members{{"grant_type", "authorization_code"},
                         {"code", std::string{code}},
                         {"redirect_uri", std::string{redirect_uri}}};
  if (oauth.pkce)
    members.emplace_back("code_verifier", std::string{verifier});
  return form_request(oauth, oauth.token_url, std::move(members));
}

http_request refresh_request(const platform_spec& platform, std::string_view refresh_token) {
  const auto& oauth = platform.oauth;
  return form_request(
      oauth, oauth.token_url,
      {{"grant_type", "refresh_token"}, {"refresh_token", std::string{refresh_token}}});
}

std::optional<http_request> revocation_request(const platform_spec& platform,
                                               const token_set& tokens) {
  const auto& oauth = platform.oauth;
  const auto& spec = oauth.revocation;
  // GitHub and Slack end the access token they are shown; the others either, and the grant.
  const bool access_only = spec.json || spec.bearer || tokens.refresh_token.empty();
  const auto& token = access_only ? tokens.access_token : tokens.refresh_token;
  if (spec.url.empty() || token.empty())
    return {};
  auto url = oauth_text::with_value(spec.url, "{client_id}",
                                    oauth_text::percent_encoded(oauth.client_id));
  http_request out;
  if (spec.bearer) {
    out.url = std::move(url);
    out.headers = {{"Accept", "application/json"}, {"Authorization", bearer(token)}};
  } else if (spec.json) {
    out.url = std::move(url);
    out.headers = {{"Accept", "application/json"},
                   {"Content-Type", "application/json"},
                   {"Authorization", basic(oauth)}};
    out.body = "{";
    append_json_string(out.body, spec.token_param);
    out.body += ":";
    append_json_string(out.body, token);
    out.body += "}";
  } else {
    out = form_request(oauth, std::move(url), {{spec.token_param, token}});
  }
  out.method = spec.method;
  out.response_bytes_max = answer_bytes_max;
  return out;
}

bool revocation_settled(const http_response& response) {
  const int status = response.status;
  return (status >= 200 && status < 300)
         || (status >= 400 && status < 500 && status != 408 && status != 429);
}

std::optional<http_request> account_request(const platform_spec& platform,
                                            std::string_view access_token) {
  if (platform.account_url.empty())
    return {};
  http_request out;
  out.url = platform.account_url;
  out.headers = {{"Accept", "application/json"}, {"Authorization", bearer(access_token)}};
  return out;
}

std::string bearer(std::string_view access_token) {
  return fmt::format("Bearer {}", access_token);
}

} // namespace lapwing
