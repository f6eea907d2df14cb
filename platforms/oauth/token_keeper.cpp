#include "platforms/oauth/token_keeper.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace lapwing {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// The seeds: looked at every 5 minutes, refreshed when less than 10 are left.
constexpr milliseconds refresh_ahead = 10min;
constexpr milliseconds look_interval = 5min;
/// Tokens that live shorter are refreshed halfway.
constexpr milliseconds short_life = 20min;
/// A token this near to its end is not given out: a request may take 10 s (core/http_client.hpp).
constexpr milliseconds use_margin = 15s;
constexpr milliseconds backoff_min = 5s; // PLATFORMS 3.3
constexpr milliseconds backoff_max = 15min;
/// Guess: an operator needs minutes, and asking sooner tells nothing new.
constexpr milliseconds configuration_backoff_min = 1min;
/// Between refusals that are on no list: an outage that answers nonsense for a quarter of an hour
/// must not disconnect everybody.
constexpr std::array<milliseconds, 2> unknown_backoff{1min, 15min};
/// A refresh noted so long ago has an answer, and that is stored, or neither will ever be: a
/// request may take 10 s (core/http_client.hpp).
constexpr milliseconds answer_wait = 20s;
/// What is held back together must not come back together.
constexpr milliseconds held_spread = 5s;
constexpr milliseconds store_backoff_min = 1s;
constexpr milliseconds store_backoff_max = 30s;
/// A 401 this soon after the refresh that an earlier 401 brought about is definite.
constexpr milliseconds rejection_window = 10min;
constexpr std::array<int, 3> warning_days{14, 3, 1};

/// first * 2^count up to `last`, then between half of it and all of it.
milliseconds backoff(milliseconds first, milliseconds last, std::uint32_t count, double chance) {
  auto delay = first;
  for (std::uint32_t i = 0; i < count && delay < last; ++i)
    delay *= 2;
  delay = std::min(delay, last);
  return delay / 2
         + std::chrono::duration_cast<milliseconds>(delay / 2 * std::clamp(chance, 0.0, 1.0));
}

milliseconds part_of(milliseconds whole, double chance) {
  return std::chrono::duration_cast<milliseconds>(whole * std::clamp(chance, 0.0, 1.0));
}

/// Times near the end of what a timestamp can hold stay there.
timestamp later_by(timestamp at, milliseconds by) {
  return at > timestamp::max() - by ? timestamp::max() : at + by;
}

} // namespace

// What is the case -------------------------------------------------------------------------------

bool token_keeper::refreshable() const {
  return platform_->oauth.refreshable && !tokens_.refresh_token.empty();
}

bool token_keeper::usable(timestamp now) const {
  return !rejected_ && !tokens_.access_token.empty()
         && (!tokens_.expires_at || now < *tokens_.expires_at - use_margin);
}

bool token_keeper::rested(timestamp now) const {
  // A clock that was put back would make the rest longer than it was meant to be.
  return now >= memory_.retry_at || now < memory_.rest_began;
}

std::optional<timestamp> token_keeper::grant_ends() const {
  return grant_end(platform_->oauth, tokens_, granted_at_);
}

std::optional<timestamp> token_keeper::awaited_until(timestamp now) const {
  // A time far in the future is no note of a clock that can be believed.
  if (!began_ || now >= *began_ + answer_wait || now < *began_ - answer_wait)
    return {};
  return *began_ + answer_wait;
}

refresh_note token_keeper::note_of(std::optional<timestamp> began) const {
  return {version_, began_, began, to_text(memory_)};
}

std::optional<token_keeper::trouble_report> token_keeper::trouble() const {
  if (!memory_.failure)
    return {};
  return trouble_report{memory_.failure->kind, memory_.failure->code, memory_.trouble_since,
                        memory_.retry_at};
}

std::optional<timestamp> token_keeper::due() const {
  auto at = timestamp::max();
  switch (phase_) {
    case phase::unloaded:
    case phase::over: return {};
    case phase::resting:
    case phase::save_resting:
    case phase::reload_resting: at = memory_.retry_at; break;
    case phase::idle:
      at = refresh_at_;
      if (!refreshable() && tokens_.expires_at)
        at = std::min(at, *tokens_.expires_at);
      break;
    default: break;
  }
  if (const auto ends = grant_ends())
    for (const int days : warning_days) {
      const bool told = memory_.warned_days != 0 && memory_.warned_days <= days
                        && memory_.warned_end == *ends;
      if (!told)
        at = std::min(at, *ends - std::chrono::days{days});
    }
  return at == timestamp::max() ? std::nullopt : std::optional{at};
}

// The row ----------------------------------------------------------------------------------------

token_keeper::decisions token_keeper::loaded(const connection& row, timestamp now, double chance) {
  decisions out;
  if (row.status == connection_status::needs_reauth
      || row.status == connection_status::disconnected) {
    gone();
    return out;
  }
  const bool news = phase_ == phase::unloaded || phase_ == phase::over
                    || row.token_version != version_;
  if (!news) {
    if (phase_ != phase::reloading && phase_ != phase::reload_resting)
      return out;
    store_failure_count_ = 0;
    const bool others = row.refresh_began && row.refresh_began != began_;
    began_ = row.refresh_began;
    const auto until = awaited_until(now);
    if (!end_cause_.empty() && !(others && until)) {
      finish(out);
      return out;
    }
    // Somebody else asks, and may get the tokens that make ours old; or the store refused our step
    // and yet has what we know: try again, but not at once.
    end_cause_.clear();
    end_message_.clear();
    auto delay = backoff(backoff_min, backoff_max, 0, chance);
    if (!fresh_ && until)
      delay = std::max(delay, *until - now);
    rest(fresh_ ? phase::save_resting : phase::resting, delay, now);
    return out;
  }
  adopt(row, now, chance);
  look_at_grant(now, out);
  if (!refreshable())
    return out;
  if (memory_.failure && !rested(now))
    phase_ = phase::resting; // An earlier keeper failed and knew when to ask again.
  else if (const auto until = awaited_until(now))
    rest(phase::resting, *until - now, now); // Its answer may still come, to somebody else.
  else if (began_)
    // A refresh was sent, perhaps, and its answer is not here. The same token once more; a server
    // that has used it up says so, and that is then the honest end.
    begin(now, false, out);
  return out;
}

void token_keeper::adopt(const connection& row, timestamp now, double chance) {
  ++step_;
  phase_ = phase::idle;
  tokens_ = row.tokens;
  version_ = row.token_version;
  granted_at_ = row.granted_at;
  began_ = row.refresh_began;
  rejected_ = false;
  for_rejection_ = false;
  store_failure_count_ = 0;
  if (!row.refresh_memory.empty())
    memory_ = parse_token_memory(row.refresh_memory);
  if (memory_.version != version_) {
    token_memory fresh;
    fresh.version = version_;
    fresh.warned_days = memory_.warned_days;
    fresh.warned_end = memory_.warned_end;
    memory_ = fresh;
  }
  fresh_.reset();
  end_cause_.clear();
  end_message_.clear();
  schedule(tokens_, {}, now, chance);
}

void token_keeper::schedule(const token_set& tokens, std::optional<timestamp> issued,
                            timestamp now, double chance) {
  const auto& oauth = platform_->oauth;
  refresh_from_ = refresh_at_ = timestamp::max();
  if (!oauth.refreshable || tokens.refresh_token.empty())
    return;
  if (tokens.expires_at) {
    const auto left = *tokens.expires_at - now;
    if (issued && left < short_life) {
      refresh_from_ = now + left / 2;
      refresh_at_ = refresh_from_ + part_of(left / 10, chance);
    } else {
      refresh_from_ = *tokens.expires_at - refresh_ahead;
      refresh_at_ = std::max(now, refresh_from_ + part_of(look_interval, chance));
    }
  }
  if (oauth.keep_alive) {
    const milliseconds every = *oauth.keep_alive;
    // When the last refresh was is not stored. Counting from consent, no two are more than twice
    // `every` apart, which is why that is at most half of what the provider allows.
    const auto next = issued ? later_by(*issued, every - part_of(every / 10, chance))
                             : granted_at_ + every * ((now - granted_at_) / every + 1);
    if (next < refresh_at_)
      refresh_from_ = refresh_at_ = next;
  }
}

token_keeper::decisions token_keeper::load_failed(std::uint64_t step, timestamp now,
                                                  double chance) {
  if (step == step_ && phase_ == phase::reloading)
    rest(phase::reload_resting,
         backoff(store_backoff_min, store_backoff_max, store_failure_count_++, chance), now);
  return {};
}

void token_keeper::gone() {
  ++step_;
  phase_ = phase::over;
  tokens_ = {};
  fresh_.reset();
  memory_ = {};
}

// Somebody needs a token -------------------------------------------------------------------------

token_keeper::need_answer token_keeper::need(timestamp now, decisions& out) {
  const auto use = [&] { return need_answer{verdict::use, tokens_.access_token, version_, {}}; };
  if (phase_ == phase::idle || phase_ == phase::resting) {
    auto due_now = tick(now);
    std::ranges::move(due_now, std::back_inserter(out));
    if (phase_ == phase::idle && !usable(now) && refreshable())
      begin(now, false, out);
  }
  switch (phase_) {
    case phase::idle:
    case phase::noting:
    case phase::asking:
      // Until the answer is there the old token is all there is; a provider that ends it with the
      // rotation says 401, and then `rejected` makes its user wait.
      if (usable(now))
        return use();
      return {verdict::wait, {}, version_, {}};
    case phase::resting:
      if (usable(now))
        return use();
      return {verdict::later, {}, version_, memory_.retry_at};
    case phase::save_resting:
    case phase::reload_resting: return {verdict::later, {}, version_, memory_.retry_at};
    case phase::over: return {verdict::never, {}, version_, {}};
    default: return {verdict::wait, {}, version_, {}};
  }
}

token_keeper::decisions token_keeper::rejected(std::uint64_t version, timestamp now) {
  decisions out;
  const bool steady = phase_ == phase::idle || phase_ == phase::resting;
  if (phase_ == phase::over || phase_ == phase::unloaded || version < version_)
    return out; // There is a newer token already.
  if (version > version_) {
    if (steady)
      emit_reload(out);
    return out;
  }
  rejected_ = true;
  if (phase_ == phase::noting || phase_ == phase::asking)
    for_rejection_ = true;
  if (!steady)
    return out;
  const auto& last = memory_.refreshed_for_rejection;
  const bool just_refreshed = last && now - *last < rejection_window;
  if (!refreshable() || just_refreshed)
    check_with_store("token_rejected",
                     fmt::format("{} no longer accepts the access it gave.", platform_->title),
                     out);
  else if (phase_ == phase::idle)
    begin(now, true, out);
  else
    for_rejection_ = true;
  return out;
}

// Time -------------------------------------------------------------------------------------------

token_keeper::decisions token_keeper::tick(timestamp now) {
  decisions out;
  look_at_grant(now, out);
  switch (phase_) {
    case phase::idle:
      if (!refreshable() && tokens_.expires_at && now >= *tokens_.expires_at)
        expired(out);
      else if (now >= refresh_at_)
        begin(now, false, out);
      break;
    case phase::resting:
      if (rested(now))
        begin(now, for_rejection_, out);
      break;
    case phase::save_resting:
      if (rested(now))
        emit_save(out);
      break;
    case phase::reload_resting:
      if (rested(now))
        emit_reload(out);
      break;
    default: break;
  }
  return out;
}

token_keeper::decisions token_keeper::look(timestamp now) {
  if (phase_ == phase::idle && now >= refresh_from_) {
    decisions out;
    begin(now, false, out);
    return out;
  }
  return tick(now);
}

void token_keeper::begin(timestamp now, bool for_rejection, decisions& out) {
  for_rejection_ = for_rejection;
  phase_ = phase::noting;
  noting_ = now;
  out.emplace_back(note{++step_, note_of(now)});
}

void token_keeper::rest(phase where, milliseconds delay, timestamp now) {
  phase_ = where;
  memory_.rest_began = now;
  memory_.retry_at = now + delay;
}

// What came of it --------------------------------------------------------------------------------

token_keeper::decisions token_keeper::noted(std::uint64_t step, const result<bool>& outcome,
                                            timestamp now, double chance) {
  decisions out;
  if (step != step_ || phase_ != phase::noting)
    return out;
  if (!outcome) {
    if (outcome.error().code == errc::not_found)
      gone();
    else
      rest(phase::resting,
           backoff(store_backoff_min, store_backoff_max, store_failure_count_++, chance), now);
  } else if (!*outcome) {
    emit_reload(out);
  } else {
    store_failure_count_ = 0;
    began_ = noting_;
    phase_ = phase::asking;
    out.emplace_back(ask{++step_, tokens_.refresh_token});
  }
  return out;
}

void token_keeper::held(std::uint64_t step, timestamp until, timestamp now, double chance) {
  if (step != step_ || phase_ != phase::noting)
    return;
  const auto wait = std::clamp<milliseconds>(until - now, milliseconds{0}, backoff_max);
  rest(phase::resting, wait + part_of(std::max(held_spread, wait / 10), chance), now);
}

token_keeper::decisions token_keeper::answered(std::uint64_t step, token_outcome outcome,
                                               timestamp now, double chance) {
  decisions out;
  if (step != step_ || phase_ != phase::asking)
    return out;
  if (const auto* failure = std::get_if<token_failure>(&outcome)) {
    failed(*failure, now, chance, out);
    return out;
  }
  auto& tokens = std::get<token_answer>(outcome).tokens;
  if (tokens.refresh_token.empty())
    tokens.refresh_token = tokens_.refresh_token;
  if (tokens.scopes.empty())
    tokens.scopes = tokens_.scopes; // RFC 6749 6: as before.
  if (!tokens.grant_expires_at)
    tokens.grant_expires_at = tokens_.grant_expires_at;
  fresh_ = std::make_unique<token_set>(std::move(tokens));
  memory_.failure.reset();
  memory_.failure_count = 0;
  memory_.unknown_count = 0;
  schedule(*fresh_, now, now, chance);
  emit_save(out);
  return out;
}

void token_keeper::failed(const token_failure& failure, timestamp now, double chance,
                          decisions& out) {
  if (!memory_.failure)
    memory_.trouble_since = now;
  memory_.failure = failure;
  auto delay = backoff(backoff_min, backoff_max, memory_.failure_count, chance);
  switch (failure.kind) {
    case token_failure_kind::reauthorise:
      check_with_store("grant_ended",
                       fmt::format("{} has ended the authorization ({}).", platform_->title,
                                   failure.code),
                       out);
      return;
    case token_failure_kind::unknown:
      if (memory_.unknown_count >= unknown_backoff.size()) {
        check_with_store("grant_refused",
                         fmt::format("{} refuses to renew the authorization ({}).",
                                     platform_->title, failure.code),
                         out);
        return;
      }
      delay = std::max(delay, backoff(unknown_backoff[memory_.unknown_count],
                                      unknown_backoff[memory_.unknown_count], 0, chance));
      ++memory_.unknown_count;
      break;
    case token_failure_kind::configuration:
      delay = std::max(delay, backoff(configuration_backoff_min, backoff_max,
                                      memory_.failure_count, chance));
      break;
    case token_failure_kind::transient: break;
  }
  // "In a row" is meant: anything else in between was no such refusal.
  if (failure.kind != token_failure_kind::unknown)
    memory_.unknown_count = 0;
  ++memory_.failure_count;
  if (failure.retry_after)
    delay = std::max(delay, *failure.retry_after + part_of(*failure.retry_after / 10, chance));
  rest(phase::resting, delay, now);
  out.emplace_back(remember{note_of(std::nullopt)});
  began_.reset();
}

token_keeper::decisions token_keeper::saved(std::uint64_t step, const result<bool>& outcome,
                                            timestamp now, double chance) {
  decisions out;
  if (step != step_ || phase_ != phase::saving)
    return out;
  if (!outcome) {
    if (outcome.error().code == errc::not_found)
      gone();
    else
      rest(phase::save_resting,
           backoff(store_backoff_min, store_backoff_max, store_failure_count_++, chance), now);
    return out;
  }
  store_failure_count_ = 0;
  if (!*outcome) {
    // Somebody stored first; or an earlier try of ours did get there. The store knows.
    emit_reload(out);
    return out;
  }
  tokens_ = std::move(*fresh_);
  fresh_.reset();
  memory_.version = ++version_;
  ++step_;
  phase_ = phase::idle;
  began_.reset();
  rejected_ = false;
  out.emplace_back(refreshed{version_});
  if (std::exchange(for_rejection_, false)) {
    memory_.refreshed_for_rejection = now;
    out.emplace_back(remember{note_of(std::nullopt)});
  }
  look_at_grant(now, out);
  return out;
}

void token_keeper::emit_save(decisions& out) {
  phase_ = phase::saving;
  const auto due_at = refresh_at_ != timestamp::max()  ? refresh_at_
                      : fresh_->expires_at.has_value() ? *fresh_->expires_at
                                                       : timestamp::max();
  out.emplace_back(save{++step_, version_, *fresh_, due_at});
}

void token_keeper::emit_reload(decisions& out) {
  phase_ = phase::reloading;
  out.emplace_back(reload{++step_});
}

void token_keeper::check_with_store(std::string cause, std::string message, decisions& out) {
  end_cause_ = std::move(cause);
  end_message_ = std::move(message);
  emit_reload(out);
}

void token_keeper::expired(decisions& out) {
  check_with_store("token_expired",
                   fmt::format("The access that {} gave has run out.", platform_->title), out);
}

void token_keeper::finish(decisions& out) {
  end said{std::move(end_cause_),
           end_message_ + " Connect it again to go on; all settings are kept."};
  end_cause_.clear();
  end_message_.clear();
  gone();
  out.emplace_back(std::move(said));
}

void token_keeper::look_at_grant(timestamp now, decisions& out) {
  if (phase_ == phase::over || phase_ == phase::unloaded)
    return;
  const auto ends = grant_ends();
  if (!ends)
    return;
  if (*ends <= now) {
    // Too late for warnings: the next refresh, or the token's own end, will tell.
    memory_.warned_days = warning_days.back();
    memory_.warned_end = *ends;
    return;
  }
  // The end is counted from "remaining seconds" in some answers: it moves a little each time.
  const auto& known = memory_.warned_end;
  const auto moved = *ends > known ? *ends - known : known - *ends;
  if (memory_.warned_days != 0 && moved > std::chrono::days{1})
    memory_.warned_days = 0;
  int within = 0;
  for (const int days : warning_days)
    if (*ends - now <= std::chrono::days{days})
      within = days;
  if (within == 0)
    return;
  const bool told = memory_.warned_days != 0 && memory_.warned_days <= within;
  memory_.warned_end = *ends;
  if (told)
    return;
  memory_.warned_days = within;
  const auto date = std::chrono::floor<std::chrono::days>(*ends).time_since_epoch().count();
  out.emplace_back(warn{*ends, within, fmt::format("grant-end-{}-{}", date, within)});
  // While a note is under way this one is too late, and what was said is known by its key.
  out.emplace_back(remember{note_of(began_)});
}

} // namespace lapwing
