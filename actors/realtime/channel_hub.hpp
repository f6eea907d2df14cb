// One per thread: the channels of Supabase Realtime. A hub is two things.
//
//   For every channel that has members on this thread: their list. It tells them what happens, in
//   slices, so that a channel of ten thousand does not hold up the thread.
//   For every channel whose home is this thread: which threads have members, and who is present.
//   Everything that is said in a channel passes through its home, so all members hear it in the
//   same order.
//
//   session -> its thread's hub -> the channel's home -> every hub with members -> sockets
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/realtime/messages.hpp"

namespace lapwing::realtime {

using channel_hub_actor = caf::typed_actor<
  caf::reacts_to<channel_enter>, caf::reacts_to<channel_leave>, caf::reacts_to<channel_presence>,
  caf::reacts_to<channel_publish>, caf::reacts_to<channel_attach>,
  caf::reacts_to<channel_state_query>, caf::reacts_to<channel_track>,
  caf::reacts_to<lease_renewal>, caf::reacts_to<channel_delivery>,
  // INTERNAL: the next slice of the members.
  caf::reacts_to<atom::flush>,
  // INTERNAL timer: renews and ends leases.
  caf::reacts_to<atom::tick>>;

struct realtime_context;

channel_hub_actor spawn_channel_hub(caf::actor_system& system, std::size_t home,
                                    const realtime_context& env);

} // namespace lapwing::realtime
