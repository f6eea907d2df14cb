#include "sim/oauth.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/consent_page.hpp"
#include "sim/crypto.hpp"
#include "sim/discord.hpp"
#include "sim/slack.hpp"

namespace lapwing::sim::oauth {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes code_life{10};
constexpr std::size_t google_grants_max = 100; // Per person and client; the oldest dies quietly.
/// Of 8: how often Spotify's answer to a confidential client carries a new refresh token. A guess.
constexpr std::uint64_t spotify_rotations = 2;

std::uint64_t key_of(std::uint32_t person, std::uint32_t app) {
  return std::uint64_t{person} << 32 | app;
}

std::optional<std::uint32_t> find_application(const world_state& state, provider at,
                                              std::string_view client_id) {
  for (std::size_t i = 0; i < state.applications.size(); ++i)
    if (state.applications[i].at == at && state.applications[i].client_id == client_id)
      return static_cast<std::uint32_t>(i);
  return std::nullopt;
}

bool redirect_allowed(const application& app, std::string_view uri) {
  if (!app.redirect_uris.empty())
    return std::find(app.redirect_uris.begin(), app.redirect_uris.end(), uri)
           != app.redirect_uris.end();
  return uri.starts_with("http://127.0.0.1") || uri.starts_with("http://localhost")
         || uri.starts_with("http://[::1]");
}

/// The value of a cookie of that name.
std::string_view cookie(const call& from, std::string_view name) {
  for (auto part : split(from.header("Cookie"), ';')) {
    while (part.starts_with(' '))
      part.remove_prefix(1);
    auto equals = part.find('=');
    if (equals != std::string_view::npos && part.substr(0, equals) == name)
      return part.substr(equals + 1);
  }
  return {};
}

std::string_view name_at_browser(const call& from) {
  for (auto name : {from.query.get("sim_user"), from.query.get("login_hint"),
                    from.query.get("login"), cookie(from, "sim_user"), from.header("X-Sim-User")})
    if (!name.empty())
      return name;
  return {};
}

std::optional<std::uint32_t> person_at_browser(world_state& state, const call& from) {
  if (auto name = name_at_browser(from); !name.empty())
    return state.persons.add(name, state.now);
  if (state.persons.count() == 0)
    return std::nullopt;
  return 0;
}

http_response sent_back(const call& from, std::string_view name, std::string_view value) {
  std::string url{from.query.get("redirect_uri")};
  append_parameter(url, name, value);
  if (auto given = from.query.find("state"))
    append_parameter(url, "state", *given);
  return redirect_answer(std::move(url));
}

std::vector<std::string> requested_scopes(const call& from, provider at, bool& user_token) {
  auto text = from.query.get("scope");
  if (at == provider::slack && text.empty()) {
    text = from.query.get("user_scope");
    user_token = !text.empty();
  }
  std::vector<std::string> out;
  for (auto part : split(text, scope_separator_of(at)))
    out.emplace_back(part);
  return out;
}

struct client {
  std::optional<std::uint32_t> application;
  bool is_public = false;
  std::optional<failure> failed;
};

/// Who asks, by the styles of authentication that the provider takes.
client authenticate(const world_state& state, const call& from, const parameters& form,
                    provider at) {
  auto rules = client_rules_of(at);
  std::string id{form.get("client_id")};
  std::string secret{form.get("client_secret")};
  auto authorization = from.header("Authorization");
  bool basic = authorization.starts_with("Basic ");
  if (basic) {
    auto plain = base64_decoded(authorization.substr(6));
    auto colon = plain ? plain->find(':') : std::string::npos;
    if (!rules.basic || colon == std::string::npos)
      return {std::nullopt, false, failure::unknown_client};
    id = percent_decoded(std::string_view{*plain}.substr(0, colon), false);
    secret = percent_decoded(std::string_view{*plain}.substr(colon + 1), false);
  }
  client out;
  out.application = find_application(state, at, id);
  if (!out.application) {
    out.failed = failure::unknown_client;
  } else if (!basic && secret.empty() && at == provider::spotify) {
    out.is_public = true; // With PKCE no secret is needed.
  } else if ((!basic && !rules.body)
             || state.applications[*out.application].client_secret != secret) {
    out.failed = failure::wrong_secret;
  }
  return out;
}

std::string issue(world_state& state, token_kind kind, std::uint32_t index) {
  const auto& which = state.grants.at(index);
  auto prefix = kind == token_kind::access ? access_prefix(which, expiring(state, which))
                                           : refresh_prefix(which);
  return state.grants.issue(kind, index, prefix, state.now);
}

/// Whether a first answer has a refresh token.
bool gives_refresh_token(const world_state& state, const grant& which, bool offline) {
  switch (which.at) {
    case provider::google: return offline;
    case provider::linkedin: return state.options.linkedin_partner;
    case provider::github:
    case provider::slack: return expiring(state, which);
    case provider::spotify:
    case provider::discord: break;
  }
  return true;
}

void drop_old_codes(world_state& state) {
  while (!state.codes_by_age.empty()) {
    auto found = state.codes.find(state.codes_by_age.front());
    if (found != state.codes.end()) {
      if (found->second.expires_at > state.now)
        return;
      state.codes.erase(found);
    }
    state.codes_by_age.pop_front();
  }
}

http_response exchange(world_state& state, call& from, const parameters& form, provider at,
                       const client& who) {
  auto found = state.codes.find(std::string{form.get("code")});
  if (found == state.codes.end())
    return refused(from, at, failure::bad_code);
  auto& code = found->second;
  auto& which = state.grants.at(code.grant);
  if (which.at != at || which.application != *who.application || code.expires_at <= state.now)
    return refused(from, at, failure::bad_code);
  if (code.used) {
    end_grant(state, code.grant); // RFC 6749 4.1.2.
    return refused(from, at, failure::used_code);
  }
  // GitHub and Slack need no redirect_uri, but one that is there must be the same.
  auto redirect = form.find("redirect_uri");
  bool may_be_missing = at == provider::github || at == provider::slack;
  if (redirect ? *redirect != code.redirect_uri : !may_be_missing)
    return refused(from, at, failure::wrong_redirect);
  auto verifier = form.get("code_verifier");
  // LinkedIn's web flow knows no PKCE: a verifier there is a mismatch.
  bool proof_good = code.challenge.empty()
                      ? verifier.empty() || at != provider::linkedin
                      : base64url(sha256(verifier)) == code.challenge;
  if (!proof_good || (who.is_public && code.challenge.empty()))
    return refused(from, at, failure::wrong_verifier);
  code.used = true;
  which.public_client = who.is_public;
  which.granted_at = state.now;
  which.last_used = state.now;
  ++state.stats.of(which.where).codes_exchanged;
  discord::tell_of_consent(state, which);
  new_tokens tokens;
  tokens.access = issue(state, token_kind::access, code.grant);
  if (gives_refresh_token(state, which, code.offline))
    tokens.refresh = issue(state, token_kind::refresh, code.grant);
  return granted(state, from, which, tokens);
}

/// Whether the answer to a refresh carries a new refresh token.
bool rotates(world_state& state, const grant& which) {
  switch (which.at) {
    case provider::github:
    case provider::slack:
    case provider::discord: return true;
    case provider::spotify: return which.public_client || state.luck.below(8) < spotify_rotations;
    case provider::google:
    case provider::linkedin: break;
  }
  return false;
}

http_response refresh(world_state& state, call& from, const parameters& form, provider at,
                      const client& who) {
  auto facts = state.grants.read(form.get("refresh_token"));
  auto& stats = state.stats.of(from.where);
  ++stats.refreshes;
  auto refuse = [&] {
    ++stats.refreshes_refused;
    return refused(from, at, failure::bad_refresh_token);
  };
  if (!facts || facts->kind != token_kind::refresh)
    return refuse();
  auto& which = state.grants.at(facts->grant);
  if (which.at != at || which.application != *who.application || which.revoked)
    return refuse();
  if (who.is_public && !which.public_client)
    return refused(from, at, failure::wrong_secret);
  if (facts->serial != which.refresh_serial) {
    if (detects_reuse(at)) {
      which.reused = true;
      ++stats.reuse_detected;
      end_grant(state, facts->grant);
    }
    return refuse();
  }
  auto end = refresh_end(state.options, which, *facts);
  if (end && state.now >= *end)
    return refuse();
  which.last_used = state.now;
  new_tokens tokens;
  tokens.refreshed = true;
  tokens.access = issue(state, token_kind::access, facts->grant);
  if (rotates(state, which))
    tokens.refresh = issue(state, token_kind::refresh, facts->grant);
  else if (at == provider::linkedin)
    tokens.refresh = form.get("refresh_token"); // The same again, with what is left of its life.
  if (at == provider::github)
    which.access_serial_min = which.access_serial;
  return granted(state, from, which, tokens);
}

/// Google: what is revoked may be part of a combined authorization; all its scopes go, in the
/// person's other grants to the same application, too.
void revoke_combined(world_state& state, std::uint32_t index) {
  auto gone = state.grants.at(index).scopes;
  const auto& first = state.grants.at(index);
  for (auto other : state.grants_of[key_of(first.person, first.application)]) {
    auto& which = state.grants.at(other);
    std::erase_if(which.scopes, [&](const std::string& scope) {
      return std::find(gone.begin(), gone.end(), scope) != gone.end();
    });
    if (which.scopes.empty())
      end_grant(state, other);
  }
  end_grant(state, index);
}

/// The tokens of a GitHub request: form, query or JSON.
parameters github_parameters(const call& from) {
  if (from.has_form())
    return from.form;
  auto body = json::parse(from.request->body, nullptr, false);
  if (!body.is_object())
    return from.query;
  std::string form = "?";
  for (const auto& [name, value] : body.items())
    if (value.is_string())
      append_parameter(form, name, value.get<std::string>());
  return parameters{form.size() > 1 ? form.substr(2) : form.substr(1)};
}

} // namespace

bool names_person(const call& from) { return !name_at_browser(from).empty(); }

http_response authorize(world_state& state, call& from) {
  auto at = provider_of(from.where);
  auto app = find_application(state, at, from.query.get("client_id"));
  if (!app)
    return text_answer(400, "invalid_client: no such application");
  const auto& rules = state.applications[*app];
  if (!redirect_allowed(rules, from.query.get("redirect_uri")))
    return text_answer(400, "redirect_uri_mismatch: this address is not registered");
  // GitHub and Slack know only this one and do not ask for it.
  bool type_optional = at == provider::github || at == provider::slack;
  auto type = from.query.find("response_type");
  if (type ? *type != "code" : !type_optional)
    return sent_back(from, "error", "unsupported_response_type");
  auto method = from.query.find("code_challenge_method");
  auto challenge = from.query.get("code_challenge");
  if (at == provider::linkedin)
    challenge = {};
  if (!challenge.empty() && (challenge.size() != 43 || !method || *method != "S256"))
    return sent_back(from, "error", "invalid_request");
  bool user_token = false;
  auto scopes = requested_scopes(from, at, user_token);
  bool known = std::all_of(scopes.begin(), scopes.end(),
                           [at](const auto& scope) { return known_scope(at, scope); });
  if (!known || (scopes.empty() && at != provider::github))
    return sent_back(from, "error", "invalid_scope");
  if (state.persons.count() > 0 && wants_consent_page(from))
    return consent_page(state, from);
  auto who = person_at_browser(state, from);
  if (!who)
    return text_answer(400, "nobody lives here yet: add a person first");
  from.person = *who;
  if (from.query.get("deny") == "1")
    return sent_back(from, "error", "access_denied");

  authorization_code code;
  grant fresh;
  fresh.at = at;
  fresh.where = platform_of_scopes(at, scopes, from.where);
  fresh.application = *app;
  fresh.person = *who;
  fresh.user_token = user_token;
  fresh.granted_at = state.now;
  fresh.last_used = state.now;
  from.where = fresh.where;
  auto& earlier = state.grants_of[key_of(*who, *app)];
  if (at == provider::google) {
    // A second refresh token only after a second consent (PLATFORMS 3.1).
    bool agreed_before =
      std::any_of(earlier.begin(), earlier.end(), [&](std::uint32_t index) {
        const auto& which = state.grants.at(index);
        return !which.revoked && which.refresh_serial != 0 && which.where == fresh.where;
      });
    bool asked_again = from.query.get("prompt").find("consent") != std::string_view::npos;
    code.offline = from.query.get("access_type") == "offline" && (asked_again || !agreed_before);
    if (from.query.get("include_granted_scopes") == "true")
      for (auto index : earlier)
        for (const auto& scope : state.grants.at(index).scopes)
          if (!state.grants.at(index).revoked
              && std::find(scopes.begin(), scopes.end(), scope) == scopes.end())
            scopes.push_back(scope);
    auto living = std::count_if(earlier.begin(), earlier.end(), [&](std::uint32_t index) {
      return !state.grants.at(index).revoked;
    });
    if (static_cast<std::size_t>(living) >= google_grants_max)
      for (auto index : earlier)
        if (!state.grants.at(index).revoked) {
          end_grant(state, index);
          break;
        }
  }
  fresh.scopes = std::move(scopes);
  code.grant = state.grants.add(std::move(fresh));
  earlier.push_back(code.grant);
  code.redirect_uri = from.query.get("redirect_uri");
  code.challenge = challenge;
  code.expires_at = state.now + code_life;
  auto text = base62(state.luck.next(), 40);
  drop_old_codes(state);
  state.codes.emplace(text, std::move(code));
  state.codes_by_age.push_back(text);
  ++state.stats.of(from.where).consents;
  return sent_back(from, "code", text);
}

http_response token(world_state& state, call& from) {
  auto at = provider_of(from.where);
  if (!from.has_form() && at != provider::github)
    return refused(from, at, failure::not_a_form);
  auto form = at == provider::github ? github_parameters(from) : from.form;
  auto who = authenticate(state, from, form, at);
  if (who.failed)
    return refused(from, at, *who.failed);
  auto type = form.get("grant_type");
  // GitHub's and Slack's code exchange names no grant type.
  bool type_optional = at == provider::github || at == provider::slack;
  if (type == "refresh_token")
    return form.has("refresh_token") ? refresh(state, from, form, at, who)
                                     : refused(from, at, failure::bad_request);
  if (type == "authorization_code" || (type.empty() && type_optional))
    return form.has("code") ? exchange(state, from, form, at, who)
                            : refused(from, at, failure::bad_request);
  return refused(from, at, failure::unknown_grant_type);
}

http_response revoke(world_state& state, call& from) {
  auto at = provider_of(from.where);
  if (at != provider::google) {
    auto who = authenticate(state, from, from.form, at);
    if (who.failed)
      return refused(from, at, *who.failed);
  }
  auto text = from.form.has("token") ? from.form.get("token") : from.query.get("token");
  auto facts = state.grants.read(text);
  if (!facts || state.grants.at(facts->grant).at != at || state.grants.at(facts->grant).revoked) {
    if (at == provider::google)
      return json_answer(
        400, R"({"error":"invalid_token","error_description":"Token expired or revoked"})");
    return json_answer(200, "{}"); // RFC 7009 2.2.
  }
  ++state.stats.of(state.grants.at(facts->grant).where).revocations;
  if (at == provider::google)
    revoke_combined(state, facts->grant);
  else
    end_grant(state, facts->grant);
  return json_answer(200, "{}");
}

http_response revoke_github(world_state& state, call& from) {
  // The one place where GitHub wants basic authentication.
  auto authorization = from.header("Authorization");
  auto plain = authorization.starts_with("Basic ") ? base64_decoded(authorization.substr(6))
                                                   : std::nullopt;
  auto app = find_application(state, provider::github, from.captured[0]);
  if (!app || !plain
      || *plain
           != state.applications[*app].client_id + ':' + state.applications[*app].client_secret)
    return json_answer(404, R"({"message":"Not Found","status":"404"})");
  auto body = json::parse(from.request->body, nullptr, false);
  if (!body.is_object() || !body.contains("access_token") || !body["access_token"].is_string())
    return json_answer(422, R"({"message":"Validation Failed","status":"422"})");
  auto facts = state.grants.read(body["access_token"].get<std::string>());
  if (!facts || facts->kind != token_kind::access
      || state.grants.at(facts->grant).application != *app || state.grants.at(facts->grant).revoked)
    return json_answer(404, R"({"message":"Not Found","status":"404"})");
  ++state.stats.of(platform::github).revocations;
  end_grant(state, facts->grant);
  return empty_answer(204);
}

http_response revoke_slack(world_state& state, call& from) {
  ++state.stats.of(platform::slack).revocations;
  end_grant(state, from.grant);
  return json_answer(200, R"({"ok":true,"revoked":true})");
}

void identify(const world_state& state, call& from) {
  auto found = [&](std::uint32_t index, bool of_platform) {
    from.grant = index;
    from.person = state.grants.at(index).person;
    if (of_platform)
      from.where = state.grants.at(index).where;
  };
  if (!from.token.empty()) {
    if (auto facts = state.grants.read(from.token))
      found(facts->grant, false);
    return;
  }
  for (auto name : {"refresh_token", "token"})
    if (auto facts = state.grants.read(from.form.get(name)))
      return found(facts->grant, true);
  if (auto code = state.codes.find(std::string{from.form.get("code")}); code != state.codes.end())
    found(code->second.grant, true);
}

token_state check_access(const world_state& state, std::string_view token, provider at,
                         timestamp now) {
  auto facts = state.grants.read(token);
  if (!facts || facts->kind != token_kind::access)
    return token_state::unknown;
  const auto& which = state.grants.at(facts->grant);
  if (which.at != at)
    return token_state::unknown;
  if (which.revoked)
    return token_state::revoked;
  auto life = access_life(state.options, which, expiring(state, which));
  if (facts->serial < which.access_serial_min || (life && facts->issued + *life <= now))
    return token_state::expired;
  return token_state::good;
}

bool has_scope(const grant& which, std::string_view any_of_separated_by_bars) {
  if (any_of_separated_by_bars.empty())
    return true;
  for (auto wanted : split(any_of_separated_by_bars, '|'))
    for (const auto& scope : which.scopes)
      if (scope == wanted
          || (scope.size() > wanted.size() && scope.ends_with(wanted)
              && scope[scope.size() - wanted.size() - 1] == '/'))
        return true;
  return false;
}

bool expiring(const world_state& state, const grant& which) {
  return state.applications[which.application].expiring_tokens;
}

std::uint32_t make_grant(world_state& state, platform where, std::uint32_t person) {
  grant fresh;
  fresh.at = provider_of(where);
  fresh.where = where;
  fresh.person = person;
  fresh.scopes = usual_scopes(where);
  fresh.granted_at = state.now;
  fresh.last_used = state.now;
  for (std::size_t i = 0; i < state.applications.size(); ++i)
    if (state.applications[i].at == fresh.at) {
      fresh.application = static_cast<std::uint32_t>(i);
      break;
    }
  auto app = fresh.application;
  auto index = state.grants.add(std::move(fresh));
  state.grants_of[key_of(person, app)].push_back(index);
  ++state.stats.of(where).consents;
  return index;
}

void end_grant(world_state& state, std::uint32_t index) {
  auto& which = state.grants.at(index);
  if (which.revoked)
    return;
  which.revoked = true;
  slack::tell_of_revocation(state, which);
  discord::tell_of_revocation(state, which);
}

std::optional<std::uint32_t> live_grant(const world_state& state, platform where,
                                        std::uint32_t person) {
  for (auto i = state.grants.count(); i-- > 0;) {
    const auto& which = state.grants.at(i);
    if (which.person == person && which.where == where && !which.revoked)
      return i;
  }
  return std::nullopt;
}

} // namespace lapwing::sim::oauth
