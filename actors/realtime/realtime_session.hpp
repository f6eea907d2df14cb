// One Realtime client: its channels (realtime/socket_channels.hpp, pure), connected to the socket on
// one side and to the thread's channel hub and change desk on the other. It also ends channels whose
// token has expired, and a socket that has not been heard for too long.
#pragma once

#include <cstddef>
#include <memory>

#include <caf/fwd.hpp>

#include "actors/realtime/change_desk.hpp"
#include "actors/realtime/channel_hub.hpp"
#include "actors/realtime/replay_runner.hpp"

namespace lapwing::realtime {

using realtime_session_actor = caf::typed_actor<
  // From the client.
  caf::reacts_to<client_frame>,
  // Answers to its questions.
  caf::reacts_to<token_verdict>, caf::reacts_to<permission_verdict>,
  // From the archive, the hub, and the archive again: see replay_runner.
  caf::reacts_to<replay_found>, caf::reacts_to<member_entered>, caf::reacts_to<replay_page>,
  // A broadcast of the client's was kept, or not.
  caf::reacts_to<broadcast_kept>,
  // The client took what waited.
  caf::reacts_to<atom::drained>,
  // From the change desk: what became of its channel's entries.
  caf::reacts_to<change_notice>,
  // The connection is gone.
  caf::reacts_to<socket_closed>,
  // INTERNAL timer: is anybody there?
  caf::reacts_to<atom::tick>>;

/// On the thread of the socket, which is `home`.
realtime_session_actor spawn_realtime_session(caf::actor_system& system, std::size_t home,
                                              const realtime_context& env, protocol spoken,
                                              identity_ptr own, std::shared_ptr<socket> out);

} // namespace lapwing::realtime
