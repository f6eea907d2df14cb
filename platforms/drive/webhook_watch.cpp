#include "platforms/drive/webhook_watch.hpp"

#include <algorithm>
#include <utility>

#include "platforms/drive/connection_news.hpp"
#include "platforms/drive/registration_round.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// The time of the last delivery is for people: it need not cost a write each time.
constexpr auto delivery_noted_every = 10min;

} // namespace

webhook_watch::webhook_watch(driven_connection& of, hooks calls)
    : of_(of), calls_(std::move(calls)), choice_(means_of(of.spec), of.host.now()) {}

void webhook_watch::adopt() {
  auto now = of_.host.now();
  choice_ = method_choice{means_of(of_.spec), now};
  const auto& row = of_.known->at;
  choice_.restore(worst_of(of_.known->registrations, now), row.cause, now);
  bool is_settled = row.status == connection_status::needs_reauth
                    || (row.status == choice_.report().status
                        && row.cause == choice_.report().cause);
  if (!is_settled)
    follow(choice_.report());
}

void webhook_watch::check() { follow(choice_.check(of_.host.now())); }

bool webhook_watch::covers(const endpoint_spec& endpoint) const {
  return std::ranges::find(of_.spec.webhook.covers, endpoint.id) != of_.spec.webhook.covers.end();
}

void webhook_watch::registrations_changed(const std::string& remedy) {
  auto now = of_.host.now();
  auto state = worst_of(of_.known->registrations, now);
  follow(choice_.registered(state.status, state.cause, remedy, state.last_delivery, now));
}

void webhook_watch::settled(const registration_outcome& outcome, bool is_new) {
  registrations_changed(outcome.remedy);
  if (!is_new)
    return;
  // Between the last poll and the first delivery something may have happened: read once more.
  for (auto& poll : of_.known->polls)
    for (const auto& id : of_.spec.webhook.covers)
      if ((poll.endpoint == id || poll.endpoint.starts_with(id + '|')) && poll.last_poll)
        poll.due = of_.host.now();
}

void webhook_watch::hook_missing() { registrations_changed({}); }

void webhook_watch::found_news(std::optional<timestamp> before) {
  follow(choice_.found_news(of_.host.now(), before));
  note_news();
}

/// So that a doubt ripens although nobody keeps it in mind.
void webhook_watch::note_news() {
  const auto& news = choice_.unexplained_news();
  if (!news || of_.known->registrations.empty())
    return;
  auto& row = of_.known->registrations.front();
  auto details = registration_details::of(row);
  if (details.news_at == news)
    return;
  details.news_at = news;
  row.details = details.json();
  save(row);
}

void webhook_watch::delivered(timestamp when) {
  if (means_of(of_.spec).has_webhook)
    follow(choice_.delivered(when));
  auto& all = of_.known->registrations;
  bool is_ours = of_.spec.registration.style != registration_style::none;
  if (all.empty() && is_ours)
    return; // Somebody made that hook by hand.
  // One of them stands for all: which of them it was for is not told.
  auto& row = all.empty() ? of_.registration_of("") : all.front();
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
  save(row);
}

void webhook_watch::misdelivered(const std::string& external_id) {
  bool is_ours = std::ranges::any_of(of_.known->registrations, [&](const registration& one) {
    return !external_id.empty() && one.external_id == external_id;
  });
  if (is_ours)
    follow(choice_.misdelivered(of_.host.now()));
}

void webhook_watch::answer_hub(const hub_word& word,
                               const std::function<void(result<bool>)>& done) {
  registration* row = nullptr;
  if (of_.known)
    for (auto& one : of_.known->registrations)
      if (one.external_id == word.topic)
        row = &one;
  bool is_denied = word.mode == "denied";
  if (!is_denied && !websub_wants(row ? std::optional{*row} : std::nullopt, word.mode))
    return done(false);
  if (row == nullptr)
    return done(!is_denied);
  auto now = of_.host.now();
  *row = is_denied ? websub_denied(*row, now)
                   : websub_verified(*row, of_.spec.registration, word.lease, now,
                                     of_.host.chance());
  settled({}, !is_denied);
  save(*row, [done, is_denied](const result<bool>& kept) {
    done(kept ? result<bool>{!is_denied} : kept);
  });
}

void webhook_watch::save(const registration& row, written then) {
  of_.ports.store->save_registration(of_.key, row, of_.next_due(), calls_.write(std::move(then)));
}

void webhook_watch::register_again() {
  if (!registers(of_))
    return;
  for (auto& one : of_.known->registrations)
    one.renew_at = of_.host.now();
}

/// A change of how the connection is watched over: kept, told, acted on.
void webhook_watch::follow(const std::optional<status_report>& changed) {
  if (!changed || !of_.is_open())
    return;
  auto& row = of_.known->at;
  auto message = sentence_of(*changed, of_.spec.title);
  if (row.status != changed->status || row.cause != changed->cause) {
    row.status = changed->status;
    row.cause = changed->cause;
    row.message = changed->cause.empty() ? std::string{} : message;
    of_.ports.store->save_status(of_.key, row.status, row.cause, row.message, calls_.write({}));
  }
  calls_.publish(status_news(of_.key, *changed, std::move(message), {}));
  if (choice_.is_doubted() && choice_.registration_stands())
    register_again();
}

} // namespace lapwing
