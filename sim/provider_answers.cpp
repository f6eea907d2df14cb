#include "sim/provider_answers.hpp"

#include "sim/discord.hpp"
#include "sim/github.hpp"
#include "sim/google.hpp"
#include "sim/json_writer.hpp"
#include "sim/linkedin.hpp"
#include "sim/slack.hpp"
#include "sim/spotify.hpp"

namespace lapwing::sim {
namespace {

http_response unauthorized_at_slack(token_state why, bool token_given) {
  if (!token_given)
    return slack::refused("not_authed");
  switch (why) {
    case token_state::expired: return slack::refused("token_expired");
    case token_state::revoked: return slack::refused("token_revoked");
    default: return slack::refused("invalid_auth");
  }
}

http_response unauthorized_at_linkedin(token_state why) {
  switch (why) {
    case token_state::expired:
      return linkedin::failed(401, 65601, "EXPIRED_ACCESS_TOKEN",
                              "The token used in the request has expired");
    case token_state::revoked:
      return linkedin::failed(401, 65601, "REVOKED_ACCESS_TOKEN",
                              "The token used in the request has been revoked by the user");
    default: return linkedin::failed(401, 65600, "INVALID_ACCESS_TOKEN", "Invalid access token");
  }
}

} // namespace

http_response unauthorized(provider at, token_state why, bool token_given) {
  switch (at) {
    case provider::spotify:
      if (!token_given)
        return spotify::failed(401, "No token provided");
      return spotify::failed(401, why == token_state::expired ? "The access token expired"
                                                              : "Invalid access token");
    case provider::google:
      return google::failed(401, token_given ? "authError" : "required", "Invalid Credentials");
    case provider::github:
      return github::failed(401, token_given ? "Bad credentials" : "Requires authentication");
    case provider::discord: return discord::failed(401, 0, "401: Unauthorized");
    case provider::slack: return unauthorized_at_slack(why, token_given);
    case provider::linkedin: return unauthorized_at_linkedin(why);
  }
  return empty_answer(401);
}

http_response scope_missing(provider at, std::string_view needed) {
  switch (at) {
    case provider::spotify: return spotify::failed(403, "Insufficient client scope");
    case provider::google:
      return google::failed(403, "insufficientPermissions",
                            "Request had insufficient authentication scopes.");
    case provider::github: return github::failed(404, "Not Found");
    case provider::discord: return discord::failed(403, 50001, "Missing Access");
    case provider::slack: {
      json_writer json;
      json.field("ok", false).field("error", "missing_scope");
      json.field("needed", needed.substr(0, needed.find('|')));
      return json_answer(200, json.text());
    }
    case provider::linkedin:
      return linkedin::failed(403, 100, "ACCESS_DENIED", "Not enough permissions to access");
  }
  return empty_answer(403);
}

http_response address_unknown(provider at) {
  switch (at) {
    case provider::spotify: return spotify::failed(404, "Service not found");
    case provider::google: return google::failed(404, "notFound", "Not Found");
    case provider::github: return github::failed(404, "Not Found");
    case provider::discord: return discord::failed(404, 0, "404: Not Found");
    case provider::slack: return slack::refused("unknown_method");
    case provider::linkedin:
      return linkedin::failed(404, 0, "RESOURCE_NOT_FOUND", "No virtual resource found");
  }
  return empty_answer(404);
}

http_response registration_refused(const route& where) {
  switch (where.where) {
    case platform::github: return github::failed(403, "Resource not accessible by integration");
    case platform::gmail:
      return google::failed(403, "forbidden",
                            "Error sending test message to Cloud PubSub : User not authorized to "
                            "perform this action.");
    case platform::calendar:
      return google::failed(401, "unauthorizedWebhookCallback",
                            "Unauthorized WebHook callback channel");
    default: return text_answer(422, "Subscription refused\n");
  }
}

http_response rate_limited(provider at, const fault& why, timestamp now) {
  http_response out;
  switch (at) {
    case provider::spotify: out = spotify::failed(429, "API rate limit exceeded"); break;
    case provider::google:
      if (why.status == 403)
        return google::failed(403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits");
      out = google::failed(429, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits");
      break;
    case provider::github:
      out = github::failed(why.status == 403 ? 403 : 429,
                           "You have exceeded a secondary rate limit. Please wait a few minutes "
                           "before you try again.");
      break;
    case provider::discord:
      if (!why.retry_after)
        return text_answer(429, "<html>You are being rate limited</html>");
      return discord::limited(static_cast<double>(why.retry_after->count()),
                              why.scope == "global", why.scope);
    case provider::slack:
      out = slack::refused("ratelimited");
      out.status = 429;
      break;
    case provider::linkedin:
      out = linkedin::failed(429, 101, "TOO_MANY_REQUESTS",
                             "Resource level throttle APPLICATION DAY limit for calls to this "
                             "resource is reached.");
      break;
  }
  if (why.retry_after)
    out.headers.emplace_back("Retry-After", why.retry_after_date
                                              ? http_date(now + *why.retry_after)
                                              : std::to_string(why.retry_after->count()));
  return out;
}

http_response server_failed(provider at, int status) {
  switch (at) {
    case provider::google:
      return google::failed(status, "backendError", "The service is currently unavailable.");
    case provider::github: return github::failed(status, "Server Error");
    case provider::spotify: return spotify::failed(status, "Service unavailable");
    default: {
      auto out = text_answer(status, "<html><body><h1>" + std::to_string(status)
                                       + "</h1>upstream connect error</body></html>");
      out.headers[0].second = "text/html; charset=utf-8";
      return out;
    }
  }
}

bool is_quota(provider at, const http_response& answer) {
  if (answer.status == 429)
    return true;
  if (answer.status != 403)
    return false;
  if (at == provider::google)
    return answer.body.find("uotaExceeded") != std::string::npos
           || answer.body.find("imitExceeded") != std::string::npos;
  return at == provider::github && answer.body.find("rate limit") != std::string::npos;
}

bool is_hidden_failure(provider at, std::string_view endpoint, const http_response& answer) {
  if (answer.status != 200)
    return false;
  if (at == provider::slack)
    return answer.body.starts_with(R"({"ok":false)");
  return at == provider::github && endpoint == "token"
         && (answer.body.starts_with(R"({"error")") || answer.body.starts_with("error="));
}

} // namespace lapwing::sim
