#include "platforms/drive/connection_driver.hpp"

#include <algorithm>
#include <utility>

#include "platforms/drive/connection_news.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// A connection whose timers are all idle is looked at so often, whatever they say.
constexpr auto look_at_least_every = 24h;
/// Deliveries and questions that wait for a load. Who sends more while the store is away learns that
/// it is.
constexpr std::size_t after_load_max = 64;

} // namespace

connection_driver::connection_driver(connection_key of, const platform_spec& spec,
                                     const driver_ports& ports, driver_host& host)
    : at_(of, spec, ports, host),
      tokens_(std::move(of), spec, ports, host,
              {[this](const token_keeper::end& why, const std::function<void()>& done) {
                 ended(why, done);
               },
               [this](const token_keeper::warn& what) {
                 status_report report{connection_status::connected, watch_.method(), "grant_ends",
                                      {}};
                 publish(status_news(at_.key, report,
                                     at_.spec.title + " must be connected again by "
                                       + to_rfc3339(what.ends_at).substr(0, 10),
                                     what.key));
               },
               [this] { refreshed(); },
               [this] { return at_.known ? next_due() : at_.host.now(); }}),
      watch_(at_, {[this](webhook_watch::written then) { return written(std::move(then)); },
                   [this](publish_request request) { publish(std::move(request)); }}) {
  at_.next_due = [this] { return stored_due_ = next_due(); };
}

template <class Round>
void connection_driver::leave(std::unique_ptr<Round>& round, std::function<void()> next) {
  guarded_post()([ended = std::shared_ptr<Round>{std::move(round)}, next = std::move(next)]() mutable {
    ended.reset();
    next();
  });
}

std::function<void(std::function<void()>)> connection_driver::guarded_post() {
  return [post = at_.host.make_poster(),
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

// -- jobs -------------------------------------------------------------------------------------------

void connection_driver::run(connection_work work, ending done) {
  if (work == connection_work::look && at_.known) {
    if (done)
      done(true);
    return;
  }
  bool is_impatient = work == connection_work::remove || work == connection_work::connected;
  jobs_.push_back({work, std::move(done)});
  if (current_.empty())
    start();
  else if (is_impatient && polling_)
    polling_->give_up_waiting();
}

bool connection_driver::wants(connection_work work) const {
  return std::ranges::any_of(current_, [&](const job& one) { return one.work == work; });
}

void connection_driver::start() {
  current_ = std::exchange(jobs_, {});
  began_ = at_.host.now();
  found_resources_ = false;
  if (at_.known && !stale_ && !wants(connection_work::connected)
      && !wants(connection_work::remove))
    return go_on();
  is_loading_ = true;
  load_waits_ = writes_ > 0;
  if (!load_waits_)
    load();
}

/// Never beside a write of ours: what is read may be from before it.
void connection_driver::load() {
  at_.ports.store->load(
    at_.key, [this, post = guarded_post()](result<std::optional<loaded_connection>> found) {
      auto box = std::make_shared<result<std::optional<loaded_connection>>>(std::move(found));
      post([this, box] { take_loaded(std::move(*box)); });
    });
}

void connection_driver::take_loaded(result<std::optional<loaded_connection>> found) {
  is_loading_ = false;
  auto tell = [waiting = std::exchange(after_load_, {})](const result<bool>& how) {
    for (const auto& call : waiting)
      call(how);
  };
  if (!found) {
    tell(found.error());
    return finish(found.error());
  }
  if (!*found || (*found)->at.status == connection_status::disconnected) {
    at_.known.reset();
    tokens_.gone();
    tell(false);
    return finish(false);
  }
  stale_ = false;
  at_.known = std::move(*found);
  watch_.adopt();
  tell(true);
  if (wants(connection_work::remove))
    return remove();
  tokens_.loaded(at_.known->at);
  // The keeper has its own copy: secrets are not kept twice.
  at_.known->at.tokens.access_token.clear();
  at_.known->at.tokens.refresh_token.clear();
  if (wants(connection_work::connected))
    publish(status_news(at_.key, watch_.report(), at_.spec.title + " is connected",
                        "connected:" + std::to_string(at_.known->at.token_version)));
  go_on();
}

void connection_driver::go_on() {
  bool only_looks = std::ranges::all_of(
    current_, [](const job& one) { return one.work == connection_work::look; });
  if (only_looks) // Not before new tokens are stored: whoever looked puts this down then.
    return tokens_.when_settled([this] { finish(true); });
  if (wants(connection_work::doubt)) {
    // What the platform said of the grant is believed when a refresh, or the next use, says so too.
    return tokens_.rejected(tokens_.keeper().version(), [this](const result<access_token>&) {
      look_at_tokens();
    });
  }
  look_at_tokens();
}

void connection_driver::look_at_tokens() {
  tokens_.look(wants(connection_work::refresh),
               [this] { enter(registrations_first() ? phase::registrations : phase::poll); });
}

/// Where nothing has to be polled to know what to register, deliveries begin before the first poll:
/// so there is no gap between the two.
bool connection_driver::registrations_first() const noexcept {
  return at_.spec.registration.resources_from.empty();
}

connection_driver::phase connection_driver::after(phase done) const noexcept {
  switch (done) {
    case phase::registrations: return registrations_first() ? phase::poll : phase::rest;
    case phase::poll: return phase::reconcile;
    case phase::reconcile: return registrations_first() ? phase::rest : phase::registrations;
    case phase::rest: break;
  }
  return phase::rest;
}

void connection_driver::enter(phase next) {
  if (next == phase::rest || !at_.is_open())
    return tokens_.when_settled([this] { finish(at_.known.has_value()); });
  switch (next) {
    case phase::registrations: return registrations();
    case phase::poll: return polls();
    case phase::reconcile: return reconcile();
    case phase::rest: break;
  }
}

// -- polling ----------------------------------------------------------------------------------------

void connection_driver::polls() {
  watch_.check();
  poll_round::hooks calls;
  calls.pressure = [this](const endpoint_spec& endpoint) { return pressure_of(endpoint); };
  calls.found_news = [this](const endpoint_spec& endpoint, std::optional<timestamp> before) {
    if (at_.spec.registration.resources_from.starts_with(endpoint.id + '.'))
      found_resources_ = true;
    // What a first sync finds is old: no webhook had to tell of it.
    if (watch_.covers(endpoint) && !wants(connection_work::connected)
        && !wants(connection_work::hint))
      watch_.found_news(before);
  };
  calls.done = [this](poll_round_end how) {
    if (how.polled_any) {
      auto took = std::chrono::duration_cast<std::chrono::milliseconds>(at_.host.now() - began_);
      publish(sync_news(at_.key, took, how.new_items));
    }
    leave(polling_, [this] { enter(after(phase::poll)); });
  };
  polling_ = std::make_unique<poll_round>(at_, tokens_, std::move(calls));
  polling_->start(wants(connection_work::sync) || wants(connection_work::hint)
                  || wants(connection_work::connected));
}

poll_pressure connection_driver::pressure_of(const endpoint_spec& endpoint) const {
  poll_pressure pressure;
  pressure.watched = at_.host.watched();
  if (watch_.covers(endpoint)) {
    pressure.webhooks_flow = watch_.method() == monitor_method::webhook;
    pressure.webhooks_doubted = watch_.is_doubted();
  }
  pressure.budget_left = at_.ports.traffic->budget_left(at_.party(), at_.host.now());
  return pressure;
}

// -- webhooks ---------------------------------------------------------------------------------------

void connection_driver::registrations() {
  auto now = at_.host.now();
  bool is_due = std::ranges::any_of(at_.known->registrations, [&](const registration& one) {
    return registration_is_due(one, now);
  });
  bool is_wanted = is_due || found_resources_ || !has_looked_ || wants(connection_work::connected)
                   || wants(connection_work::sync);
  if (!is_wanted || !registers(at_))
    return enter(after(phase::registrations));
  has_looked_ = true;
  registering_ = std::make_unique<registration_round>(
    at_, tokens_,
    registration_round::hooks{
      [this](const registration_outcome& outcome, bool is_new) { watch_.settled(outcome, is_new); },
      [this] { leave(registering_, [this] { enter(after(phase::registrations)); }); }});
  registering_->start();
}

void connection_driver::reconcile() {
  reconciling_ = std::make_unique<reconcile_round>(
    at_, tokens_,
    reconcile_round::hooks{[this](const std::string&) { watch_.hook_missing(); },
                           [this] {
                             leave(reconciling_, [this] { enter(after(phase::reconcile)); });
                           }});
  reconciling_->start();
}

void connection_driver::with_known(std::function<void(const result<bool>& found)> call) {
  if (is_loading_ && after_load_.size() >= after_load_max)
    return call(error{errc::store_unavailable, "too much waits for the connection to be read"});
  if (is_loading_)
    return after_load_.push_back(std::move(call));
  if (at_.known)
    return call(true);
  run(connection_work::look, std::move(call));
}

std::function<void(result<bool>)> connection_driver::written(
  std::function<void(const result<bool>&)> then) {
  ++writes_;
  return [this, post = guarded_post(), then = std::move(then)](const result<bool>& kept) {
    post([this, then, kept] {
      --writes_;
      if (then)
        then(kept);
      if (writes_ == 0 && std::exchange(load_waits_, false))
        load();
    });
  };
}

void connection_driver::saw_delivery() {
  with_known([this, now = at_.host.now()](const result<bool>& found) {
    if (found && *found && at_.known)
      watch_.delivered(now);
  });
}

void connection_driver::saw_bad_delivery(std::string external_id) {
  with_known([this, external_id = std::move(external_id)](const result<bool>& found) {
    if (found && *found && at_.known)
      watch_.misdelivered(external_id);
  });
}

void connection_driver::heard_hub(hub_word word, ending done) {
  with_known([this, word = std::move(word), done = std::move(done)](const result<bool>& found) {
    if (!found)
      return done(found);
    watch_.answer_hub(word, done);
  });
}

// -- the end of a task ------------------------------------------------------------------------------

timestamp connection_driver::next_due() const {
  auto now = at_.host.now();
  auto soonest = now + look_at_least_every;
  if (auto due = tokens_.keeper().due())
    soonest = std::min(soonest, *due);
  if (auto check = watch_.next_check())
    soonest = std::min(soonest, *check);
  bool can_register = registers(at_);
  for (const auto& one : at_.known->registrations)
    if (can_register)
      soonest = std::min(soonest, one.renew_at.value_or(soonest));
  for (const auto& poll : at_.known->polls) {
    bool is_hook = poll.endpoint.starts_with(reconcile_prefix);
    bool has_hook = is_hook
                    && std::ranges::any_of(at_.known->registrations, [&](const registration& one) {
                         return one.status == "active"
                                && poll.endpoint.substr(reconcile_prefix.size()) == one.resource;
                       });
    if (!is_hook || has_hook)
      soonest = std::min(soonest, poll.due);
  }
  return soonest;
}

void connection_driver::finish(const result<bool>& how) {
  auto answered = std::exchange(current_, {});
  if (how && *how && at_.is_open()) {
    auto before = stored_due_;
    if (at_.next_due() != before)
      at_.ports.store->set_due(at_.key, stored_due_, [](const result<bool>&) {});
  }
  for (auto& one : answered)
    if (one.done)
      one.done(how);
  if (current_.empty() && !jobs_.empty())
    start();
}

// -- disconnecting ----------------------------------------------------------------------------------

void connection_driver::remove() {
  tokens_.loaded(at_.known->at);
  removing_ = std::make_unique<removal_round>(at_, tokens_, [this](const result<bool>& done) {
    leave(removing_, [this, done] { removed(done); });
  });
  removing_->start();
}

void connection_driver::removed(const result<bool>& done) {
  at_.known.reset();
  status_report report;
  report.status = connection_status::disconnected;
  if (done)
    publish(status_news(
      at_.key, report, at_.spec.title + " is disconnected",
      "disconnected:" + std::to_string(at_.host.now().time_since_epoch().count())));
  finish(done);
}

// -- tokens -----------------------------------------------------------------------------------------

void connection_driver::ended(const token_keeper::end& why, const std::function<void()>& done) {
  auto& row = at_.known->at;
  row.status = connection_status::needs_reauth;
  row.cause = why.cause;
  row.message = why.message;
  status_report report{row.status, watch_.method(), row.cause,
                       "/api/oauth/" + at_.key.platform.str() + "/authorize"};
  // Told first: whoever finds the row as it was after a crash finds the end once more, and its
  // delivery id makes the word of it one.
  publish(status_news(at_.key, report, why.message,
                      "needs_reauth:" + std::to_string(tokens_.keeper().version())),
          [this, why, done](const result<publish_receipt>& told) {
            if (told)
              return keep_end(why, done);
            stale_ = true; // Nothing is written down: the next task begins with the row.
            done();
          });
}

void connection_driver::keep_end(const token_keeper::end& why, const std::function<void()>& done) {
  at_.ports.store->save_status(at_.key, connection_status::needs_reauth, why.cause, why.message,
                               [this, done, post = guarded_post()](const result<bool>& kept) {
                                 post([this, done, kept] {
                                   stale_ = !kept;
                                   done();
                                 });
                               });
}

void connection_driver::refreshed() {
  at_.known->at.token_version = tokens_.keeper().version();
  at_.known->at.tokens.expires_at = tokens_.keeper().tokens().expires_at;
  stored_due_ = {}; // The tokens were stored with a due time of their own.
  publish(refresh_news(at_.key, at_.spec.title));
}

void connection_driver::publish(publish_request request,
                                std::function<void(const result<publish_receipt>&)> done) {
  at_.host.publish(std::move(request), [alive = std::weak_ptr<bool>{alive_},
                                        done = std::move(done)](result<publish_receipt> receipt) {
    if (done && alive.lock())
      done(receipt);
  });
}

} // namespace lapwing
