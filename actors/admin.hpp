// One per node: what operators ask. It collects from the threads' directories, relays and keepers,
// and from the census; nothing is kept for it, so it costs nothing while nobody asks. The same
// questions reach it over HTTP (/admin/*), from `lapwing admin`, and from other nodes.
#pragma once

#include <functional>
#include <string>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

/// What only the node itself knows.
struct node_facts {
  std::string id;
  std::string address;
  std::string version;
  std::function<bool(std::string&)> ready;
  /// Sets the log level; false when there is no such level.
  std::function<bool(const std::string&)> set_log_level;
};

using admin_actor = caf::typed_actor<
  // A question or command from outside; answered through the job.
  caf::reacts_to<inspect_message>,
  // The same from another actor: paths of engine::inspect, verbs of engine::command.
  caf::replies_to<inspect_query>::with<fragment>>;

admin_actor spawn_admin(caf::actor_system& system, const node_context& env, node_facts facts);

} // namespace lapwing
