// The control API of a running simulator: faults, people, truth and counts, as JSON.
#pragma once

#include <string>

#include "core/http_client.hpp"
#include "sim/world.hpp"

namespace lapwing::sim {

/// `request.url` is a path with its query. Anything but these is a 404:
///   GET  /_stats                          everything counted
///   GET  /_users                          people, their accounts and resources
///   GET  /_produced?platform=P&user=U     the truth: every item with its natural key
///   GET  /_push?subscription=ID           push subscriptions and what their browsers read
///   POST /_control {"do":ACTION, ...}     `user` absent: everybody, where that makes sense
///     fault kind=... and the members of parse_fault(), clear_faults
///     revoke, expire_access_tokens, expire_cursors, delete_registrations: platform, user
///     set_rate: platform, user, per_hour; produce: platform, user, count; grant: platform, user
///     add_user: user; verify_addresses: user; rotate_google_key
///     push_subscribe: user, vapid_public_key; push_unsubscribe: subscription;
///     push_online: subscription, online; push_answer: subscription, status, count, retry_after
///     configure: pubsub_push_url, pubsub_audience, pubsub_service_account, slack_events_url,
///                slack_signing_secret, discord_events_url
http_response control(world& of, const http_request& request);

/// The counts as one JSON text.
std::string stats_json(const world& of);

} // namespace lapwing::sim
