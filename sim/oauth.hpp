// The six authorization servers. The flow is one; what a provider does differently is in
// oauth_rules.cpp (rules) and oauth_answers.cpp (words).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/call.hpp"
#include "sim/grants.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::oauth {

/// A redirect with code and state; with `deny=1` the person says no. Who the person is comes from
/// the first of: the query's `sim_user`, `login_hint`, `login`, the cookie `sim_user`, the header
/// X-Sim-User; without any of them a browser (Accept: text/html) is shown a page to choose on, and
/// for everybody else it is the first person there is.
http_response authorize(world_state& state, call& from);
/// The request says who the person is.
bool names_person(const call& from);
http_response token(world_state& state, call& from);
/// Google, Discord and LinkedIn: `token` in a form.
http_response revoke(world_state& state, call& from);
/// DELETE /applications/{client_id}/token and /grant.
http_response revoke_github(world_state& state, call& from);
/// auth.revoke: the token is its own authentication.
http_response revoke_slack(world_state& state, call& from);

// What the other parts of the world need to know of grants.

/// Whose the request is: by its bearer token, or the code or token in its form.
void identify(const world_state& state, call& from);
/// Sets `from.grant` and `from.person` when it is good.
token_state check_access(const world_state& state, std::string_view token, provider at,
                         timestamp now);
bool has_scope(const grant& which, std::string_view any_of_separated_by_bars);
bool expiring(const world_state& state, const grant& which);
/// As if the person had agreed just now, with the platform's usual scopes. The grant has no tokens.
std::uint32_t make_grant(world_state& state, platform where, std::uint32_t person);
void end_grant(world_state& state, std::uint32_t index);
/// The newest that is not revoked.
std::optional<std::uint32_t> live_grant(const world_state& state, platform where,
                                        std::uint32_t person);

// Rules (oauth_rules.cpp).

struct client_rules {
  bool basic = true;
  bool body = true;
};
client_rules client_rules_of(provider at);
char scope_separator_of(provider at);
bool known_scope(provider at, std::string_view scope);
std::vector<std::string> usual_scopes(platform where);
/// Which of Google's platforms these scopes are for.
platform platform_of_scopes(provider at, const std::vector<std::string>& scopes,
                            platform otherwise);
/// Until when this refresh token may be used; nothing: no end of its own.
std::optional<timestamp> refresh_end(const world_options& options, const grant& which,
                                     const token_facts& facts);
/// Used refresh tokens that come again end the whole family.
bool detects_reuse(provider at);

// Words (oauth_answers.cpp).

enum class failure : std::uint8_t {
  unknown_client,
  wrong_secret,
  bad_request,
  not_a_form,
  bad_code,
  used_code,
  wrong_redirect,
  wrong_verifier,
  bad_refresh_token,
  unknown_grant_type
};
http_response refused(const call& from, provider at, failure why);

struct new_tokens {
  std::string access;
  std::string refresh; ///< "": none in this answer.
  bool refreshed = false;
};
http_response granted(const world_state& state, const call& from, const grant& which,
                      const new_tokens& tokens);

} // namespace lapwing::sim::oauth
