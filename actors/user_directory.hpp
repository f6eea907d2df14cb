// One per thread: who is active among the users and rooms whose home this thread is. It brings
// supervisors and rooms into being on demand and lets them go when they ask and nothing is under
// way to them, so that a log never has two writers on a node.
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

using user_directory_actor = caf::typed_actor<
  // To the target's writer (user, room, broadcast), which answers the job.
  caf::reacts_to<publish_message>,
  // To the user's supervisor, which answers.
  caf::replies_to<tail_query>::with<tail_state>,
  // From a relay that begins to follow a room: to the room, which answers the relay.
  caf::reacts_to<relay_attach>,
  // To the user's supervisor, for the platform's actor.
  caf::reacts_to<platform_message>,
  // The user exists now; told to their supervisor if there is one.
  caf::reacts_to<user_created>,
  // A supervisor or room has nothing to do.
  caf::reacts_to<idle_notice>,
  // "users", "rooms": this thread's part of the list, comma separated objects.
  // "user/U", "registrations/U", "monitoring/U": from the supervisor, activated if need be.
  caf::replies_to<inspect_query>::with<fragment>>;

user_directory_actor spawn_user_directory(caf::actor_system& system, std::size_t home,
                                          const node_context& env);

} // namespace lapwing
