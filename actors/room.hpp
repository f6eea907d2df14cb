// The hub of one room, and of the broadcast log: the only writer of its log. It does not know its
// members: each thread's room_relay does, and gets every batch once, however many members it has.
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

using room_actor = log_owner_actor::extend<
  // Stores (unless ephemeral) and hands to the relays; answers the job. errc::rate_limited while the
  // relays are `room_backlog_max` events behind.
  caf::reacts_to<publish_message>,
  // A relay follows from now on; answered by relay_attached, behind which batches come.
  caf::reacts_to<relay_attach>,
  // How far a relay is. With no members left it is forgotten.
  caf::reacts_to<relay_progress>,
  // From the directory: nobody knows you any more, end.
  caf::reacts_to<atom::retire>,
  // INTERNAL (timer): ask for retirement if there is still nothing to do.
  caf::reacts_to<atom::idle>>;

room_actor spawn_room(caf::actor_system& system, std::size_t home, const node_context& env,
                      log_id log);

} // namespace lapwing
