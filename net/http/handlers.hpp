// The handlers that the route table names, and what they share.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "net/auth/principal.hpp"
#include "net/http/exchange.hpp"

namespace lapwing::net {

/// Finds out who asks, counts the request against their rate limit (services and administrators
/// have none), then goes on; or fails the exchange.
void with_principal(const exchange_ptr& x, std::function<void(principal)> then);
/// The same, for callers who may act for the user named by `userId`, or themselves.
void with_user(const exchange_ptr& x, std::function<void(user_id)> then);
/// The same, for the service role.
void with_service(const exchange_ptr& x, std::function<void()> then);

// webhook_routes.cpp
void receive_webhook(const exchange_ptr& x, std::string_view platform, std::string user);
void handle_github_webhook(const exchange_ptr& x);
void handle_slack_webhook(const exchange_ptr& x);
void handle_gmail_webhook(const exchange_ptr& x);
void handle_calendar_webhook(const exchange_ptr& x);
void handle_youtube_webhook(const exchange_ptr& x);
void handle_youtube_challenge(const exchange_ptr& x);
void handle_discord_webhook(const exchange_ptr& x);
void handle_linkedin_webhook(const exchange_ptr& x);
void handle_linkedin_challenge(const exchange_ptr& x);
void handle_custom_webhook(const exchange_ptr& x);
void handle_webhook_health(const exchange_ptr& x);
void handle_submission_update(const exchange_ptr& x);
void handle_submission_status(const exchange_ptr& x);

// stream_routes.cpp
void handle_sse_stream(const exchange_ptr& x);
void handle_websocket(const exchange_ptr& x);
void handle_admin_websocket(const exchange_ptr& x);
void handle_artist_websocket(const exchange_ptr& x);

// realtime_routes.cpp
void handle_realtime_websocket(const exchange_ptr& x);
void handle_realtime_batch(const exchange_ptr& x);
void handle_realtime_broadcast(const exchange_ptr& x);

// send_routes.cpp
void handle_sse_send(const exchange_ptr& x);
void handle_sse_broadcast(const exchange_ptr& x);
void handle_room_send(const exchange_ptr& x);

// user_routes.cpp
void handle_ticket(const exchange_ptr& x);
void handle_put_user(const exchange_ptr& x);
void handle_events(const exchange_ptr& x);
void handle_event(const exchange_ptr& x);
void handle_room_events(const exchange_ptr& x);
void handle_registrations(const exchange_ptr& x);
void handle_monitoring(const exchange_ptr& x);

// connection_routes.cpp
void handle_authorize(const exchange_ptr& x);
void handle_oauth_callback(const exchange_ptr& x);
void handle_connections(const exchange_ptr& x);
void handle_disconnect(const exchange_ptr& x);
void handle_sync(const exchange_ptr& x);
void handle_sync_all(const exchange_ptr& x);
void handle_data(const exchange_ptr& x);
void handle_cron(const exchange_ptr& x);

// service_routes.cpp
void handle_health(const exchange_ptr& x);
void handle_sse_health(const exchange_ptr& x);
void handle_sse_stats(const exchange_ptr& x);
void handle_live(const exchange_ptr& x);
void handle_ready(const exchange_ptr& x);
void handle_metrics(const exchange_ptr& x);
void handle_openapi(const exchange_ptr& x);
void handle_start_page(const exchange_ptr& x);

// admin_routes.cpp
void handle_admin_read(const exchange_ptr& x);
void handle_admin_command(const exchange_ptr& x);

} // namespace lapwing::net
