// One per thread: looks after that thread's open streams. Each gets a heartbeat every
// `streams.heartbeat`, spread evenly over time; a stream whose token has expired or whose peer has
// been silent for two heartbeats is ended. One timer serves all streams of the thread.
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

using stream_keeper_actor = caf::typed_actor<
  // Takes a stream into care until its outlet is closed.
  caf::reacts_to<keep_message>,
  // INTERNAL (timer): the next share of the streams.
  caf::reacts_to<atom::tick>,
  // "sessions", or "sessions/USER": objects of this thread's streams, comma separated.
  // "close-session" with the id in `argument`: {"ok":true,...}, or empty when it is not here.
  caf::replies_to<inspect_query>::with<fragment>>;

stream_keeper_actor spawn_stream_keeper(caf::actor_system& system, std::size_t home,
                                        const node_context& env);

} // namespace lapwing
