#include "platforms/drive/connection_driver.hpp"

#include <algorithm>
#include <utility>

#include "platforms/drive/connection_news.hpp"
#include "platforms/oauth/requests.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// A connection whose timers are all idle is looked at so often, whatever they say.
constexpr auto look_at_least_every = 24h;
/// The time of the last delivery is for people: it need not cost a write each time.
constexpr auto delivery_noted_every = 10min;
/// For all that is registered to be ended when a person disconnects and waits.
constexpr auto removal_patience = 15s;

} // namespace

connection_driver::connection_driver(connection_key of, const platform_spec& spec,
                                     const driver_ports& ports, driver_host& host)
    : at_(of, spec, ports, host),
      tokens_(std::move(of), spec, ports, host,
              {[this](const token_keeper::end& why, const std::function<void()>& done) {
                 ended(why, done);
               },
               [this](const token_keeper::warn& what) {
                 status_report report{connection_status::connected, choice_.method(), "grant_ends",
                                      {}};
                 publish(status_news(at_.key, report,
                                     at_.spec.title + " must be connected again by "
                                       + to_rfc3339(what.ends_at).substr(0, 10),
                                     what.key));
               },
               [this] { refreshed(); }}),
      choice_(means_of(spec), host.now()) {
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
      post([this, box] { take_loaded(*box); });
    });
}

void connection_driver::take_loaded(const result<std::optional<loaded_connection>>& found) {
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
  adopt(**found);
  tell(true);
  if (wants(connection_work::remove))
    return remove();
  tokens_.loaded(at_.known->at);
  // The keeper has its own copy: secrets are not kept twice.
  at_.known->at.tokens.access_token.clear();
  at_.known->at.tokens.refresh_token.clear();
  if (wants(connection_work::connected))
    publish(status_news(at_.key, choice_.report(), at_.spec.title + " is connected",
                        "connected:" + std::to_string(at_.known->at.token_version)));
  go_on();
}

void connection_driver::adopt(loaded_connection found) {
  at_.known = std::move(found);
  auto now = at_.host.now();
  choice_ = method_choice{means_of(at_.spec), now};
  const auto& row = at_.known->at;
  choice_.restore(worst_of(at_.known->registrations, now), row.cause, now);
  bool is_settled = row.status == connection_status::needs_reauth
                    || (row.status == choice_.report().status
                        && row.cause == choice_.report().cause);
  if (!is_settled)
    follow(choice_.report());
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
  follow(choice_.check(at_.host.now()));
  poll_round::hooks calls;
  calls.pressure = [this](const endpoint_spec& endpoint) { return pressure_of(endpoint); };
  calls.found_news = [this](const endpoint_spec& endpoint, std::optional<timestamp> before) {
    if (at_.spec.registration.resources_from.starts_with(endpoint.id + '.'))
      found_resources_ = true;
    // What a first sync finds is old: no webhook had to tell of it.
    if (covers(endpoint) && !wants(connection_work::connected) && !wants(connection_work::hint)) {
      follow(choice_.found_news(at_.host.now(), before));
      note_news();
    }
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

bool connection_driver::covers(const endpoint_spec& endpoint) const {
  return std::ranges::find(at_.spec.webhook.covers, endpoint.id) != at_.spec.webhook.covers.end();
}

poll_pressure connection_driver::pressure_of(const endpoint_spec& endpoint) const {
  poll_pressure pressure;
  pressure.watched = at_.host.watched();
  if (covers(endpoint)) {
    pressure.webhooks_flow = choice_.method() == monitor_method::webhook;
    pressure.webhooks_doubted = choice_.is_doubted();
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
      [this](const registration_outcome& outcome, bool is_new) { settled(outcome, is_new); },
      [this] { leave(registering_, [this] { enter(after(phase::registrations)); }); }});
  registering_->start();
}

void connection_driver::settled(const registration_outcome& outcome, bool is_new) {
  auto now = at_.host.now();
  auto state = worst_of(at_.known->registrations, now);
  follow(choice_.registered(state.status, state.cause, outcome.remedy, state.last_delivery, now));
  if (!is_new)
    return;
  // Between the last poll and the first delivery something may have happened: read once more.
  for (auto& poll : at_.known->polls)
    for (const auto& id : at_.spec.webhook.covers)
      if ((poll.endpoint == id || poll.endpoint.starts_with(id + '|')) && poll.last_poll)
        poll.due = now;
}

void connection_driver::reconcile() {
  reconciling_ = std::make_unique<reconcile_round>(
    at_, tokens_,
    reconcile_round::hooks{[this](const std::string&) {
                             auto now = at_.host.now();
                             auto state = worst_of(at_.known->registrations, now);
                             follow(choice_.registered(state.status, state.cause, {},
                                                       state.last_delivery, now));
                           },
                           [this] {
                             leave(reconciling_, [this] { enter(after(phase::reconcile)); });
                           }});
  reconciling_->start();
}

void connection_driver::with_known(std::function<void(const result<bool>& found)> call) {
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
      note_delivery(now);
  });
}

void connection_driver::note_delivery(timestamp when) {
  if (means_of(at_.spec).has_webhook)
    follow(choice_.delivered(when));
  auto& all = at_.known->registrations;
  bool is_ours = at_.spec.registration.style != registration_style::none;
  if (all.empty() && is_ours)
    return; // Somebody made that hook by hand.
  // One of them stands for all: which of them it was for is not told.
  auto& row = all.empty() ? at_.registration_of("") : all.front();
  auto details = registration_details::of(row);
  bool is_noted = row.last_delivery && when - *row.last_delivery < delivery_noted_every
                  && !details.news_at;
  if (!is_ours && row.status != "active") {
    row.status = "active"; // Registered at the provider by the operator.
    details.active_since = when;
    is_noted = false;
  }
  if (is_noted)
    return;
  row.last_delivery = when;
  details.news_at.reset();
  row.details = details.json();
  at_.ports.store->save_registration(at_.key, row, at_.next_due(), written());
}

/// So that a doubt ripens although nobody keeps it in mind.
void connection_driver::note_news() {
  const auto& news = choice_.unexplained_news();
  if (!news || at_.known->registrations.empty())
    return;
  auto& row = at_.known->registrations.front();
  auto details = registration_details::of(row);
  if (details.news_at == news)
    return;
  details.news_at = news;
  row.details = details.json();
  at_.ports.store->save_registration(at_.key, row, at_.next_due(), written());
}

void connection_driver::saw_bad_delivery(std::string external_id) {
  with_known([this, external_id = std::move(external_id)](const result<bool>& found) {
    if (found && *found && at_.known)
      note_bad_delivery(external_id);
  });
}

void connection_driver::note_bad_delivery(const std::string& external_id) {
  bool is_ours = std::ranges::any_of(at_.known->registrations, [&](const registration& one) {
    return !external_id.empty() && one.external_id == external_id;
  });
  if (is_ours)
    follow(choice_.misdelivered(at_.host.now()));
}

void connection_driver::register_again() {
  if (!registers(at_))
    return;
  for (auto& one : at_.known->registrations)
    one.renew_at = at_.host.now();
}

/// A change of how the connection is watched over: kept, told, acted on.
void connection_driver::follow(const std::optional<status_report>& changed) {
  if (!changed || !at_.is_open())
    return;
  auto& row = at_.known->at;
  auto message = sentence_of(*changed, at_.spec.title);
  if (row.status != changed->status || row.cause != changed->cause) {
    row.status = changed->status;
    row.cause = changed->cause;
    row.message = changed->cause.empty() ? std::string{} : message;
    at_.ports.store->save_status(at_.key, row.status, row.cause, row.message, written());
  }
  publish(status_news(at_.key, *changed, std::move(message), {}));
  if (choice_.is_doubted() && choice_.registration_stands())
    register_again();
}

void connection_driver::heard_hub(hub_word word, ending done) {
  with_known([this, word = std::move(word), done = std::move(done)](const result<bool>& found) {
    if (!found)
      return done(found);
    answer_hub(word, done);
  });
}

void connection_driver::answer_hub(const hub_word& word, const ending& done) {
  registration* row = nullptr;
  if (at_.known)
    for (auto& one : at_.known->registrations)
      if (one.external_id == word.topic)
        row = &one;
  bool is_denied = word.mode == "denied";
  if (!is_denied && !websub_wants(row ? std::optional{*row} : std::nullopt, word.mode))
    return done(false);
  if (row == nullptr)
    return done(!is_denied);
  auto now = at_.host.now();
  *row = is_denied ? websub_denied(*row, now)
                   : websub_verified(*row, at_.spec.registration, word.lease, now,
                                     at_.host.chance());
  registration_outcome outcome;
  settled(outcome, !is_denied);
  at_.ports.store->save_registration(at_.key, *row, at_.next_due(),
                                     written([done, is_denied](const result<bool>& kept) {
                                       done(kept ? result<bool>{!is_denied} : kept);
                                     }));
}

// -- the end of a task ------------------------------------------------------------------------------

timestamp connection_driver::next_due() const {
  auto now = at_.host.now();
  auto soonest = now + look_at_least_every;
  if (auto due = tokens_.keeper().due())
    soonest = std::min(soonest, *due);
  if (auto check = choice_.next_check())
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
  registering_ = std::make_unique<registration_round>(
    at_, tokens_,
    registration_round::hooks{[](const registration_outcome&, bool) {},
                              [this] { leave(registering_, [this] { revoke(); }); }});
  registering_->start_removal(removal_patience);
}

/// The last platform of a client takes the whole authorization with it.
void connection_driver::revoke() {
  if (at_.spec.oauth.siblings.empty())
    return send_revocation();
  at_.ports.store->list(
    at_.key.user,
    [this, post = guarded_post()](const result<std::vector<loaded_connection>>& all) {
      const bool others_live
        = all && std::ranges::any_of(*all, [this](const loaded_connection& one) {
            return is_live_sibling(one.at);
          });
      post([this, others_live] { others_live ? revoked() : send_revocation(); });
    });
}

bool connection_driver::is_live_sibling(const connection& other) const {
  const auto& siblings = at_.spec.oauth.siblings;
  return std::ranges::find(siblings, other.platform) != siblings.end()
         && (other.status == connection_status::connected
             || other.status == connection_status::degraded);
}

void connection_driver::send_revocation() {
  auto request = at_.known ? revocation_request(at_.spec, tokens_.keeper().tokens()) : std::nullopt;
  if (!request)
    return revoked();
  // Whatever the platform says, the person's word counts: the tokens are forgotten.
  at_.ports.http->send(std::move(*request),
                       [this, post = guarded_post()](const result<http_response>&) {
                         post([this] { revoked(); });
                       });
}

void connection_driver::revoked() {
  tokens_.gone();
  at_.ports.store->disconnect(at_.key, [this, post = guarded_post()](const result<bool>& done) {
    post([this, done] {
      at_.known.reset();
      status_report report;
      report.status = connection_status::disconnected;
      if (done)
        publish(status_news(
          at_.key, report, at_.spec.title + " is disconnected",
          "disconnected:" + std::to_string(at_.host.now().time_since_epoch().count())));
      finish(done);
    });
  });
}

// -- tokens -----------------------------------------------------------------------------------------

void connection_driver::ended(const token_keeper::end& why, const std::function<void()>& done) {
  auto& row = at_.known->at;
  row.status = connection_status::needs_reauth;
  row.cause = why.cause;
  row.message = why.message;
  status_report report{row.status, choice_.method(), row.cause,
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
