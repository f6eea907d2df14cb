// The people of a world, what befalls them, and what is known of them.
#include <algorithm>

#include "sim/calendar.hpp"
#include "sim/discord.hpp"
#include "sim/github.hpp"
#include "sim/gmail.hpp"
#include "sim/google.hpp"
#include "sim/linkedin.hpp"
#include "sim/oauth.hpp"
#include "sim/slack.hpp"
#include "sim/spotify.hpp"
#include "sim/state.hpp"
#include "sim/websub.hpp"
#include "sim/world.hpp"
#include "sim/youtube.hpp"

namespace lapwing::sim {
namespace {

/// Every account of that platform and person; "" means everybody's.
template <class Visit>
void for_each_person(world_state& state, std::string_view user, Visit visit) {
  if (user.empty()) {
    for (std::uint32_t i = 0; i < state.persons.count(); ++i)
      visit(i);
  } else if (auto found = state.persons.find(user)) {
    visit(*found);
  }
}

} // namespace

void world::add_user(std::string_view user) {
  state_->persons.add(user, state_->now);
  advance(state_->now);
}

std::vector<std::string> world::users() const {
  std::vector<std::string> out;
  for (std::uint32_t i = 0; i < state_->persons.count(); ++i)
    out.push_back(state_->persons.at(i).name);
  return out;
}

std::string world::consent(std::string_view authorize_url, std::string_view user) {
  add_user(user);
  http_request request;
  request.url = authorize_url;
  append_parameter(request.url, "sim_user", user);
  return std::string{answer(request).response.header("Location")};
}

sim_tokens world::grant(platform where, std::string_view user) {
  add_user(user);
  auto& state = *state_;
  auto index = oauth::make_grant(state, where, *state.persons.find(user));
  const auto& which = state.grants.at(index);
  bool expires = oauth::expiring(state, which);
  sim_tokens out;
  out.scopes = which.scopes;
  out.access =
    state.grants.issue(token_kind::access, index, access_prefix(which, expires), state.now);
  if (auto life = access_life(state.options, which, expires))
    out.expires_at = state.now + *life;
  bool refreshable = which.at == provider::linkedin ? state.options.linkedin_partner
                     : which.at == provider::github || which.at == provider::slack
                       ? expires
                       : true;
  if (refreshable)
    out.refresh = state.grants.issue(token_kind::refresh, index, refresh_prefix(which), state.now);
  return out;
}

void world::set_rate(platform where, std::string_view user, double items_per_hour) {
  for_each_person(*state_, user, [&](std::uint32_t index) {
    state_->persons.set_rate(state_->persons.account_of(index, where), items_per_hour,
                             state_->now);
  });
}

void world::make_items(platform where, std::string_view user, std::size_t count_of_items) {
  add_user(user);
  auto& which = state_->persons.account_of(*state_->persons.find(user), where);
  for (std::size_t i = 0; i < count_of_items; ++i) {
    state_->persons.make_item(which, state_->now);
    tell_of_item(*state_, which);
  }
}

std::vector<produced_item> world::produced(platform where, std::string_view user,
                                           timestamp since) const {
  std::vector<produced_item> out;
  auto index = state_->persons.find(user);
  if (!index)
    return out;
  const auto& who = state_->persons.at(*index);
  const auto& which = who.accounts[index_of(where)];
  switch (where) {
    case platform::spotify: spotify::truth(which, out); break;
    case platform::youtube: youtube::truth(which, out); break;
    case platform::github: github::truth(which, out); break;
    case platform::discord: discord::truth(which, out); break;
    case platform::gmail: gmail::truth(which, out); break;
    case platform::calendar: calendar::truth(*state_, which, out); break;
    case platform::slack: slack::truth(which, out); break;
    case platform::linkedin: linkedin::truth(who, out); break;
  }
  std::erase_if(out, [since](const produced_item& item) { return item.at < since; });
  return out;
}

std::size_t world::produced_count(platform where, std::string_view user) const {
  auto index = state_->persons.find(user);
  return index ? state_->persons.at(*index).accounts[index_of(where)].times.size() : 0;
}

std::string world::account_name(platform where, std::string_view user) const {
  auto index = state_->persons.find(user);
  if (!index)
    return {};
  const auto& who = state_->persons.at(*index);
  switch (where) {
    case platform::github:
    case platform::discord: return who.login;
    case platform::gmail:
    case platform::calendar:
    case platform::linkedin: return gmail::address_of(who);
    case platform::youtube: return youtube::channel_id(who);
    case platform::slack: return slack::team_id(who);
    case platform::spotify: break;
  }
  return who.name;
}

std::vector<std::string> world::resources(platform where, std::string_view user) const {
  std::vector<std::string> out;
  auto index = state_->persons.find(user);
  if (!index)
    return out;
  const auto& who = state_->persons.at(*index);
  switch (where) {
    case platform::github:
      for (std::size_t i = 0; i < github::repository_count; ++i)
        out.push_back(github::repository_name(who, i));
      break;
    case platform::slack: out = slack::channels(who); break;
    case platform::calendar: out.push_back("primary"); break;
    case platform::youtube: out.push_back(youtube::channel_id(who)); break;
    default: break;
  }
  return out;
}

void world::add_fault(fault what) { state_->faults.add(std::move(what)); }

void world::clear_faults() { state_->faults.clear(); }

std::size_t world::revoke_grants(platform where, std::string_view user) {
  auto& state = *state_;
  auto person = state.persons.find(user);
  std::size_t ended = 0;
  for (std::uint32_t i = 0; i < state.grants.count(); ++i) {
    const auto& which = state.grants.at(i);
    if (which.where != where || which.revoked || (!user.empty() && which.person != person))
      continue;
    oauth::end_grant(state, i);
    ++ended;
  }
  return ended;
}

std::size_t world::expire_access_tokens(platform where, std::string_view user) {
  auto& state = *state_;
  auto person = state.persons.find(user);
  std::size_t touched = 0;
  for (std::uint32_t i = 0; i < state.grants.count(); ++i) {
    auto& which = state.grants.at(i);
    if (which.where != where || which.revoked || (!user.empty() && which.person != person))
      continue;
    which.access_serial_min = which.access_serial + 1;
    ++touched;
  }
  return touched;
}

void world::expire_cursors(platform where, std::string_view user) {
  for_each_person(*state_, user, [&](std::uint32_t index) {
    if (where == platform::gmail)
      gmail::expire_history(*state_, index);
    else if (where == platform::calendar)
      calendar::expire_tokens(*state_, index);
  });
}

std::size_t world::delete_registrations(platform where, std::string_view user) {
  std::size_t gone = 0;
  for_each_person(*state_, user, [&](std::uint32_t index) {
    switch (where) {
      case platform::github: gone += github::forget_hooks(*state_, index); break;
      case platform::calendar: gone += calendar::forget_channels(*state_, index); break;
      case platform::youtube: gone += websub::forget(*state_, index); break;
      case platform::gmail: {
        auto& mailbox = state_->mailboxes[index];
        gone += mailbox.watch_until ? 1 : 0;
        mailbox.watch_until.reset();
        break;
      }
      default: break;
    }
  });
  return gone;
}

std::size_t world::registrations(platform where, std::string_view user) const {
  auto& state = *state_;
  std::size_t out = 0;
  for_each_person(state, user, [&](std::uint32_t index) {
    switch (where) {
      case platform::github:
        if (auto found = state.hooks_of.find(index); found != state.hooks_of.end())
          out += found->second.size();
        break;
      case platform::gmail:
        if (auto found = state.mailboxes.find(index); found != state.mailboxes.end())
          out += found->second.watch_until && *found->second.watch_until > state.now ? 1 : 0;
        break;
      case platform::calendar:
        if (auto found = state.channels_of.find(index); found != state.channels_of.end())
          for (auto number : found->second)
            out += state.channels.at(number).expires_at > state.now ? 1 : 0;
        break;
      case platform::youtube:
        if (auto found = state.subscriptions_of.find(index);
            found != state.subscriptions_of.end())
          for (auto number : found->second) {
            const auto& lease = state.subscriptions.at(number).lease_until;
            out += lease && *lease > state.now ? 1 : 0;
          }
        break;
      default: break;
    }
  });
  return out;
}

void world::verify_addresses(std::string_view user) {
  add_user(user);
  auto person = *state_->persons.find(user);
  slack::verify_address(*state_, person);
  discord::verify_address(*state_, person);
}

void world::rotate_google_key() { google::rotate_key(*state_); }

const statistics& world::stats() const noexcept { return state_->stats; }

std::uint64_t world::faults_struck(fault_kind kind) const noexcept {
  return state_->faults.struck(kind);
}

std::size_t world::live_grants(platform where) const {
  std::size_t out = 0;
  for (std::uint32_t i = 0; i < state_->grants.count(); ++i) {
    const auto& which = state_->grants.at(i);
    out += which.where == where && !which.revoked && which.access_serial != 0 ? 1 : 0;
  }
  return out;
}

const world_options& world::options() const noexcept { return state_->options; }

world_options& world::change_options() noexcept { return state_->options; }

const application& world::application_of(platform where) const {
  auto at = provider_of(where);
  // The constructor has seen to it that every provider has one.
  return *std::find_if(state_->applications.begin(), state_->applications.end(),
                       [at](const application& one) { return one.at == at; });
}

std::string world::discord_public_key() const {
  return lower_hex(state_->discord_key->public_key());
}

} // namespace lapwing::sim
