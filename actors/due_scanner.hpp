// Wakes what is due: asks the store, once a scan interval and for each platform, which connections have
// a timer that has come, and sends each to its user's home. Timers are rows, so a node that was away
// fires them late, once. One per node.
#pragma once

#include <chrono>
#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

struct due_scanner_settings {
  std::chrono::milliseconds interval{60'000};
  /// Connections of one platform at work at a time: a platform that is slow, or slowed down by its
  /// limits, delays its own alone. While more are due, the store is asked again each time half of them
  /// are done, not only once an interval.
  std::size_t under_way_max = 1000;
};

using due_scanner_actor = caf::typed_actor<
  // Look now, whatever the clock says (cron routes).
  caf::reacts_to<look_ahead>,
  // INTERNAL (timer).
  caf::reacts_to<atom::tick>,
  // INTERNAL: what the store found.
  caf::reacts_to<due_found>,
  // INTERNAL: a connection that was woken has done what was due.
  caf::reacts_to<task_ended>>;

due_scanner_actor spawn_due_scanner(caf::actor_system& system, const node_context& env,
                                    due_scanner_settings settings);

} // namespace lapwing
