#include "platforms/monitor/registration_run.hpp"

#include <algorithm>
#include <utility>

#include "platforms/poll/request_url.hpp"
#include "platforms/poll/schedule.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;
namespace calls = registration_calls;

/// What only a person can change may have been changed: looked at once a day.
constexpr auto permanent_retry = 24h;
constexpr std::chrono::milliseconds retry_max = 1h;
/// A hub verifies within minutes; then it is asked again.
constexpr auto verification_wait = 15min;

double share(double chance) noexcept { return chance >= 0 && chance < 1 ? chance : 0; }

bool is_permanent(answer_failure kind) noexcept {
  return kind == answer_failure::forbidden || kind == answer_failure::not_found
         || kind == answer_failure::refused;
}

std::string cause_of(const answer_problem& problem) {
  switch (problem.kind) {
  case answer_failure::forbidden:
  case answer_failure::not_found: return "registration_forbidden";
  case answer_failure::refused: return "registration_refused";
  case answer_failure::rate_limited: return "rate_limited";
  case answer_failure::unauthorised: return "unauthorised";
  default: return "registration_unavailable";
  }
}

std::string remedy_for(registration_style style, answer_failure kind, const std::string& resource) {
  if (!is_permanent(kind))
    return {};
  bool is_right = kind != answer_failure::refused;
  switch (style) {
  case registration_style::github:
    return is_right ? "Become an administrator of " + resource
                        + " or ask one; then connect again and agree to the scope for hooks."
                    : "Remove a hook of " + resource
                        + " that is not needed any more, and see that the public address of this "
                          "server can be reached from outside.";
  case registration_style::gmail:
    return is_right ? "Connect again and agree to reading mail."
                    : "The operator must let gmail-api-push@system.gserviceaccount.com publish to "
                      "the Pub/Sub topic, in the project of the OAuth client.";
  case registration_style::calendar:
    return is_right ? "Connect again and agree to reading the calendar."
                    : "The operator must give this server a public https address.";
  case registration_style::websub:
    return "The operator must see that the hub can reach the public address of this server.";
  case registration_style::none: break;
  }
  return {};
}

} // namespace

std::optional<timestamp> renewal_time(const registration_spec& spec,
                                      std::optional<timestamp> expires_at, timestamp now,
                                      double chance) {
  std::optional<std::chrono::milliseconds> wait;
  if (expires_at) {
    auto life = std::max(*expires_at - now, std::chrono::milliseconds{0});
    auto margin = std::chrono::milliseconds{spec.renew_before};
    // One that lives shorter than the margin is renewed halfway.
    if (margin.count() > 0)
      wait = life > 2 * margin ? life - margin : life / 2;
    else
      wait = life * 4 / 5;
  }
  if (spec.renew_every.count() > 0) {
    auto every = std::chrono::milliseconds{spec.renew_every};
    wait = wait ? std::min(*wait, every) : every;
  }
  if (!wait)
    return std::nullopt;
  auto most = std::min<std::chrono::milliseconds>(*wait / 10, 1h);
  auto early = static_cast<double>(most.count()) * share(chance);
  auto at = *wait - std::chrono::milliseconds{static_cast<std::int64_t>(early)};
  return now + std::max<std::chrono::milliseconds>(at, 1min);
}

void expire(registration& at, timestamp now) {
  if (at.status == "active" && at.expires_at && *at.expires_at <= now) {
    at.status = "expired";
    if (at.cause.empty())
      at.cause = "registration_expired";
  }
}

namespace {

/// A renewal goes on with what was known; a new life begins with a clean slate.
void begin_active(registration& at, registration_details& details, timestamp now) {
  if (at.status != "active" || !details.active_since) {
    details.active_since = now;
    details.news_at.reset();
  }
  at.status = "active";
}

} // namespace

registration_run::registration_run(registration_target target, registration_goal goal,
                                   const rate_limit_spec& limits, registration stored,
                                   registration_means means)
    : target_(std::move(target)), goal_(goal), limits_(&limits), means_(std::move(means)),
      at_(std::move(stored)) {
  details_ = registration_details::of(at_);
  at_.resource = target_.resource;
  if (goal_ == registration_goal::present) {
    if (at_.secret.empty())
      at_.secret = means_.fresh_secret;
    expire(at_, means_.now);
    if (at_.status != "active")
      at_.status = "pending";
  }
  begin();
}

void registration_run::begin() {
  auto style = target_.spec->style;
  bool is_present = goal_ == registration_goal::present;
  switch (style) {
  case registration_style::github:
    if (!at_.external_id.empty())
      return is_present
               ? ask(step::update, calls::github_update(target_, at_.external_id, at_.secret))
               : ask(step::remove, calls::github_delete(target_, at_.external_id));
    if (is_present)
      return ask(step::create, calls::github_create(target_, at_.secret));
    has_listed_ = true;
    return ask(step::list, calls::github_list(target_));
  case registration_style::gmail:
    at_.external_id = target_.account;
    return ask(is_present ? step::create : step::remove,
               is_present ? calls::gmail_watch(target_) : calls::gmail_stop(target_));
  case registration_style::calendar:
    if (is_present) {
      old_channel_ = at_.external_id;
      old_resource_id_ = details_.resource_id;
      // The sync message may be here before the answer; a channel that lives keeps its row.
      if (at_.status != "active")
        at_.external_id = means_.fresh_id;
      return ask(step::create, calls::calendar_watch(target_, means_.fresh_id, at_.secret,
                                                     means_.now));
    }
    if (at_.external_id.empty() || details_.resource_id.empty())
      return gone(); // It cannot be named: it ends by itself.
    return ask(step::remove,
               calls::calendar_stop(*target_.spec, at_.external_id, details_.resource_id));
  case registration_style::websub:
    at_.external_id = calls::topic_of(target_);
    details_.awaits_verification = is_present;
    at_.details = details_.json();
    return ask(is_present ? step::create : step::remove,
               calls::websub_call(target_, is_present ? "subscribe" : "unsubscribe", at_.secret));
  case registration_style::none: return gone();
  }
}

void registration_run::ask(step what, http_request request) {
  step_ = what;
  request_ = std::move(request);
}

void registration_run::take(const result<http_response>& answer) {
  if (is_done())
    return;
  ++outcome_.request_count;
  if (step_ == step::stop_old) {
    // The new channel lives; whatever became of the old one, it ends by itself.
    request_.reset();
    return;
  }
  if (!answer)
    return fail(problem_of(answer.error()));
  if (step_ == step::remove) {
    if (answer->status == 404 || answer->status == 410 || !refused(*answer))
      gone();
    return;
  }
  switch (target_.spec->style) {
  case registration_style::github: return take_github(*answer);
  case registration_style::gmail:
  case registration_style::calendar: return take_watch(*answer);
  case registration_style::websub:
    if (refused(*answer))
      return;
    // The answer means only that the hub will ask; a verification that was faster is kept.
    request_.reset();
    at_.cause.clear();
    details_.attempts = 0;
    at_.details = details_.json();
    at_.renew_at = means_.now + verification_wait;
    return;
  case registration_style::none: return gone();
  }
}

void registration_run::take_github(const http_response& answer) {
  if (outcome_.request_count >= request_count_max)
    return fail({answer_failure::transient, answer.status, {}, "too many steps"});
  switch (step_) {
  case step::create:
    if (calls::says_exists(answer) && !has_listed_) {
      has_listed_ = true;
      return ask(step::list, calls::github_list(target_));
    }
    if (refused(answer))
      return;
    return adopt(calls::hook_id_in(answer.body));
  case step::update:
    if (answer.status == 404 && !has_created_) {
      // Deleted there. Whether we may make another one, the next answer tells.
      has_created_ = true;
      at_.external_id.clear();
      return ask(step::create, calls::github_create(target_, at_.secret));
    }
    if (refused(answer))
      return;
    return adopt(at_.external_id);
  case step::list: {
    if (answer.status == 404 && goal_ == registration_goal::absent)
      return gone();
    if (refused(answer))
      return;
    auto hook_id = calls::hook_with_url(answer.body, target_.callback_url);
    if (!hook_id.empty()) {
      at_.external_id = hook_id;
      has_created_ = true; // One that was just listed is not made anew.
      return goal_ == registration_goal::present
               ? ask(step::update, calls::github_update(target_, hook_id, at_.secret))
               : ask(step::remove, calls::github_delete(target_, hook_id));
    }
    auto link = next_link(answer, request_->url);
    if (link && origin_of(*link) && origin_of(*link) == origin_of(request_->url)) {
      auto page = calls::github_list(target_);
      page.url = *link;
      return ask(step::list, std::move(page));
    }
    if (goal_ == registration_goal::absent)
      return gone();
    return fail({answer_failure::refused, 422, {}, "the hook exists, but it is not in the list"});
  }
  case step::remove:
  case step::stop_old: return;
  }
}

void registration_run::adopt(const std::string& hook_id) {
  if (hook_id.empty())
    return fail({answer_failure::broken_answer, 201, {}, "the answer names no hook"});
  at_.external_id = hook_id;
  active(std::nullopt);
}

void registration_run::take_watch(const http_response& answer) {
  if (refused(answer))
    return;
  auto read = calls::read_watch(answer.body);
  if (!read)
    return fail({answer_failure::broken_answer, answer.status, {}, read.error().detail});
  auto expires_at = read->expires_at;
  if (!expires_at && target_.spec->lifetime.count() > 0)
    expires_at = means_.now + target_.spec->lifetime;
  if (expires_at && *expires_at <= means_.now)
    return fail({answer_failure::broken_answer, answer.status, {}, "it ended before it began"});
  bool is_calendar = target_.spec->style == registration_style::calendar;
  if (is_calendar) {
    at_.external_id = means_.fresh_id;
    details_.resource_id = read->resource_id;
  }
  active(expires_at);
  if (is_calendar && !old_channel_.empty() && old_channel_ != at_.external_id
      && !old_resource_id_.empty())
    ask(step::stop_old, calls::calendar_stop(*target_.spec, old_channel_, old_resource_id_));
}

void registration_run::active(std::optional<timestamp> expires_at) {
  request_.reset();
  begin_active(at_, details_, means_.now);
  at_.cause.clear();
  at_.expires_at = expires_at;
  at_.renew_at = renewal_time(*target_.spec, expires_at, means_.now, means_.chance);
  details_.attempts = 0;
  at_.details = details_.json();
}

bool registration_run::refused(const http_response& answer) {
  auto problem = problem_of(answer, *limits_);
  if (!problem)
    return false;
  fail(std::move(*problem));
  return true;
}

void registration_run::fail(answer_problem problem) {
  request_.reset();
  outcome_.permanent = is_permanent(problem.kind);
  outcome_.remedy = remedy_for(target_.spec->style, problem.kind, target_.resource);
  details_.attempts = std::min<std::uint32_t>(details_.attempts + 1, 1000);
  details_.awaits_verification = false;
  // One that has not ended yet goes on delivering.
  at_.cause = cause_of(problem);
  expire(at_, means_.now);
  if (at_.status == "pending")
    at_.status = "failed";
  std::chrono::milliseconds wait =
    outcome_.permanent ? std::chrono::milliseconds{permanent_retry}
                       : retry_delay(details_.attempts, means_.chance, retry_max);
  at_.renew_at = means_.now + wait;
  at_.details = details_.json();
  outcome_.problem = std::move(problem);
}

void registration_run::gone() {
  request_.reset();
  outcome_.removed = true;
}

registration_outcome registration_run::take_outcome() {
  outcome_.at = std::move(at_);
  return std::move(outcome_);
}

bool websub_wants(const std::optional<registration>& stored, std::string_view mode) {
  if (mode == "subscribe")
    return stored && registration_details::of(*stored).awaits_verification;
  // Somebody else may ask a hub to end what we want: only what we forgot ends.
  return mode == "unsubscribe" && !stored;
}

registration websub_verified(registration at, const registration_spec& spec,
                             std::chrono::seconds lease, timestamp now, double chance) {
  constexpr std::chrono::seconds lease_max = 365 * 24h;
  auto details = registration_details::of(at);
  details.awaits_verification = false;
  details.attempts = 0;
  begin_active(at, details, now);
  at.details = details.json();
  at.cause.clear();
  at.expires_at = now + std::clamp(lease, std::chrono::seconds{60}, lease_max);
  // 80 % of the lease, whatever else the file says (PLATFORMS 2).
  auto rule = spec;
  rule.renew_before = {};
  at.renew_at = renewal_time(rule, at.expires_at, now, chance);
  return at;
}

registration websub_denied(registration at, timestamp now) {
  auto details = registration_details::of(at);
  details.awaits_verification = false;
  at.details = details.json();
  at.status = "failed";
  at.cause = "registration_refused";
  at.expires_at.reset();
  at.renew_at = now + permanent_retry;
  return at;
}

} // namespace lapwing
