#include "platforms/drive/connection_driver.hpp"

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"
#include "platforms/oauth/requests.hpp"
#include "platforms/poll/adaptive.hpp"
#include "platforms/poll/json_slice.hpp"
#include "platforms/poll/schedule.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// Polls of one task beyond one for each endpoint: a long first sync goes on with the next task.
constexpr std::size_t extra_polls_max = 5;
/// Channels or playlists read for one user. Guess: Slack asks for one a minute anyway.
constexpr std::size_t resources_max = 100;
/// When the store, the queue or the token endpoint said "not now".
constexpr auto again_after = 60s;
/// A connection whose timers are all idle is looked at so often, whatever they say.
constexpr auto look_at_least_every = 24h;
/// No ordinary plan is further away than this: whether the clock was wrong is asked only then.
constexpr auto far_away = 25h;

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

} // namespace

connection_driver::connection_driver(connection_key of, const platform_spec& spec,
                                     const driver_ports& ports, driver_host& host)
    : key_(of), spec_(spec), ports_(ports), host_(host),
      tokens_(std::move(of), spec, ports, host,
              {[this](const token_keeper::end& why) { ended(why); },
               [this](const token_keeper::warn& what) {
                 tell_status("connected", "grant_ends",
                             spec_.title + " must be connected again by "
                               + to_rfc3339(what.ends_at).substr(0, 10),
                             what.key);
               },
               [](const token_keeper::alarm&) {}, [this] { refreshed(); }}) {}

connection_driver::~connection_driver() {
  if (inside_)
    ports_.traffic->finished(key_);
}

std::function<void(std::function<void()>)> connection_driver::guarded_post() {
  return [post = host_.make_poster(),
          alive = std::weak_ptr<bool>{alive_}](std::function<void()> call) {
    post([alive, call = std::move(call)] {
      if (alive.lock())
        call();
    });
  };
}

std::optional<token_keeper::trouble_report> connection_driver::token_trouble() const {
  return tokens_.keeper().trouble();
}

void connection_driver::run(connection_work work, ending done) {
  jobs_.push_back({work, std::move(done)});
  if (current_.empty())
    start();
}

bool connection_driver::wants(connection_work work) const {
  return std::ranges::any_of(current_, [&](const job& one) { return one.work == work; });
}

void connection_driver::start() {
  current_ = std::exchange(jobs_, {});
  began_ = host_.now();
  extra_polls_ = new_items_ = 0;
  polled_any_ = false;
  problem_.reset();
  if (known_ && !wants(connection_work::connected) && !wants(connection_work::remove))
    return go_on();
  ports_.store->load(
    key_, [this, post = guarded_post()](result<std::optional<loaded_connection>> found) {
      auto box = std::make_shared<result<std::optional<loaded_connection>>>(std::move(found));
      post([this, box] { take_loaded(*box); });
    });
}

void connection_driver::take_loaded(const result<std::optional<loaded_connection>>& found) {
  if (!found)
    return finish(found.error());
  if (!*found || (*found)->at.status == connection_status::disconnected) {
    known_.reset();
    tokens_.gone();
    return finish(false);
  }
  known_ = **found;
  if (wants(connection_work::remove))
    return remove();
  tokens_.loaded(known_->at);
  // The keeper has its own copy: secrets are not kept twice.
  known_->at.tokens.access_token.clear();
  known_->at.tokens.refresh_token.clear();
  if (wants(connection_work::connected))
    tell_status("connected", "", spec_.title + " is connected",
                "connected:" + std::to_string(known_->at.token_version));
  go_on();
}

void connection_driver::go_on() {
  tokens_.look([this] {
    choose_polls();
    if (polls_left_.empty() && resources_left_.empty())
      return poll_next();
    enter();
  });
}

/// Waits for this user's turn among all who want to poll the platform.
void connection_driver::enter() {
  ports_.traffic->enter(key_, host_.now(),
                        [this, post = host_.make_poster(), alive = std::weak_ptr<bool>{alive_},
                         traffic = ports_.traffic, key = key_](const result<bool>& may) {
                          post([this, alive, traffic, key, may] {
                            if (!alive.lock()) {
                              if (may)
                                traffic->finished(key);
                              return;
                            }
                            inside_ = may.has_value();
                            // Without a place (the queue is full) everything stays due.
                            poll_next();
                          });
                        });
}

void connection_driver::choose_polls() {
  polls_left_.clear();
  resources_left_.clear();
  if (!known_ || known_->at.status == connection_status::needs_reauth)
    return;
  poll_all_ = wants(connection_work::sync) || wants(connection_work::hint)
              || wants(connection_work::connected);
  forget_far_plans();
  auto now = host_.now();
  // From the back, because the last one is taken first.
  const auto& endpoints = spec_.poll.endpoints;
  for (std::size_t i = endpoints.size(); i-- > 0;) {
    if (endpoints[i].resources_from.empty()) {
      if (poll_all_ || progress_of({i, {}}).due <= now)
        polls_left_.push_back({i, {}});
      continue;
    }
    auto prefix = endpoints[i].id + '|';
    bool any_due = std::ranges::any_of(known_->polls, [&](const poll_progress& one) {
      return one.endpoint.starts_with(prefix) && one.due <= now;
    });
    auto source = endpoints[i].resources_from.substr(0, endpoints[i].resources_from.find('.'));
    if (poll_all_ || any_due || progress_named(source).due <= now)
      resources_left_.push_back(i);
  }
}

/// What was planned while the clock was wrong by years must not sleep for years.
void connection_driver::forget_far_plans() {
  auto now = host_.now();
  for (auto& progress : known_->polls) {
    if (progress.due <= now + far_away)
      continue;
    auto id = std::string_view{progress.endpoint}.substr(0, progress.endpoint.find('|'));
    auto endpoint = std::ranges::find(spec_.poll.endpoints, id, &endpoint_spec::id);
    if (endpoint == spec_.poll.endpoints.end())
      continue;
    auto schedule = poll_schedule::make(endpoint->schedule.value_or(spec_.poll.schedule));
    if (!schedule)
      continue;
    auto longest = poll_schedule::every(std::max(schedule->period(now), spec_.poll.interval_max));
    if (due_is_too_far(*schedule, progress.due, now) && due_is_too_far(longest, progress.due, now))
      progress.due = now;
  }
}

/// What an endpoint is read for is known from what another one brought.
void connection_driver::choose_resources() {
  auto index = resources_left_.back();
  resources_left_.pop_back();
  const auto& path = spec_.poll.endpoints[index].resources_from;
  ports_.store->items(
    key_, path.substr(0, path.find('.')), {}, resources_max,
    [this, index, post = guarded_post()](result<stored_items> found) {
      auto box = std::make_shared<result<stored_items>>(std::move(found));
      post([this, index, box] { take_resources(index, *box); });
    });
}

void connection_driver::take_resources(std::size_t index, const result<stored_items>& found) {
  if (found && known_) {
    const auto& path = spec_.poll.endpoints[index].resources_from;
    auto inner = path.substr(std::min(path.find('.') + 1, path.size()));
    auto now = host_.now();
    for (const auto& item : found->items) {
      auto parsed = json_slice::check(item.json);
      auto resource = parsed ? parsed->at(inner).scalar() : std::nullopt;
      if (!resource || resource->empty())
        continue;
      poll_choice choice{index, std::move(*resource)};
      if (poll_all_ || progress_of(choice).due <= now)
        polls_left_.push_back(std::move(choice));
    }
  }
  poll_next();
}

poll_progress& connection_driver::progress_named(const std::string& name) {
  auto& polls = known_->polls;
  auto at = std::ranges::find(polls, name, &poll_progress::endpoint);
  if (at != polls.end())
    return *at;
  poll_progress fresh;
  fresh.endpoint = name;
  polls.push_back(std::move(fresh));
  return polls.back();
}

poll_progress& connection_driver::progress_of(const poll_choice& what) {
  const auto& id = spec_.poll.endpoints[what.endpoint].id;
  return progress_named(what.resource.empty() ? id : id + '|' + what.resource);
}

void connection_driver::poll_next() {
  bool may = known_ && known_->at.status != connection_status::needs_reauth;
  if (may && inside_ && polls_left_.empty() && !resources_left_.empty())
    return choose_resources();
  if (!may || !inside_ || polls_left_.empty()) {
    if (std::exchange(inside_, false))
      ports_.traffic->finished(key_);
    if (polled_any_)
      tell_sync();
    return finish(true);
  }
  auto choice = std::move(polls_left_.back());
  polls_left_.pop_back();
  const auto& endpoint = spec_.poll.endpoints[choice.endpoint];
  auto progress = progress_of(choice);
  auto resource = choice.resource;
  polling_ = std::make_unique<poll_step>(
    known_->at, spec_, endpoint, std::move(resource), std::move(progress), ports_, host_, tokens_,
    [this, &endpoint](poll_progress& after, const poll_outcome& outcome) {
      return plan(endpoint, after, outcome);
    },
    [this, choice](poll_end how) { polled(choice, std::move(how)); });
  polling_->start();
}

timestamp connection_driver::plan(const endpoint_spec& endpoint, poll_progress& progress,
                                  const poll_outcome& outcome) {
  auto now = host_.now();
  auto schedule = poll_schedule::make(endpoint.schedule.value_or(spec_.poll.schedule));
  poll_pressure pressure;
  pressure.watched = host_.watched();
  pressure.webhooks_flow = webhooks_flow();
  pressure.provider_min = outcome.interval_min;
  pressure.budget_left = ports_.traffic->budget_left({key_, known_->at.account}, now);
  // The loader refused what is no schedule; a day is nobody's harm should one slip through.
  auto base = schedule ? schedule->period(now) : std::chrono::seconds{24h};
  auto interval = adaptive_interval(base, spec_.poll, pressure);
  auto used = schedule && interval == base ? *schedule : poll_schedule::every(interval);
  auto spread = spread_of(key_.user.str() + '/' + key_.platform.str() + '/'
                          + progress.endpoint);
  auto free = ports_.traffic->not_before({key_, known_->at.account}, endpoint.id, now);
  if (!outcome.problem) {
    progress.due = outcome.more ? std::max(now, free)
                                : lapwing::next_due(used, spread, host_.chance(), now, now);
  } else {
    switch (outcome.problem->kind) {
      case answer_failure::forbidden:
      case answer_failure::not_found:
      case answer_failure::refused: // Time does not heal these.
        progress.due = lapwing::next_due(used, spread, host_.chance(), now, now);
        break;
      default: progress.due = now + retry_delay(progress.failure_count, host_.chance());
    }
    progress.due = std::max(progress.due, free);
  }
  progress_named(progress.endpoint) = progress;
  return stored_due_ = next_due();
}

void connection_driver::polled(const poll_choice& what, poll_end how) {
  // The step ends in this call: what it owns must not be used after.
  auto ended = std::move(polling_);
  auto& progress = progress_of(what);
  progress = how.progress;
  auto now = host_.now();
  if (how.not_before)
    progress.due = *how.not_before;
  else if (how.failure) // The store may be away for hours: nothing of this is on disk.
    progress.due = now + std::max<std::chrono::milliseconds>(
                           again_after, retry_delay(++unstored_, host_.chance()));
  else
    polled_any_ = polled_any_ || !how.problem;
  if (!how.failure && !how.not_before)
    unstored_ = 0;
  new_items_ += how.new_items;
  if (how.problem)
    problem_ = how.problem;
  if (!how.failure && !how.not_before)
    known_->at.last_sync = now;
  if (how.more && extra_polls_ < extra_polls_max) {
    ++extra_polls_;
    polls_left_.push_back(what);
  }
  // Not from within the step's own call.
  host_.make_poster()([this, alive = std::weak_ptr<bool>{alive_}, ended = std::shared_ptr<poll_step>{
                                                                    std::move(ended)}] {
    if (alive.lock())
      poll_next();
  });
}

void connection_driver::tell_sync() {
  event_draft draft;
  draft.type = "platform_sync";
  draft.platform = key_.platform.str();
  draft.message = key_.platform.str() + " data synced successfully";
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(host_.now() - began_).count();
  draft.data = "{\"durationMs\":" + std::to_string(std::max<std::int64_t>(took, 0))
               + ",\"items\":" + std::to_string(new_items_) + '}';
  // A sync without news is worth a word to who watches, not a place in the history.
  publish(std::move(draft), {}, new_items_ == 0);
}

timestamp connection_driver::next_due() const {
  auto soonest = host_.now() + look_at_least_every;
  if (auto due = tokens_.keeper().due())
    soonest = std::min(soonest, *due);
  for (const auto& poll : known_->polls)
    soonest = std::min(soonest, poll.due);
  return soonest;
}

void connection_driver::finish(const result<bool>& how) {
  auto answered = std::exchange(current_, {});
  if (how && *how && known_ && known_->at.status != connection_status::needs_reauth) {
    auto due = next_due();
    if (due != stored_due_) {
      stored_due_ = due;
      ports_.store->set_due(key_, due, [](const result<bool>&) {});
    }
  }
  for (auto& one : answered)
    if (one.done)
      one.done(how);
  if (current_.empty() && !jobs_.empty())
    start();
}

bool connection_driver::webhooks_flow() const {
  return last_delivery_ && host_.now() - *last_delivery_ < spec_.webhook.quiet_after;
}

void connection_driver::remove() {
  auto request = revocation_request(spec_, known_->at.tokens);
  if (!request)
    return revoked();
  // Whatever the platform says, the person's word counts: the tokens are forgotten.
  ports_.http->send(std::move(*request),
                    [this, post = guarded_post()](const result<http_response>&) {
                      post([this] { revoked(); });
                    });
}

void connection_driver::revoked() {
  tokens_.gone();
  ports_.store->disconnect(key_, [this, post = guarded_post()](const result<bool>& done) {
    post([this, done] {
      known_.reset();
      if (done)
        tell_status("disconnected", "", spec_.title + " is disconnected",
                    "disconnected:" + std::to_string(host_.now().time_since_epoch().count()));
      finish(done);
    });
  });
}

void connection_driver::ended(const token_keeper::end& why) {
  known_->at.status = connection_status::needs_reauth;
  known_->at.cause = why.cause;
  known_->at.message = why.message;
  ports_.store->save_status(key_, connection_status::needs_reauth, why.cause, why.message,
                            [](const result<bool>&) {});
  tell_status("needs_reauth", why.cause, why.message,
              "needs_reauth:" + std::to_string(tokens_.keeper().version()));
}

void connection_driver::refreshed() {
  known_->at.token_version = tokens_.keeper().version();
  known_->at.tokens.expires_at = tokens_.keeper().tokens().expires_at;
  stored_due_ = {}; // The tokens were stored with a due time of their own.
  event_draft draft;
  draft.type = "token_refresh";
  draft.platform = key_.platform.str();
  draft.message = spec_.title + " access was renewed";
  publish(std::move(draft), {}, true);
}

void connection_driver::tell_status(std::string_view status, std::string_view cause,
                                    std::string message, std::string delivery_id) {
  event_draft draft;
  draft.type = "connection_status";
  draft.platform = key_.platform.str();
  draft.message = std::move(message);
  draft.data = "{\"status\":" + quoted(status) + ",\"method\":"
               + (webhooks_flow() ? "\"webhook\"" : "\"polling\"") + ",\"cause\":" + quoted(cause)
               + ",\"remedy\":"
               + (status == "needs_reauth"
                    ? quoted("/api/oauth/" + key_.platform.str() + "/authorize")
                    : std::string{"null"})
               + '}';
  draft.extras = "\"status\":" + quoted(status) + ",\"reason\":" + quoted(cause);
  publish(std::move(draft), std::move(delivery_id), false);
}

void connection_driver::publish(event_draft draft, std::string delivery_id, bool ephemeral) {
  publish_request request;
  request.target = log_id::of(key_.user);
  request.draft = std::move(draft);
  request.source = "status:" + key_.platform.str();
  request.delivery_id = std::move(delivery_id);
  request.ephemeral = ephemeral;
  host_.publish(std::move(request), [](const result<publish_receipt>&) {});
}

} // namespace lapwing
