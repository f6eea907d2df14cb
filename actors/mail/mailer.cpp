#include "actors/mail/mailer.hpp"

#include <algorithm>
#include <utility>

namespace lapwing {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using meaning = mail_verdict::meaning;
using fate = outbox_outcome::fate;

/// A gate that is closed is tried again at least this often, whatever the mails' own back-off.
constexpr milliseconds gate_max = 5min;
constexpr milliseconds gate_sane = 2h;
/// The store is local, and back soon.
constexpr milliseconds store_retry_min = 500ms;
constexpr milliseconds store_retry_max = 30s;
/// What is due but was not given is held by another node's transaction.
constexpr milliseconds held_by_others = 50ms;
/// So many troubles in a row are worth a word when they are over.
constexpr std::uint32_t troubles_told = 3;

/// Both requests of a mail and the write that ends it fit in, unless the store is away.
milliseconds claim_length(const mail_settings& settings) {
  return 3 * settings.timeout + 5s;
}

std::optional<timestamp> sooner(std::optional<timestamp> a, std::optional<timestamp> b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

} // namespace

mailer::mailer(mailer_rules rules, std::function<double()> chance, news_listener tell)
    : rules_(rules), chance_(std::move(chance)), tell_(std::move(tell)) {}

void mailer::configure(mail_settings settings, timestamp now, mailer_orders& out) {
  settings_ = std::move(settings);
  troubles_ = 0;
  closed_until_ = {};
  trouble_.clear();
  refused_ = false;
  look(now, out);
}

void mailer::look(timestamp now, mailer_orders& out) {
  save_what_is_unsaved(now, out);
  if (asking_)
    look_again_ = true;
  else
    next_look_ = now;
  go_on(now, out);
}

void mailer::woken(timestamp now, mailer_orders& out) {
  save_what_is_unsaved(now, out);
  go_on(now, out);
}

std::size_t mailer::room(timestamp now) const {
  // Civil time may have been set back meanwhile: no wait is longer than an hour.
  const bool is_closed = troubles_ > 0 && now < closed_until_ && closed_until_ - now <= gate_sane;
  if (closing_ || !settings_.complete() || is_closed)
    return 0;
  const auto most = troubles_ > 0 ? 1 : rules_.at_once_max;
  return most - std::min(most, flights_.size());
}

void mailer::go_on(timestamp now, mailer_orders& out) {
  const auto limit = room(now);
  const bool is_due = next_look_
                      && (*next_look_ <= now || *next_look_ > now + outbox_store::due_horizon);
  if (asking_ || limit == 0 || !is_due)
    return;
  asking_ = true;
  out.claim = {now + claim_length(settings_), limit};
}

void mailer::claimed(const result<outbox_claims>& found, timestamp now, mailer_orders& out) {
  asking_ = false;
  if (!found) {
    const auto wait = store_retry_min * (1 << std::min(store_failures_++, 6U));
    next_look_ = now + std::min<milliseconds>(wait, store_retry_max);
    return;
  }
  store_failures_ = 0;
  next_look_ = found->next_due;
  if (next_look_ && found->entries.empty()
      && (*next_look_ <= now || *next_look_ > now + outbox_store::due_horizon))
    next_look_ = now + held_by_others;
  if (std::exchange(look_again_, false))
    next_look_ = now;
  for (const auto& entry : found->entries)
    closing_ ? put_back(entry, now, out) : take(entry, now, out);
  go_on(now, out);
}

void mailer::take(const outbox_claim& entry, timestamp now, mailer_orders& out) {
  if (auto held = flights_.find(entry.id); held != flights_.end()) {
    // The claim ran out in our hands. What was asked is still being answered, and what was
    // answered is still to be written down: under the new claim.
    held->second.entry = entry;
    if (held->second.at == phase::settling || held->second.at == phase::unsaved)
      settle(held->second, out);
    return;
  }
  auto& fresh = flights_[entry.id];
  fresh.entry = entry;
  auto what = read_mail(entry.body);
  if (!what)
    return bury(fresh, "unreadable", now, out);
  fresh.what = std::move(*what);
  send(fresh, now, out);
}

void mailer::send(flight& one, timestamp now, mailer_orders& out) {
  if (!one.what.to.empty()) {
    one.at = phase::sending;
    out.send.push_back(
      {one.entry.id, mailgun_request(settings_, one.what, mail_mark(one.entry.key))});
  } else if (settings_.has_directory()) {
    one.at = phase::asking_address;
    out.send.push_back({one.entry.id, directory_request(settings_, one.what.person)});
  } else {
    bury(one, "no_address", now, out);
  }
}

void mailer::answered(std::uint64_t id, const result<http_response>& answer, timestamp now,
                      mailer_orders& out) {
  const auto found = flights_.find(id);
  if (found == flights_.end())
    return;
  auto& one = found->second;
  if (one.at == phase::sending)
    return conclude(one, read_mailgun(answer, now), now, out);
  auto told = read_directory(answer, now);
  if (told.verdict.what != meaning::accepted)
    return conclude(one, told.verdict, now, out);
  one.what.to = std::move(told.address);
  send(one, now, out);
}

void mailer::conclude(flight& one, const mail_verdict& verdict, timestamp now,
                      mailer_orders& out) {
  auto& how = one.outcome;
  how = {fate::sent, true, {}, now, verdict.cause};
  if (verdict.what == meaning::accepted || verdict.what == meaning::refused_it) {
    open_gate(); // Whoever judges a mail works.
    if (verdict.what == meaning::refused_it)
      how.what = fate::dead;
  } else {
    close_gate(verdict, now);
    how.counts = verdict.what == meaning::later;
    const auto attempts = one.entry.attempt_count + (how.counts ? 1 : 0);
    const bool is_over = attempts >= rules_.attempts_max
                         || now - one.entry.queued_at >= rules_.give_up_after;
    how.what = is_over ? fate::dead : fate::again;
    how.due = now
              + std::max(verdict.after.value_or(0ms),
                         back_off(one.entry.attempt_count + 1, rules_.retry_max));
  }
  settle(one, out);
}

/// For whoever is there next.
void mailer::put_back(const outbox_claim& entry, timestamp now, mailer_orders& out) {
  if (flights_.contains(entry.id))
    return take(entry, now, out);
  auto& one = flights_[entry.id];
  one.entry = entry;
  one.outcome = {fate::again, false, now, {}, ""};
  settle(one, out);
}

/// Without having asked anybody.
void mailer::bury(flight& one, std::string cause, timestamp now, mailer_orders& out) {
  one.outcome = {fate::dead, false, {}, now, std::move(cause)};
  settle(one, out);
}

void mailer::settle(flight& one, mailer_orders& out) {
  one.at = phase::settling;
  one.save_again_at.reset();
  out.settle.push_back({one.entry.id, one.entry.claim, one.outcome});
}

void mailer::save_what_is_unsaved(timestamp now, mailer_orders& out) {
  for (auto& [id, one] : flights_)
    if (one.save_again_at && *one.save_again_at <= now)
      settle(one, out);
}

void mailer::settled(std::uint64_t id, std::uint64_t claim, const result<bool>& done,
                     timestamp now, mailer_orders& out) {
  const auto found = flights_.find(id);
  if (found == flights_.end() || found->second.entry.claim != claim)
    return;
  auto& one = found->second;
  if (!done) {
    one.at = phase::unsaved;
    one.told_before = true;
    one.save_again_at = now + store_retry_min;
    return;
  }
  const auto& how = one.outcome;
  // After a settlement of unknown effect a "no" usually means that it had it.
  if (!*done && !one.told_before)
    tell_(mail_news::lost_claim, id, "claim_lost");
  else if (how.what == fate::sent)
    tell_(mail_news::sent, id, how.cause);
  else if (how.what == fate::dead)
    tell_(mail_news::died, id, how.cause);
  else if (!how.cause.empty()) // Else it was put back.
    tell_(mail_news::retried, id, how.cause);
  if (how.what == fate::again && !asking_)
    next_look_ = sooner(next_look_, how.due);
  else if (how.what == fate::again)
    look_again_ = true; // The store may have looked before this was written.
  flights_.erase(found);
  go_on(now, out);
}

void mailer::close_gate(const mail_verdict& verdict, timestamp now) {
  // Others that were under way when it closed tell nothing new.
  if (troubles_ == 0 || now >= closed_until_)
    closed_until_ = now + back_off(++troubles_, std::min(gate_max, rules_.retry_max));
  if (verdict.after)
    closed_until_ = std::max(closed_until_, now + *verdict.after);
  trouble_ = verdict.cause;
  if (verdict.what == meaning::refused_us && !std::exchange(refused_, true))
    tell_(mail_news::we_refused, 0, verdict.cause);
}

void mailer::open_gate() {
  if (refused_ || troubles_ >= troubles_told)
    tell_(mail_news::works_again, 0, trouble_);
  troubles_ = 0;
  closed_until_ = {};
  trouble_.clear();
  refused_ = false;
}

milliseconds mailer::back_off(std::uint32_t failures, milliseconds max) {
  const auto doubled = rules_.retry_min * (1LL << std::min(failures - 1, 20U));
  const auto plain = std::min<milliseconds>(doubled, max);
  // A quarter to either side, so that those who failed together do not come back together.
  return plain * 3 / 4 + milliseconds{static_cast<std::int64_t>(
                           static_cast<double>(plain.count()) * chance_() / 2)};
}

std::optional<timestamp> mailer::wake_at() const {
  std::optional<timestamp> first;
  for (const auto& [id, one] : flights_)
    first = sooner(first, one.save_again_at);
  if (!settings_.complete() || asking_ || !next_look_)
    return first;
  const auto look_at = troubles_ > 0 ? std::max(*next_look_, closed_until_) : *next_look_;
  // With no room, the end of a mail is what wakes.
  return room(look_at) == 0 ? first : sooner(first, look_at);
}

std::string mailer::trouble() const {
  return settings_.complete() ? trouble_ : "not_configured";
}

} // namespace lapwing
