// What keeps a node that was replaced from writing: it has an epoch, every transaction that writes
// first makes sure that it still counts, and whoever replaces the node waits for those under way and
// leaves none for later (schema: lapwing_hold_fence, lapwing_declare_dead).
#pragma once

#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "storage/node_identity.hpp"

namespace lapwing::postgres {

struct connection_settings;

struct node_fence {
  std::string node;        ///< Its id; empty: nobody fences this one.
  std::int64_t epoch = 0;
};

/// Registers the node with an epoch of its own, and declares all others dead: it is the only one to
/// write from then on. Throws failure.
node_fence take_over(const connection_settings& settings, const node_identity& node);

} // namespace lapwing::postgres
