// One SSE or WebSocket client. It finds out where the logs stand that the client follows, says
// `connected`, brings the client up to date from the store, and joins the live ends; after that the
// hubs deliver through the outlet and the session only handles what the client says.
//
//   asking -> joining <-> reading -> live
//
// What it may not do: hold more of a replay than one page. A client that reads slowly is replayed
// slowly; one that does not read while live is cut off by its sink and can resume.
#pragma once

#include <cstddef>
#include <memory>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

using session_actor = caf::typed_actor<
  // From the client, checked and allowed by net.
  caf::reacts_to<client_command>,
  // The socket took what was queued: a replay may go on.
  caf::reacts_to<atom::drained>,
  // The connection is gone.
  caf::reacts_to<stream_closed>,
  // INTERNAL (store's thread): a page of the replay.
  caf::reacts_to<log_page>,
  // INTERNAL (store's thread): how far a log has come that the client is ahead of.
  caf::reacts_to<log_checked>>;

/// To be called on the home thread of `request.user`.
session_actor spawn_session(caf::actor_system& system, std::size_t home, const node_context& env,
                            stream_request request, std::shared_ptr<client_sink> sink);

} // namespace lapwing
