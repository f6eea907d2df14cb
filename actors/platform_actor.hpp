// One user's side of one platform: takes its verified webhooks, holds their rate limit and books,
// and is where the user's connection lives (platforms/drive/connection_driver.hpp).
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"
#include "core/ids.hpp"

namespace lapwing {

struct node_context;

/// The user's supervisor: where accepted deliveries and the connection's own events go.
using delivery_taker_actor
  = caf::typed_actor<caf::reacts_to<accepted_delivery>, caf::reacts_to<connection_event>,
                     caf::reacts_to<platform_settled>>;

using platform_actor = caf::typed_actor<
  // A verified delivery: passed on as accepted_delivery, or answered errc::rate_limited.
  caf::reacts_to<publish_message>,
  // Work for the connection; the supervisor gets platform_settled when it is done.
  caf::reacts_to<platform_message>,
  // INTERNAL: an answer of the store, of the platform, or a timer.
  caf::reacts_to<posted_call>,
  // How deliveries ended.
  caf::reacts_to<deliveries_settled>,
  // The connection doctor's document of it, as JSON (docs/routes.md).
  caf::replies_to<inspect_query>::with<fragment>>;

platform_actor spawn_platform_actor(caf::actor_system& system, std::size_t home,
                                    const node_context& env, const user_id& user,
                                    platform_id platform, delivery_taker_actor supervisor);

} // namespace lapwing
