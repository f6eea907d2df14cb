// One per node: lets old events and polled items go, a bounded batch at a time, so that it never holds up commits.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <caf/fwd.hpp>

#include "actors/messages.hpp"

namespace lapwing {

struct retention_settings {
  std::uint64_t count_max = 0;            ///< Per log; 0: no bound.
  std::chrono::milliseconds age_max{0};   ///< 0: no bound.
  std::chrono::milliseconds interval{60'000};
  std::chrono::milliseconds items_age_max{0}; ///< Of polled items; 0: no bound.
  std::vector<stored_kind> kept_kinds{};      ///< Polled items that are kept for good.
};

/// INTERNAL (store's thread): one step has ended.
struct trimmed {
  result<retention_step> step = error{};
};

using retention_actor = caf::typed_actor<
  // INTERNAL (timer): the next step.
  caf::reacts_to<atom::tick>,
  // INTERNAL.
  caf::reacts_to<trimmed>>;

retention_actor spawn_retention(caf::actor_system& system, event_store* store,
                                const wall_clock* clock, retention_settings settings);

} // namespace lapwing

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::trimmed)
