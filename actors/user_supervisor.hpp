// The hub of one active user: the only writer of that user's log, the parent of their platform
// actors, and the live end to which their streams are subscribed. It stays thin: numbering and
// duplicates are event_log, the store's side is log_writer, the recent events log_tail, delivery
// fanout.
//
// It exists while it has work: when nothing is left it asks its directory, which answers `retire`.
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"
#include "actors/platform_actor.hpp"
#include "core/ids.hpp"

namespace lapwing {

struct node_context;

/// log_owner_actor and log_hub_actor, and:
using user_supervisor_actor = log_owner_actor::extend_with<log_hub_actor>::extend<
  // Stores and publishes, or (webhooks) passes to the platform's actor first. Answers the job.
  caf::reacts_to<publish_message>,
  // From a platform actor: to be stored.
  caf::reacts_to<accepted_delivery>,
  // To the platform's actor.
  caf::reacts_to<platform_message>,
  // From a platform actor: stores and publishes an event of the connection. Answers the job.
  caf::reacts_to<connection_event>,
  // From a platform actor: it is done with one platform_message.
  caf::reacts_to<platform_settled>,
  // The user has been made to exist.
  caf::reacts_to<user_created>,
  // From the directory: nobody knows you any more, end.
  caf::reacts_to<atom::retire>,
  // INTERNAL (timer): ask for retirement if there is still nothing to do.
  caf::reacts_to<atom::idle>,
  // The user's tree as JSON ("user"), or their platforms ("registrations", "monitoring").
  caf::replies_to<inspect_query>::with<fragment>>;

/// Retires through `directory_of(home)`. `env` must outlive the actor system.
user_supervisor_actor spawn_user_supervisor(caf::actor_system& system, std::size_t home,
                                            const node_context& env, user_id user);

} // namespace lapwing
