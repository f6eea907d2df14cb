#include "platforms/poll/answer_class.hpp"

#include <algorithm>
#include <initializer_list>

#include "platforms/poll/json_slice.hpp"

namespace lapwing {
namespace {

/// Bodies of refusals are short; a long one is somebody's HTML page.
constexpr std::size_t refusal_bytes_max = 64 * 1024;

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool says_rate_limit(std::string_view body) {
  std::string lower;
  for (char c : body.substr(0, 4096))
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower.find("rate limit") != std::string::npos;
}

bool is_rate_limit(const http_response& answer, const rate_limit_spec& limits,
                   std::string_view reason) {
  if (!answer.header("Retry-After").empty())
    return true;
  if (!limits.remaining_header.empty() && answer.header(limits.remaining_header) == "0")
    return true;
  if (one_of(reason, {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
                      "dailyLimitExceeded", "RESOURCE_EXHAUSTED"}))
    return true;
  const auto& own = limits.quota_reasons;
  if (!reason.empty() && std::find(own.begin(), own.end(), reason) != own.end())
    return true;
  // GitHub's secondary limit may come with neither header (PLATFORMS 4).
  return says_rate_limit(answer.body);
}

/// Slack says most things with 200 (PLATFORMS 0.3).
answer_failure failure_in_success(std::string_view reason) {
  if (one_of(reason, {"invalid_auth", "not_authed", "token_expired", "token_revoked",
                      "account_inactive"}))
    return answer_failure::unauthorised;
  if (one_of(reason, {"missing_scope", "not_in_channel", "no_permission", "access_denied",
                      "ekm_access_denied", "not_allowed_token_type", "team_access_not_granted"}))
    return answer_failure::forbidden;
  if (one_of(reason, {"channel_not_found", "user_not_found"}))
    return answer_failure::not_found;
  if (one_of(reason, {"ratelimited", "rate_limited"}))
    return answer_failure::rate_limited;
  if (one_of(reason, {"internal_error", "fatal_error", "service_unavailable", "request_timeout",
                      "team_added_to_org"}))
    return answer_failure::transient;
  return answer_failure::refused;
}

std::string sentence(answer_failure kind, int status, std::string_view reason) {
  std::string out = "answered " + std::to_string(status);
  if (!reason.empty()) {
    out += " (";
    out += reason;
    out += ')';
  }
  out += ": ";
  switch (kind) {
  case answer_failure::unauthorised: return out + "the access token is not accepted";
  case answer_failure::forbidden: return out + "a scope or right is missing";
  case answer_failure::not_found: return out + "there is no such resource for this person";
  case answer_failure::rate_limited: return out + "the rate limit is reached";
  case answer_failure::transient: return out + "a passing trouble at the platform";
  case answer_failure::broken_answer: return out + "not what the platform documents";
  case answer_failure::refused: return out + "the request was refused";
  }
  return out;
}

answer_problem made(answer_failure kind, int status, std::string reason) {
  auto detail = sentence(kind, status, reason);
  return {kind, status, std::move(reason), std::move(detail)};
}

bool may_be_object(std::string_view body) {
  auto at = body.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && body[at] == '{';
}

} // namespace

std::string_view to_string_view(answer_failure kind) noexcept {
  switch (kind) {
  case answer_failure::unauthorised: return "unauthorised";
  case answer_failure::forbidden: return "forbidden";
  case answer_failure::not_found: return "not_found";
  case answer_failure::rate_limited: return "rate_limited";
  case answer_failure::transient: return "transient";
  case answer_failure::broken_answer: return "broken_answer";
  case answer_failure::refused: return "refused";
  }
  return "refused";
}

std::string reason_of(const http_response& answer) {
  if (!may_be_object(answer.body) || answer.body.size() > refusal_bytes_max)
    return {};
  auto root = json_slice::check(answer.body);
  if (!root)
    return {};
  auto code = [](json_slice value) -> std::string {
    auto text = value.kind() == json_kind::string ? value.scalar() : std::nullopt;
    bool clean = text && !text->empty() && text->size() <= 64
                 && std::all_of(text->begin(), text->end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                             || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
                    });
    return clean ? *text : std::string{};
  };
  auto at_top = (*root)["error"];
  if (at_top.kind() == json_kind::string)
    return code(at_top);
  std::string found;
  at_top["errors"].for_each([&](json_slice first) {
    found = code(first["reason"]);
    return false;
  });
  return found.empty() ? code(at_top["status"]) : found;
}

std::optional<answer_problem> problem_of(const http_response& answer,
                                         const rate_limit_spec& limits) {
  auto status = answer.status;
  if (status == 304)
    return std::nullopt;
  if (status >= 200 && status < 300) {
    // Only a look at the front: whole answers are read later.
    if (!may_be_object(answer.body) || answer.body.size() > refusal_bytes_max
        || answer.body.find("\"ok\"") == std::string::npos)
      return std::nullopt;
    auto root = json_slice::check(answer.body);
    if (!root || !(*root)["ok"].is_false())
      return std::nullopt;
    auto reason = reason_of(answer);
    return made(failure_in_success(reason), status, reason);
  }
  auto reason = reason_of(answer);
  // Calendar says so of our address, not of the token.
  if (status == 401 && reason == "unauthorizedWebhookCallback")
    return made(answer_failure::forbidden, status, std::move(reason));
  if (status == 401)
    return made(answer_failure::unauthorised, status, std::move(reason));
  if (status == 429 || (status == 403 && is_rate_limit(answer, limits, reason)))
    return made(answer_failure::rate_limited, status, std::move(reason));
  if (status == 403)
    return made(answer_failure::forbidden, status, std::move(reason));
  if (status == 404 || status == 410)
    return made(answer_failure::not_found, status, std::move(reason));
  if (status == 408 || status == 425 || status >= 500)
    return made(answer_failure::transient, status, std::move(reason));
  return made(answer_failure::refused, status, std::move(reason));
}

answer_problem problem_of(const error& failure) {
  if (failure.code == errc::payload_too_large)
    return {answer_failure::broken_answer, 0, {}, "the answer is too large"};
  if (failure.code == errc::upstream_refused)
    return {answer_failure::transient, 0, {}, "the request was not sent"};
  return {answer_failure::transient, 0, {}, "no answer"};
}

} // namespace lapwing
