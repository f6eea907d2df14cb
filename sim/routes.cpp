#include "sim/routes.hpp"

#include "sim/calendar.hpp"
#include "sim/discord.hpp"
#include "sim/github.hpp"
#include "sim/gmail.hpp"
#include "sim/google.hpp"
#include "sim/linkedin.hpp"
#include "sim/oauth.hpp"
#include "sim/slack.hpp"
#include "sim/spotify.hpp"
#include "sim/websub.hpp"
#include "sim/youtube.hpp"

namespace lapwing::sim {
namespace {

using enum platform;
using enum caller;

constexpr std::string_view spotify_accounts = "accounts.spotify.com";
constexpr std::string_view spotify_api = "api.spotify.com";
constexpr std::string_view googleapis = "www.googleapis.com";
constexpr std::string_view gmail_api = "gmail.googleapis.com";
constexpr std::string_view github_api = "api.github.com";
constexpr std::string_view discord_com = "discord.com";
constexpr std::string_view slack_com = "slack.com";
constexpr std::string_view linkedin_com = "www.linkedin.com";

constexpr std::string_view played = "user-read-recently-played";
constexpr std::string_view playing = "user-read-currently-playing|user-read-playback-state";
constexpr std::string_view youtube_read = "youtube.readonly|youtube|youtube.force-ssl";
constexpr std::string_view gmail_read = "gmail.readonly|gmail.metadata|gmail.modify";
constexpr std::string_view calendar_read =
  "calendar.readonly|calendar|calendar.events|calendar.events.readonly";
constexpr std::string_view hook_admin = "admin:repo_hook|write:repo_hook|repo";
constexpr std::string_view hook_read = "admin:repo_hook|write:repo_hook|read:repo_hook|repo";
constexpr std::string_view slack_history =
  "channels:history|groups:history|im:history|mpim:history";

constexpr std::string_view hooks = "/repos/*/*/hooks";
constexpr std::string_view hook = "/repos/*/*/hooks/*";
constexpr std::string_view deliveries = "/repos/*/*/hooks/*/deliveries";

const route routes[] = {
  {"GET", spotify_accounts, "/authorize", spotify, "authorize", anyone, "", false,
   oauth::authorize},
  {"POST", spotify_accounts, "/api/token", spotify, "token", anyone, "", false, oauth::token},
  {"GET", spotify_api, "/v1/me/player/recently-played", spotify, "recently_played", user, played,
   false, spotify::recently_played},
  {"GET", spotify_api, "/v1/me/player/currently-playing", spotify, "currently_playing", user,
   playing, false, spotify::currently_playing},
  {"GET", spotify_api, "/v1/me", spotify, "me", user, "", false, spotify::me},

  {"GET", "accounts.google.com", "/o/oauth2/v2/auth", youtube, "authorize", anyone, "", false,
   oauth::authorize},
  {"POST", "oauth2.googleapis.com", "/token", youtube, "token", anyone, "", false, oauth::token},
  {"POST", "oauth2.googleapis.com", "/revoke", youtube, "revoke", anyone, "", false, oauth::revoke},
  {"GET", googleapis, "/oauth2/v3/certs", gmail, "certs", anyone, "", false, google::certificates},
  {"GET", googleapis, "/youtube/v3/videos", youtube, "liked_videos", user, youtube_read, false,
   youtube::videos},
  {"GET", googleapis, "/youtube/v3/channels", youtube, "channels_mine", user, youtube_read, false,
   youtube::channels},
  {"GET", googleapis, "/youtube/v3/playlistItems", youtube, "playlist_items", user, youtube_read,
   false, youtube::playlist_items},
  {"GET", googleapis, "/youtube/v3/activities", youtube, "activities", user, youtube_read, false,
   youtube::activities},
  {"POST", "pubsubhubbub.appspot.com", "/subscribe", youtube, "websub", anyone, "", true,
   websub::subscribe},

  {"GET", gmail_api, "/gmail/v1/users/*/profile", gmail, "profile", user, gmail_read, false,
   gmail::profile},
  {"GET", gmail_api, "/gmail/v1/users/*/history", gmail, "history", user, gmail_read, false,
   gmail::history},
  {"GET", gmail_api, "/gmail/v1/users/*/messages", gmail, "messages", user, gmail_read, false,
   gmail::messages},
  {"GET", gmail_api, "/gmail/v1/users/*/messages/*", gmail, "message", user, gmail_read, false,
   gmail::message},
  {"POST", gmail_api, "/gmail/v1/users/*/watch", gmail, "watch", user, gmail_read, true,
   gmail::watch},
  {"POST", gmail_api, "/gmail/v1/users/*/stop", gmail, "stop", user, gmail_read, false,
   gmail::stop},

  {"GET", googleapis, "/calendar/v3/calendars/*/events", calendar, "events", user, calendar_read,
   false, calendar::events},
  {"POST", googleapis, "/calendar/v3/calendars/*/events/watch", calendar, "watch", user,
   calendar_read, true, calendar::watch},
  {"POST", googleapis, "/calendar/v3/channels/stop", calendar, "stop", user, calendar_read, false,
   calendar::stop},
  {"GET", googleapis, "/calendar/v3/users/me/calendarList", calendar, "calendar_list", user,
   calendar_read, false, calendar::calendar_list},

  {"GET", "github.com", "/login/oauth/authorize", github, "authorize", anyone, "", false,
   oauth::authorize},
  {"POST", "github.com", "/login/oauth/access_token", github, "token", anyone, "", false,
   oauth::token},
  {"DELETE", github_api, "/applications/*/token", github, "revoke", anyone, "", false,
   oauth::revoke_github},
  {"DELETE", github_api, "/applications/*/grant", github, "revoke", anyone, "", false,
   oauth::revoke_github},
  {"GET", github_api, "/user", github, "user", user, "", false, github::user},
  {"GET", github_api, "/user/repos", github, "user_repos", user, "", false,
   github::user_repositories},
  {"GET", github_api, "/users/*/events", github, "user_events", perhaps_user, "", false,
   github::user_events},
  {"GET", github_api, "/user/*/events", github, "user_events", perhaps_user, "", false,
   github::user_events},
  {"POST", github_api, hooks, github, "create_hook", user, hook_admin, true, github::create_hook},
  {"GET", github_api, hooks, github, "list_hooks", user, hook_read, false, github::list_hooks},
  {"GET", github_api, hook, github, "get_hook", user, hook_read, false, github::get_hook},
  {"PATCH", github_api, hook, github, "patch_hook", user, hook_admin, true, github::patch_hook},
  {"DELETE", github_api, hook, github, "delete_hook", user, hook_admin, false, github::delete_hook},
  {"POST", github_api, "/repos/*/*/hooks/*/pings", github, "ping_hook", user, hook_read, false,
   github::ping_hook},
  {"POST", github_api, "/repos/*/*/hooks/*/tests", github, "ping_hook", user, hook_read, false,
   github::ping_hook},
  {"GET", github_api, deliveries, github, "list_deliveries", user, hook_read, false,
   github::list_deliveries},
  {"GET", github_api, "/repos/*/*/hooks/*/deliveries/*", github, "get_delivery", user, hook_read,
   false, github::get_delivery},
  {"POST", github_api, "/repos/*/*/hooks/*/deliveries/*/attempts", github, "redeliver", user,
   hook_admin, false, github::redeliver},

  {"GET", discord_com, "/oauth2/authorize", discord, "authorize", anyone, "", false,
   oauth::authorize},
  {"POST", discord_com, "/api/oauth2/token", discord, "token", anyone, "", false, oauth::token},
  {"POST", discord_com, "/api/oauth2/token/revoke", discord, "revoke", anyone, "", false,
   oauth::revoke},
  {"GET", discord_com, "/api/v10/users/@me", discord, "me", user, "identify", false, discord::me},
  {"GET", discord_com, "/api/v10/users/@me/guilds", discord, "guilds", user, "guilds", false,
   discord::guilds},

  {"GET", slack_com, "/oauth/v2/authorize", slack, "authorize", anyone, "", false,
   oauth::authorize},
  {"POST", slack_com, "/api/oauth.v2.access", slack, "token", anyone, "", false, oauth::token},
  {"POST", slack_com, "/api/auth.revoke", slack, "revoke", user, "", false, oauth::revoke_slack},
  {"GET", slack_com, "/api/auth.revoke", slack, "revoke", user, "", false, oauth::revoke_slack},
  {"GET", slack_com, "/api/auth.test", slack, "auth_test", user, "", false, slack::auth_test},
  {"POST", slack_com, "/api/auth.test", slack, "auth_test", user, "", false, slack::auth_test},
  {"GET", slack_com, "/api/conversations.history", slack, "history", user, slack_history, false,
   slack::history},
  {"POST", slack_com, "/api/conversations.history", slack, "history", user, slack_history, false,
   slack::history},
  {"GET", slack_com, "/api/conversations.list", slack, "channels", user, "channels:read", false,
   slack::list_channels},
  {"POST", slack_com, "/api/conversations.list", slack, "channels", user, "channels:read", false,
   slack::list_channels},
  {"GET", slack_com, "/api/users.conversations", slack, "channels", user, "channels:read", false,
   slack::list_channels},

  {"GET", linkedin_com, "/oauth/v2/authorization", linkedin, "authorize", anyone, "", false,
   oauth::authorize},
  {"POST", linkedin_com, "/oauth/v2/accessToken", linkedin, "token", anyone, "", false,
   oauth::token},
  {"POST", linkedin_com, "/oauth/v2/revoke", linkedin, "revoke", anyone, "", false, oauth::revoke},
  {"GET", "api.linkedin.com", "/v2/userinfo", linkedin, "userinfo", user, "openid|profile", false,
   linkedin::userinfo},
};

/// The number of captured segments, -1 when the path does not fit.
int match(std::string_view pattern, std::string_view path,
          std::array<std::string_view, 4>& captured) {
  int count = 0;
  while (!pattern.empty() && !path.empty()) {
    if (pattern.front() == '*') {
      auto end = std::min(path.find('/'), path.size());
      if (end == 0 || count == 4)
        return -1;
      captured[static_cast<std::size_t>(count++)] = path.substr(0, end);
      path.remove_prefix(end);
      pattern.remove_prefix(1);
    } else if (pattern.front() == path.front()) {
      pattern.remove_prefix(1);
      path.remove_prefix(1);
    } else {
      return -1;
    }
  }
  return pattern.empty() && path.empty() ? count : -1;
}

} // namespace

const route* find_route(call& from) {
  // %40 and @ are the same in "@me".
  std::string plain;
  auto path = from.path;
  if (from.host == discord_com && path.find('%') != std::string_view::npos) {
    plain = percent_decoded(path, false);
    path = plain;
  }
  std::array<std::string_view, 4> captured;
  for (const auto& one : routes) {
    if (one.host != from.host || one.method != from.method)
      continue;
    auto count = match(one.pattern, path, captured);
    if (count < 0)
      continue;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      from.captured[i] = percent_decoded(captured[i], false);
    from.where = one.where;
    from.endpoint = one.endpoint;
    return &one;
  }
  return nullptr;
}

} // namespace lapwing::sim
