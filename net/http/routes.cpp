#include "net/http/routes.hpp"

#include <algorithm>

#include "net/http/handlers.hpp"

namespace lapwing::net {
namespace {

using a = access;
using b = body_rule;
constexpr auto usual = body_size::usual;
constexpr auto github = body_size::github;
constexpr std::string_view stored = "200 400 401 404 413 429 503";

// Literal segments before `{...}` in the same place: the first route that fits is taken.
constexpr route table[] = {
  {verb::post, "/api/webhooks/github/{userId}", a::signature, b::required, github, false,
   handle_github_webhook, "A GitHub delivery, acknowledged once it is durable.", stored},
  {verb::post, "/api/webhooks/slack/{userId}", a::signature, b::required, usual, false,
   handle_slack_webhook, "A Slack Events API request; its url_verification is answered.", stored},
  {verb::post, "/api/webhooks/gmail", a::signature, b::required, usual, false,
   handle_gmail_webhook, "A Gmail notice pushed by Cloud Pub/Sub with its OIDC token.", stored},
  {verb::post, "/api/webhooks/calendar/{userId}", a::signature, b::optional, usual, false,
   handle_calendar_webhook, "A Google Calendar push notification (headers only).", stored},
  {verb::post, "/api/webhooks/youtube/{userId}", a::signature, b::required, usual, false,
   handle_youtube_webhook, "A WebSub delivery of a YouTube channel feed.", stored},
  {verb::get, "/api/webhooks/youtube/{userId}", a::anyone, b::none, usual, false,
   handle_youtube_challenge, "WebSub verification of intent.", "200 404"},
  {verb::post, "/api/webhooks/discord/{userId}", a::signature, b::required, usual, false,
   handle_discord_webhook, "A Discord webhook event or interaction ping.", "200 204 401 404 503"},
  {verb::post, "/api/webhooks/linkedin/{userId}", a::signature, b::required, usual, false,
   handle_linkedin_webhook, "A LinkedIn webhook notification.", stored},
  {verb::get, "/api/webhooks/linkedin/{userId}", a::anyone, b::none, usual, false,
   handle_linkedin_challenge, "LinkedIn's validation challenge.", "200 400"},
  {verb::get, "/api/webhooks/health", a::anyone, b::none, usual, false, handle_webhook_health,
   "Whether webhooks are received, and where.", "200"},
  {verb::get, "/api/webhooks/registrations/{userId}", a::user, b::none, usual, false,
   handle_registrations, "Webhook registrations of a user; no secrets.", "200 401 403"},
  {verb::post, "/api/webhooks/{platform}/{userId}", a::signature, b::required, usual, false,
   handle_custom_webhook, "A delivery of any configured platform, by its configured scheme.",
   stored},

  {verb::get, "/api/sse/stream", a::user, b::none, usual, true, handle_sse_stream,
   "The user's events as server-sent events; resumes after Last-Event-ID.", "200 401 403 429 503"},
  {verb::post, "/api/sse/send", a::service, b::json, usual, false, handle_sse_send,
   "Sends an event to one user.", "202 400 401 403 404 503"},
  {verb::post, "/api/sse/broadcast", a::service, b::json, usual, false, handle_sse_broadcast,
   "Sends an event to everybody.", "202 400 401 403 503"},
  {verb::get, "/api/sse/stats", a::service, b::none, usual, false, handle_sse_stats,
   "Numbers of open streams, users and rooms.", "200 401 403"},
  {verb::get, "/api/sse/health", a::anyone, b::none, usual, false, handle_sse_health,
   "Whether streams are served.", "200"},

  {verb::get, "/ws", a::user, b::none, usual, true, handle_websocket,
   "WebSocket: the user's events; the first message is auth.", "101 401 403 426"},
  {verb::get, "/ws/admin", a::admin, b::none, usual, true, handle_admin_websocket,
   "WebSocket: the room admin.", "101 401 403 426"},
  {verb::get, "/ws/artist/{userId}", a::user, b::none, usual, true, handle_artist_websocket,
   "WebSocket: the room of one artist.", "101 401 403 426"},
  {verb::get, "/realtime/v1/websocket", a::user, b::none, usual, true, handle_realtime_websocket,
   "WebSocket: the Supabase Realtime protocol; `apikey` is a JWT.", "101 400 401 403 426"},
  {verb::get, "/socket/websocket", a::user, b::none, usual, true, handle_realtime_websocket,
   "The same, under the name that Phoenix clients use.", "101 400 401 403 426"},
  {verb::post, "/realtime/v1/api/broadcast", a::user, b::json, github, false,
   handle_realtime_batch, "Broadcasts a batch of messages to Realtime channels.",
   "202 400 401 422 429 503"},
  {verb::post, "/realtime/v1/api/broadcast/{topic}/events/{event}", a::user, b::required, github,
   false, handle_realtime_broadcast, "Broadcasts one payload, JSON or bytes, to a Realtime channel.",
   "202 400 401 403 415 422 429 503"},
  {verb::post, "/api/rooms/{room}/send", a::service, b::json, usual, false, handle_room_send,
   "Sends an event to a room.", "202 400 401 403 503"},
  {verb::get, "/api/rooms/{room}/events", a::user, b::none, usual, false, handle_room_events,
   "What was sent to a room and is stored, oldest first, for whoever may join it.",
   "200 400 401 403"},
  {verb::post, "/webhook/submission-update", a::signature, b::required, usual, false,
   handle_submission_update, "A Supabase database webhook, broadcast to the rooms it concerns.",
   stored},
  {verb::post, "/webhook/submission-status-update", a::signature, b::required, usual, false,
   handle_submission_status,
   "The same of a status change, which is also mailed to the artist.", stored},

  {verb::get, "/api/events", a::user, b::none, usual, false, handle_events,
   "The user's stored events, oldest first.", "200 400 401 403"},
  {verb::get, "/api/events/{id}", a::user, b::none, usual, false, handle_event,
   "One stored event with its whole payload.", "200 401 403 404"},
  {verb::get, "/api/monitoring/status", a::user, b::none, usual, false, handle_monitoring,
   "How each of the user's connections does.", "200 400 401 403"},
  {verb::get, "/api/oauth/{platform}/authorize", a::user, b::none, usual, false, handle_authorize,
   "Sends the browser to the platform to agree; `redirect` is where it goes afterwards.",
   "200 302 401 404 503"},
  {verb::get, "/api/oauth/{platform}/callback", a::anyone, b::none, usual, false,
   handle_oauth_callback, "Where the platform sends the browser back.", "302 400 503"},
  {verb::get, "/api/connections", a::user, b::none, usual, false, handle_connections,
   "The user's connections to platforms; no tokens.", "200 401 403"},
  {verb::delete_, "/api/connections/{platform}", a::user, b::none, usual, false,
   handle_disconnect, "Disconnects a platform: revokes, unregisters, stops.", "204 401 403 404"},
  {verb::post, "/api/connections/sync", a::user, b::optional, usual, false, handle_sync_all,
   "Polls all of the user's platforms now.", "202 401 403"},
  {verb::post, "/api/connections/{platform}/sync", a::user, b::optional, usual, false, handle_sync,
   "Polls one platform now.", "202 401 403 404"},
  {verb::get, "/api/data/{platform}", a::user, b::none, usual, false, handle_data,
   "What polls of a platform brought, newest first.", "200 400 401 403"},
  {verb::post, "/api/cron/{job}", a::operators, b::optional, usual, false, handle_cron,
   "For external schedulers: token-refresh, poll-{platform}; with the cron secret.",
   "200 401 404 503"},
  {verb::get, "/api/cron/{job}", a::operators, b::none, usual, false, handle_cron,
   "The same by GET.", "200 401 404 503"},
  {verb::post, "/api/tickets", a::user, b::json_optional, usual, false, handle_ticket,
   "A single-use ticket for a connection that cannot send a header.", "200 401"},
  {verb::put, "/api/users/{userId}", a::service, b::json_optional, usual, false, handle_put_user,
   "Makes a user exist and names their accounts.", "204 400 401 403 503"},

  {verb::get, "/admin/*", a::admin, b::none, usual, false, handle_admin_read,
   "A document of the admin actor.", "200 401 403 404"},
  {verb::post, "/admin/*", a::admin, b::json_optional, usual, false, handle_admin_command,
   "A command to the admin actor: /admin/{command}/{argument}.", "200 401 403 404"},

  {verb::get, "/health", a::anyone, b::none, usual, false, handle_health,
   "Service status, active WebSocket connections and rooms, features.", "200"},
  {verb::get, "/livez", a::anyone, b::none, usual, false, handle_live, "The process answers.",
   "200"},
  {verb::get, "/readyz", a::anyone, b::none, usual, false, handle_ready,
   "Webhooks can be stored and streamed.", "200 503"},
  {verb::get, "/metrics", a::operators, b::none, usual, false, handle_metrics,
   "Prometheus metrics.", "200 401"},
  {verb::get, "/openapi.json", a::anyone, b::none, usual, false, handle_openapi, "This document.",
   "200"},
  {verb::get, "/", a::anyone, b::none, usual, false, handle_start_page,
   "A page that shows how to connect, with a live stream.", "200"},
};

/// The pieces between slashes of a path that begins with one.
void split(std::string_view path, std::vector<std::string_view>& out) {
  out.clear();
  path.remove_prefix(1);
  for (;;) {
    auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos)
      return;
    path.remove_prefix(slash + 1);
  }
}

std::string_view method_name(verb method) {
  auto text = boost::beast::http::to_string(method);
  return {text.data(), text.size()};
}

} // namespace

std::span<const route> all_routes() noexcept {
  return table;
}

route_table::route_table() {
  for (auto& r : all_routes()) {
    compiled c{&r, {}, r.pattern.ends_with("/*")};
    split(r.pattern, c.segments);
    by_first_segment_[c.segments.front()].push_back(std::move(c));
    names_.push_back(std::string{method_name(r.method)} + ' ' + std::string{r.pattern});
  }
  openapi_ = openapi_document(all_routes());
}

bool route_table::fits(const compiled& c, std::span<const std::string_view> segments,
                       std::string_view path, route_match& match) {
  std::size_t fixed = c.rest ? c.segments.size() - 1 : c.segments.size();
  if (c.rest ? segments.size() <= fixed : segments.size() != fixed)
    return false;
  std::size_t found = 0;
  for (std::size_t i = 0; i < fixed; ++i) {
    if (!c.segments[i].starts_with('{')) {
      if (c.segments[i] != segments[i])
        return false;
    } else if (segments[i].empty()) {
      return false;
    } else {
      match.parameters[found++] = segments[i];
    }
  }
  if (c.rest)
    match.parameters[found] = path.substr(
      static_cast<std::size_t>(segments[fixed].data() - path.data()));
  return true;
}

route_match route_table::match(verb method, std::string_view path) const {
  route_match best;
  if (!path.starts_with('/'))
    return best;
  thread_local std::vector<std::string_view> segments;
  split(path, segments);
  auto group = by_first_segment_.find(segments.front());
  if (group == by_first_segment_.end())
    return best;
  if (method == verb::head)
    method = verb::get;
  std::vector<verb> allowed;
  for (auto& c : group->second) {
    route_match candidate;
    if (!fits(c, segments, path, candidate))
      continue;
    best.path_known = true;
    if (c.source->method == method) {
      best.found = c.source;
      best.index = static_cast<std::size_t>(c.source - all_routes().data());
      best.parameters = candidate.parameters;
      return best;
    }
    if (std::find(allowed.begin(), allowed.end(), c.source->method) == allowed.end())
      allowed.push_back(c.source->method);
  }
  for (auto m : allowed) {
    best.allow += method_name(m);
    best.allow += ", ";
    if (m == verb::get)
      best.allow += "HEAD, ";
  }
  if (best.path_known)
    best.allow += "OPTIONS";
  return best;
}

} // namespace lapwing::net
