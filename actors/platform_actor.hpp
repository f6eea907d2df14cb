// One user's side of one platform: takes its verified webhooks, holds its rate limit and its books.
//
//   idle -> connected(webhook)    the first delivery came
//
// Polling, tokens and registrations will live here too (states connecting, connected(polling),
// degraded, needs_reauth, disconnected of DESIGN 2).
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"
#include "core/ids.hpp"

namespace lapwing {

struct node_context;

/// Where accepted deliveries go: the user's supervisor.
using delivery_taker_actor = caf::typed_actor<caf::reacts_to<accepted_delivery>>;

using platform_actor = caf::typed_actor<
  // A verified delivery: passed on as accepted_delivery, or answered errc::rate_limited.
  caf::reacts_to<publish_message>,
  // How deliveries ended.
  caf::reacts_to<deliveries_settled>,
  // {"platform","state","method","lastWebhook","deliveries","duplicates","lastError"} as JSON.
  caf::replies_to<inspect_query>::with<fragment>>;

platform_actor spawn_platform_actor(caf::actor_system& system, std::size_t home,
                                    const node_context& env, const user_id& user,
                                    platform_id platform, delivery_taker_actor supervisor);

} // namespace lapwing
