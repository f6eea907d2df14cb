#include "sim/world.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/calendar.hpp"
#include "sim/discord.hpp"
#include "sim/github.hpp"
#include "sim/gmail.hpp"
#include "sim/google.hpp"
#include "sim/linkedin.hpp"
#include "sim/mailgun.hpp"
#include "sim/oauth.hpp"
#include "sim/provider_answers.hpp"
#include "sim/routes.hpp"
#include "sim/slack.hpp"
#include "sim/spotify.hpp"
#include "sim/state.hpp"
#include "sim/web_push.hpp"
#include "sim/websub.hpp"
#include "sim/youtube.hpp"

namespace lapwing::sim {
namespace {

constexpr std::array<std::string_view, 13> delivery_names{
  "github_ping",   "github_event",   "gmail_notice",  "calendar_sync",
  "calendar_change", "websub_verification", "websub_denial", "websub_content",
  "slack_verification", "slack_event", "slack_revoked", "discord_ping",
  "discord_event"};

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  switch (what.where) {
    case platform::github: return github::request_of(state, what);
    case platform::gmail: return gmail::request_of(state, what);
    case platform::calendar: return calendar::request_of(state, what);
    case platform::youtube: return websub::request_of(state, what);
    case platform::slack: return slack::request_of(state, what);
    case platform::discord: return discord::request_of(state, what);
    case platform::spotify:
    case platform::linkedin: break;
  }
  return std::nullopt;
}

void finish(world_state& state, const pending_delivery& what, const http_response* answer) {
  auto& stats = state.stats.of(what.where);
  if (answer != nullptr && answer->status >= 200 && answer->status < 300)
    ++stats.accepted;
  else
    ++stats.failed;
  if (what.copy)
    return;
  switch (what.where) {
    case platform::github: return github::finished(state, what, answer);
    case platform::gmail: return gmail::finished(state, what, answer);
    case platform::calendar: return calendar::finished(state, what, answer);
    case platform::youtube: return websub::finished(state, what, answer);
    case platform::slack: return slack::finished(state, what, answer);
    case platform::discord: return discord::finished(state, what, answer);
    case platform::spotify:
    case platform::linkedin: return;
  }
}

void count(world_state& state, const call& from, const http_response& answer, transport way) {
  auto at = provider_of(from.where);
  auto& stats = state.stats.endpoints[{from.where, from.endpoint}];
  ++stats.calls;
  bool oauth = from.endpoint == "token" || from.endpoint == "authorize"
               || from.endpoint == "revoke" || from.endpoint == "certs";
  if (!oauth)
    ++state.stats.of(from.where).calls;
  if (way != transport::whole || answer.status >= 500)
    ++stats.broken;
  else if (answer.status == 304)
    ++stats.not_modified;
  else if (is_quota(at, answer))
    ++stats.limited;
  else if (answer.status >= 400 || is_hidden_failure(at, from.endpoint, answer))
    ++stats.refused;
  else
    ++stats.good;
}

/// Why the caller may not; nothing when they may.
std::optional<http_response> not_permitted(world_state& state, const route& where,
                                           const call& from) {
  auto at = provider_of(where.where);
  bool token_given = !from.token.empty();
  if (where.who == caller::anyone || (where.who == caller::perhaps_user && !token_given))
    return std::nullopt;
  auto good = oauth::check_access(state, from.token, at, from.now);
  if (!token_given || good != token_state::good) {
    ++state.stats.of(from.where).invalid_tokens;
    return unauthorized(at, good, token_given);
  }
  const auto& which = state.grants.at(from.grant);
  // A GitHub App's tokens have permissions in place of scopes.
  bool permitted = at == provider::github && oauth::expiring(state, which);
  if (!permitted && !oauth::has_scope(which, where.scopes))
    return scope_missing(at, where.scopes);
  return std::nullopt;
}

/// The endpoint itself.
http_response handled(world_state& state, const route& where, call& from) {
  bool counted_by_github = from.host == "api.github.com" && where.who != caller::anyone;
  std::optional<http_response> out;
  if (counted_by_github)
    out = github::admit(state, from);
  if (!out) {
    try {
      out = where.handle(state, from);
    } catch (const nlohmann::json::exception&) {
      // A member of the body has a type that its reader did not expect.
      out = text_answer(400, "Bad Request");
    }
  }
  if (counted_by_github)
    github::finish(state, from, *out);
  return std::move(*out);
}

/// The call as the provider itself answers it: rights, limits, then the endpoint.
http_response served(world_state& state, const route& where, call& from) {
  bool at_discord = where.where == platform::discord;
  if (at_discord && discord::banned(state, from.now))
    return text_answer(429, "<html>You are being rate limited</html>");
  auto refusal = not_permitted(state, where, from);
  auto out = refusal ? std::move(*refusal) : handled(state, where, from);
  if (at_discord)
    discord::count_refused(state, out, from.now);
  return out;
}

} // namespace

void tell_of_item(world_state& state, const account& which) {
  auto index = which.times.size() - 1;
  switch (which.where) {
    case platform::github: return github::produced(state, which, index);
    case platform::gmail: return gmail::produced(state, which, index);
    case platform::calendar: return calendar::produced(state, which, index);
    case platform::youtube: return websub::produced(state, which, index);
    case platform::slack: return slack::produced(state, which, index);
    case platform::spotify:
    case platform::discord:
    case platform::linkedin: return;
  }
}

world::world(world_options options)
  : state_(std::make_unique<world_state>(std::move(options))) {}

world::~world() = default;
world::world(world&&) noexcept = default;
world& world::operator=(world&&) noexcept = default;

sim_answer world::answer(const http_request& request) {
  auto& state = *state_;
  sim_answer out;
  call from;
  from.now = state.now;
  bool readable = parse_call(request, from);
  if (readable && from.host == push_host) {
    out.response = web_push::answer(state, from);
    return out;
  }
  if (readable && mailgun::plays(from.host))
    return mailgun::answer(state, from);
  const route* where = readable ? find_route(from) : nullptr;
  if (where == nullptr) {
    ++state.stats.unknown_addresses;
    out.response = json_answer(404, R"({"message":"Nothing is played at this address"})");
    return out;
  }
  auto at = provider_of(where->where);
  oauth::identify(state, from);
  auto user = state.name_of_person(from.person);
  auto strike = [&](fault_kind first, fault_kind last) {
    return state.faults.empty() ? nullptr
                                : state.faults.strike(first, last, from.where, user,
                                                      from.endpoint, state.now, state.luck);
  };
  if (auto slow = strike(fault_kind::latency, fault_kind::latency))
    out.latency = slow->delay;
  const auto* bad = strike(fault_kind::rate_limit, fault_kind::wrong_json);
  auto kind = bad == nullptr ? fault_kind::latency : bad->kind; // Latency: nothing more.
  if (kind == fault_kind::rate_limit) {
    out.response = rate_limited(at, *bad, state.now);
  } else if (kind == fault_kind::server_error) {
    out.response = server_failed(at, bad->status == 0 ? 503 : bad->status);
  } else if (kind == fault_kind::drop) {
    out.way = transport::broken;
  } else if (kind == fault_kind::hang) {
    out.way = transport::silent;
  } else if (where->registers
             && strike(fault_kind::refuse_registration, fault_kind::refuse_registration)) {
    out.response = registration_refused(*where);
  } else {
    out.response = served(state, *where, from);
    if (kind == fault_kind::lose_answer || kind == fault_kind::half_answer)
      out.way = transport::broken;
    if (kind == fault_kind::lose_answer)
      out.response = {};
    if (kind == fault_kind::half_answer)
      out.response.body.resize(out.response.body.size() / 2);
    if (kind == fault_kind::wrong_json)
      out.response = json_answer(200, R"({"items":[{"id":)");
  }
  count(state, from, out.response, out.way);
  return out;
}

http_response world::handle(const http_request& request) {
  auto out = answer(request);
  return out.way == transport::whole ? std::move(out.response) : empty_answer(502);
}

timestamp world::now() const noexcept { return state_->now; }

void world::advance(timestamp to) {
  auto& state = *state_;
  while (auto which = state.persons.next_item(to)) {
    // Past items of a new person do not turn the clock back.
    state.now = std::max(state.now, from_ms(which->times.back()));
    tell_of_item(state, *which);
  }
  state.now = std::max(state.now, to);
  for (const auto& late : state.deliveries.expired(state.now))
    finish(state, late, nullptr);
}

std::optional<timestamp> world::next_delivery_due() const { return state_->deliveries.next_due(); }

std::optional<timestamp> world::next_due() const {
  auto item = state_->persons.next_due();
  auto delivery = state_->deliveries.next_due();
  if (item && delivery)
    return std::min(*item, *delivery);
  return item ? item : delivery;
}

std::vector<sim_delivery> world::take_deliveries() {
  auto& state = *state_;
  std::vector<sim_delivery> out;
  while (auto what = state.deliveries.take(state.now)) {
    auto user = state.name_of_person(what->person);
    auto& stats = state.stats.of(what->where);
    if (!state.faults.empty()
        && state.faults.strike(fault_kind::lose_delivery, fault_kind::lose_delivery, what->where,
                               user, {}, state.now, state.luck)) {
      ++stats.lost;
      state.deliveries.finish(what->id);
      finish(state, *what, nullptr);
      continue;
    }
    auto request = request_of(state, *what);
    if (!request) { // The registration is gone.
      state.deliveries.finish(what->id);
      continue;
    }
    ++stats.deliveries;
    out.push_back({what->id, what->due, what->where, std::string{user},
                   std::string{delivery_names[static_cast<std::size_t>(what->kind)]},
                   what->attempt, std::move(*request)});
  }
  return out;
}

void world::report(std::uint64_t delivery, const result<http_response>& answer) {
  if (auto what = state_->deliveries.finish(delivery))
    finish(*state_, *what, answer ? &*answer : nullptr);
}

std::size_t world::waiting_deliveries() const noexcept { return state_->deliveries.waiting(); }

result<std::string> world::subscribe_push(const push_wish& wish) {
  return web_push::subscribe(*state_, wish);
}

bool world::change_push(const std::string& id, const push_change& what) {
  return web_push::change(*state_, id, what);
}

std::string world::mail_report(std::uint64_t after) const {
  return mailgun::report_json(*state_, after);
}

std::string world::push_report(std::string_view id) const {
  return web_push::report_json(*state_, id);
}

} // namespace lapwing::sim
