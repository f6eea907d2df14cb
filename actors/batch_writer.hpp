// Collects the events of many users and gives them to the store as one batch: what one turn of the
// thread brought goes together, and whatever comes while a commit is under way makes the next one.
// So an idle node commits at once, and a busy one in groups, without any timer.
#pragma once

#include <cstddef>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

using batch_writer_actor = caf::typed_actor<
  // Stores the items in order; their owner gets append_done.
  caf::reacts_to<append_message>,
  // INTERNAL: starts a commit with what has come.
  caf::reacts_to<atom::flush>,
  // INTERNAL (store's thread): ends a commit.
  caf::reacts_to<commit_done>>;

/// `store` must outlive the actor system.
batch_writer_actor spawn_batch_writer(caf::actor_system& system, std::size_t home,
                                      event_store* store, std::size_t batch_max);

} // namespace lapwing
