#include <algorithm>
#include <array>

#include "sim/oauth.hpp"

namespace lapwing::sim::oauth {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr seconds spotify_grant_life{15'552'000};   // From the person's consent.
constexpr seconds google_unused_life{15'552'000};   // Since the last use.
constexpr seconds github_refresh_life{15'811'200};  // Of one refresh token.
constexpr hours linkedin_grant_life{365 * 24};
constexpr hours google_testing_life{7 * 24};
constexpr std::string_view google_scopes = "https://www.googleapis.com/auth/";

bool is_one_of(std::string_view scope, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), scope) != all.end();
}

} // namespace

client_rules client_rules_of(provider at) {
  switch (at) {
    case provider::spotify: return {true, false};
    case provider::github:
    case provider::linkedin: return {false, true};
    case provider::google:
    case provider::discord:
    case provider::slack: break;
  }
  return {true, true};
}

char scope_separator_of(provider at) { return at == provider::slack ? ',' : ' '; }

bool known_scope(provider at, std::string_view scope) {
  switch (at) {
    case provider::spotify:
      return is_one_of(scope, {"user-read-recently-played", "user-read-currently-playing",
                               "user-read-playback-state", "user-read-private",
                               "user-read-email", "user-top-read", "user-library-read",
                               "playlist-read-private", "playlist-read-collaborative",
                               "user-follow-read", "user-read-playback-position"});
    case provider::google:
      return scope.starts_with(google_scopes) || is_one_of(scope, {"openid", "email", "profile"});
    case provider::github: return true; // Unknown ones are left out without a word.
    case provider::discord:
      return is_one_of(scope, {"identify", "guilds", "email", "connections", "guilds.join",
                               "guilds.members.read", "bot", "applications.commands"});
    case provider::slack:
      return scope.find(' ') == std::string_view::npos
             && (scope.find(':') != std::string_view::npos
                 || is_one_of(scope, {"commands", "incoming-webhook", "openid", "email",
                                      "profile"}));
    case provider::linkedin:
      return is_one_of(scope, {"openid", "profile", "email", "w_member_social", "r_liteprofile",
                               "r_emailaddress"});
  }
  return false;
}

std::vector<std::string> usual_scopes(platform where) {
  auto google = [](const char* name) {
    return std::vector<std::string>{std::string{google_scopes} + name};
  };
  switch (where) {
    case platform::spotify: return {"user-read-recently-played", "user-read-currently-playing"};
    case platform::youtube: return google("youtube.readonly");
    case platform::gmail: return google("gmail.readonly");
    case platform::calendar: return google("calendar.readonly");
    case platform::github: return {"read:user", "repo", "admin:repo_hook"};
    case platform::discord: return {"identify", "guilds"};
    case platform::slack: return {"channels:history", "channels:read"};
    case platform::linkedin: return {"openid", "profile", "email"};
  }
  return {};
}

platform platform_of_scopes(provider at, const std::vector<std::string>& scopes,
                            platform otherwise) {
  if (at != provider::google)
    return otherwise;
  for (const auto& scope : scopes) {
    if (scope.find("/youtube") != std::string::npos)
      return platform::youtube;
    if (scope.find("/gmail") != std::string::npos)
      return platform::gmail;
    if (scope.find("/calendar") != std::string::npos)
      return platform::calendar;
  }
  return otherwise;
}

std::optional<timestamp> refresh_end(const world_options& options, const grant& which,
                                     const token_facts& facts) {
  switch (which.at) {
    case provider::spotify: return which.granted_at + spotify_grant_life;
    case provider::google:
      return options.google_testing
               ? std::min(which.granted_at + google_testing_life,
                          which.last_used + google_unused_life)
               : which.last_used + google_unused_life;
    case provider::github: return facts.issued + github_refresh_life;
    case provider::linkedin: return which.granted_at + linkedin_grant_life;
    case provider::discord:
    case provider::slack: break;
  }
  return std::nullopt;
}

bool detects_reuse(provider at) { return at == provider::github || at == provider::slack; }

} // namespace lapwing::sim::oauth
