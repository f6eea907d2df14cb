#include "platforms/drive/poll_round.hpp"

#include <algorithm>
#include <utility>

#include "platforms/poll/schedule.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// Polls of one round beyond one for each endpoint: a long first sync goes on with the next round.
constexpr std::size_t extra_polls_max = 5;
/// Channels or playlists read for one user. Guess: Slack asks for one a minute anyway.
constexpr std::size_t resources_max = 100;
/// When the store, the queue or the token endpoint said "not now".
constexpr auto again_after = 60s;
/// No ordinary plan is further away than this: whether the clock was wrong is asked only then.
constexpr auto far_away = 25h;

} // namespace

poll_round::poll_round(driven_connection& of, token_source& tokens, hooks calls)
    : of_(of), tokens_(tokens), calls_(std::move(calls)) {}

poll_round::~poll_round() {
  if (inside_ || waiting_)
    of_.ports.traffic->finished(of_.key);
}

void poll_round::start(bool all) {
  all_ = all;
  if (of_.is_open())
    choose(all);
  if (left_.empty() && resources_left_.empty())
    return end();
  enter();
}

void poll_round::choose(bool all) {
  forget_far_plans();
  auto now = of_.host.now();
  // From the back, because the last one is taken first.
  const auto& endpoints = of_.spec.poll.endpoints;
  for (std::size_t i = endpoints.size(); i-- > 0;) {
    if (endpoints[i].resources_from.empty()) {
      if (all || progress_of({i, {}}).due <= now)
        left_.push_back({i, {}});
      continue;
    }
    auto prefix = endpoints[i].id + '|';
    bool any_due = std::ranges::any_of(of_.known->polls, [&](const poll_progress& one) {
      return one.endpoint.starts_with(prefix) && one.due <= now;
    });
    auto source = endpoints[i].resources_from.substr(0, endpoints[i].resources_from.find('.'));
    if (all || any_due || of_.progress_named(source).due <= now)
      resources_left_.push_back(i);
  }
}

/// What was planned while the clock was wrong by years must not sleep for years.
void poll_round::forget_far_plans() {
  const auto& poll = of_.spec.poll;
  auto now = of_.host.now();
  for (auto& progress : of_.known->polls) {
    if (progress.due <= now + far_away)
      continue;
    auto id = std::string_view{progress.endpoint}.substr(0, progress.endpoint.find('|'));
    auto endpoint = std::ranges::find(poll.endpoints, id, &endpoint_spec::id);
    if (endpoint == poll.endpoints.end())
      continue;
    auto schedule = poll_schedule::make(endpoint->schedule.value_or(poll.schedule));
    if (!schedule)
      continue;
    auto longest = poll_schedule::every(std::max(schedule->period(now), poll.interval_max));
    if (due_is_too_far(*schedule, progress.due, now) && due_is_too_far(longest, progress.due, now))
      progress.due = now;
  }
}

/// Waits for this user's turn among all who want to poll the platform.
void poll_round::enter() {
  waiting_ = true;
  of_.ports.traffic->enter(of_.key, of_.host.now(),
                           [this, post = of_.host.make_poster(),
                            alive = std::weak_ptr<bool>{alive_}](const result<bool>& may) {
                             post([this, alive, may] {
                               if (alive.lock() && waiting_)
                                 entered(may.has_value());
                             });
                           });
}

void poll_round::entered(bool may) {
  waiting_ = false;
  inside_ = may;
  // Without a place (the queue is full) everything stays due.
  next();
}

void poll_round::give_up_waiting() {
  if (!std::exchange(waiting_, false))
    return;
  of_.ports.traffic->finished(of_.key);
  next();
}

/// What an endpoint is read for is known from what another one brought.
void poll_round::choose_resources() {
  auto index = resources_left_.back();
  resources_left_.pop_back();
  const auto& endpoint = of_.spec.poll.endpoints[index];
  find_resources(of_, endpoint.resources_from, {}, resources_max, alive_,
                 [this, index](result<resource_names> found) {
                   auto now = of_.host.now();
                   if (found && of_.is_open())
                     for (auto& resource : found->names) {
                       poll_choice choice{index, std::move(resource)};
                       if (all_ || progress_of(choice).due <= now)
                         left_.push_back(std::move(choice));
                     }
                   next();
                 });
}

poll_progress& poll_round::progress_of(const poll_choice& what) {
  const auto& id = of_.spec.poll.endpoints[what.endpoint].id;
  return of_.progress_named(what.resource.empty() ? id : id + '|' + what.resource);
}

void poll_round::next() {
  bool may = of_.is_open() && inside_;
  if (may && left_.empty() && !resources_left_.empty())
    return choose_resources();
  if (!may || left_.empty())
    return end();
  auto choice = std::move(left_.back());
  left_.pop_back();
  const auto& endpoint = of_.spec.poll.endpoints[choice.endpoint];
  auto progress = progress_of(choice);
  auto resource = choice.resource;
  read_before_ = progress.last_poll;
  polling_ = std::make_unique<poll_step>(
    of_.known->at, of_.spec, endpoint, std::move(resource), std::move(progress), of_.ports,
    of_.host, tokens_,
    [this, &endpoint](poll_progress& after, const poll_outcome& outcome) {
      return plan(endpoint, after, outcome);
    },
    [this, choice](poll_end how) { polled(choice, std::move(how)); });
  polling_->start();
}

timestamp poll_round::plan(const endpoint_spec& endpoint, poll_progress& progress,
                           const poll_outcome& outcome) {
  const auto& poll = of_.spec.poll;
  auto now = of_.host.now();
  auto schedule = poll_schedule::make(endpoint.schedule.value_or(poll.schedule));
  // The loader refused what is no schedule; a day is nobody's harm should one slip through.
  auto base = schedule ? schedule->period(now) : std::chrono::seconds{24h};
  auto pressure = calls_.pressure(endpoint);
  pressure.provider_min = outcome.interval_min;
  auto interval = adaptive_interval(base, poll, pressure);
  auto used = schedule && interval == base ? *schedule : poll_schedule::every(interval);
  auto spread = spread_of(of_.key.user.str() + '/' + of_.key.platform.str() + '/'
                          + progress.endpoint);
  auto free = of_.ports.traffic->not_before(of_.party(), endpoint.id, now);
  if (!outcome.problem) {
    progress.due = outcome.more ? std::max(now, free)
                                : lapwing::next_due(used, spread, of_.host.chance(), now, now);
  } else {
    switch (outcome.problem->kind) {
      case answer_failure::forbidden:
      case answer_failure::not_found:
      case answer_failure::refused: // Time does not heal these.
        progress.due = lapwing::next_due(used, spread, of_.host.chance(), now, now);
        break;
      default: progress.due = now + retry_delay(progress.failure_count, of_.host.chance());
    }
    progress.due = std::max(progress.due, free);
  }
  of_.progress_named(progress.endpoint) = progress;
  return of_.next_due();
}

void poll_round::polled(const poll_choice& what, poll_end how) {
  // The step ends in this call: what it owns must not be used after.
  auto ended = std::shared_ptr<poll_step>{std::move(polling_)};
  auto now = of_.host.now();
  if (of_.known) {
    auto& progress = progress_of(what);
    progress = how.progress;
    if (how.not_before)
      progress.due = *how.not_before;
    else if (how.failure) // The store may be away for hours: nothing of this is on disk.
      progress.due = now + std::max<std::chrono::milliseconds>(
                             again_after, retry_delay(++of_.unstored, of_.host.chance()));
    else
      result_.polled_any = result_.polled_any || !how.problem;
    if (!how.failure && !how.not_before) {
      of_.known->at.last_sync = now;
      of_.unstored = 0;
    }
  }
  result_.new_items += how.new_items;
  if (how.new_items > 0)
    calls_.found_news(of_.spec.poll.endpoints[what.endpoint], read_before_);
  if (how.more && extra_polls_ < extra_polls_max) {
    ++extra_polls_;
    left_.push_back(what);
  }
  // Not from within the step's own call.
  of_.host.make_poster()([this, alive = std::weak_ptr<bool>{alive_}, ended] {
    if (alive.lock())
      next();
  });
}

void poll_round::end() {
  left_.clear();
  resources_left_.clear();
  if (std::exchange(inside_, false))
    of_.ports.traffic->finished(of_.key);
  calls_.done(result_); // The owner may destroy us in this call.
}

} // namespace lapwing
