// One per thread: delivers the events of every room to that thread's members. To a room it is one
// follower; to a stream it is the hub it joins. What a link between nodes will be to a remote room,
// this is to a room on another thread.
//
//   attaching -> catching_up (only after its room had failed) -> live
//
// A big fan-out runs in slices: between two of them other work of the thread goes on, and what is
// published meanwhile is joined into the next round.
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

/// A page that a relay asked of the store for `log`.
struct relay_page {
  log_id log;
  result<event_range> range = error{};
};

using room_relay_actor = log_hub_actor::extend<
  // From the room: it follows, and where the room stands.
  caf::reacts_to<relay_attached>,
  // From the room: events, in order.
  caf::reacts_to<relay_batch>,
  // INTERNAL: the next slice.
  caf::reacts_to<atom::flush>,
  caf::reacts_to<atom::wake>,
  // INTERNAL (store's thread): what was missed while the room was down.
  caf::reacts_to<relay_page>,
  // INTERNAL (timer): attach again what could not be.
  caf::reacts_to<atom::retry>,
  // "rooms": {"room","members","newest"} objects of this thread, comma separated.
  caf::replies_to<inspect_query>::with<fragment>>;

room_relay_actor spawn_room_relay(caf::actor_system& system, std::size_t home,
                                  const node_context& env);

} // namespace lapwing

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::relay_page)
