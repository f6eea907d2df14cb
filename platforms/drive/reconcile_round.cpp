#include "platforms/drive/reconcile_round.hpp"

#include <unordered_set>
#include <utility>

#include "platforms/oauth/requests.hpp"
#include "platforms/poll/request_url.hpp"
#include "platforms/poll/schedule.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// The budget's name for these calls.
constexpr const char* budget_name = "deliveries";
/// Hooks looked at in one round; the others stay due.
constexpr std::size_t hooks_max = 20;
/// A new hook has nothing to look up; the first look is soon after all the same, because the first
/// deliveries are those that show a wrong address.
constexpr auto first_look = 10min;

} // namespace

reconcile_round::reconcile_round(driven_connection& of, token_source& tokens, hooks calls)
    : of_(of), tokens_(tokens), calls_(std::move(calls)) {}

void reconcile_round::start() {
  if (of_.is_open() && of_.spec.reconcile == "github-deliveries") {
    auto now = of_.host.now();
    // Not while going through the rows: this may add to the polls, not to the registrations.
    for (const auto& hook : of_.known->registrations) {
      if (hook.status != "active" || hook.external_id.empty())
        continue;
      auto& timer = of_.progress_named(std::string{reconcile_prefix} + hook.resource);
      if (timer.due == timestamp{})
        timer.due = now + first_look;
      else if (timer.due <= now && left_.size() < hooks_max)
        left_.push_back(hook.resource);
    }
  }
  next();
}

void reconcile_round::next() {
  if (left_.empty() || !of_.is_open())
    return calls_.done(); // The owner may destroy us in this call.
  resource_ = std::move(left_.back());
  left_.pop_back();
  auto now = of_.host.now();
  auto& timer = of_.progress_named(std::string{reconcile_prefix} + resource_);
  if (auto from = of_.ports.traffic->not_before(of_.party(), budget_name, now); from > now) {
    timer.due = from;
    return next();
  }
  const auto& spec = of_.spec.registration;
  run_ = std::make_unique<github_reconcile>(
    filled_url(spec.url, {of_.known->at.account, resource_, {}}),
    of_.registration_of(resource_).external_id, of_.spec.limits, now);
  is_listed_ = false;
  step();
}

void reconcile_round::step() {
  if (run_->is_done() && !std::exchange(is_listed_, true))
    listed();
  if (run_->is_done())
    return settle();
  tokens_.need([this](const result<access_token>& token) {
    if (token)
      return send(*run_->next(), *token);
    run_->take(token.error());
    step();
  });
}

/// GitHub repeats what it could not deliver when it is asked to.
void reconcile_round::listed() {
  std::unordered_set<std::string> missing;
  for (const auto& one : run_->candidates())
    if (!one.was_taken)
      missing.insert(one.guid);
  run_->redeliver(missing);
}

void reconcile_round::send(http_request request, const access_token& token) {
  of_.ports.traffic->sending(of_.party(), budget_name, of_.host.now());
  request.headers.emplace_back("Authorization", bearer(token.value));
  of_.ports.http->send(
    std::move(request), [this, post = of_.host.make_poster(),
                         alive = std::weak_ptr<bool>{alive_}](result<http_response> answer) {
      auto box = std::make_shared<result<http_response>>(std::move(answer));
      post([this, alive, box] {
        if (!alive.lock())
          return;
        if (*box)
          of_.ports.traffic->saw(of_.party(), budget_name, **box, of_.host.now());
        run_->take(*box);
        step();
      });
    });
}

void reconcile_round::settle() {
  auto outcome = run_->take_outcome();
  run_.reset();
  if (!of_.known)
    return next();
  auto now = of_.host.now();
  auto& timer = of_.progress_named(std::string{reconcile_prefix} + resource_);
  timer.last_poll = now;
  timer.failure_count = outcome.problem ? timer.failure_count + 1 : 0;
  timer.due = outcome.problem ? now + retry_delay(timer.failure_count, of_.host.chance())
              : outcome.left > 0
                ? now + 1min
                : next_due(poll_schedule::every(of_.spec.reconcile_every),
                           spread_of(of_.key.user.str() + '/' + timer.endpoint), of_.host.chance(),
                           now, now);
  if (outcome.hook_missing) {
    timer.due = now + of_.spec.reconcile_every;
    auto& row = of_.registration_of(resource_);
    row.status = "failed";
    row.cause = "hook_deleted";
    row.external_id.clear();
    row.renew_at = now;
    calls_.hook_missing(resource_);
  }
  of_.ports.store->save_progress(of_.key, timer, of_.next_due(),
                                 [this, post = of_.host.make_poster(),
                                  alive = std::weak_ptr<bool>{alive_}](const result<bool>&) {
                                   post([this, alive] {
                                     if (alive.lock())
                                       next();
                                   });
                                 });
}

} // namespace lapwing
