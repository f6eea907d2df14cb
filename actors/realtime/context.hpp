// What the actors of Realtime may use: ports, limits, and the actors that exist once per thread.
// Built by app/node.cpp before the first message; outlives the actors.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "actors/realtime/change_desk.hpp"
#include "actors/realtime/channel_hub.hpp"
#include "core/time.hpp"
#include "realtime/archive.hpp"
#include "realtime/service.hpp"

namespace lapwing::realtime {

struct realtime_context {
  channel_policy* policy = nullptr;
  broadcast_archive* archive = nullptr; ///< Null: nothing is kept.
  const wall_clock* clock = nullptr;
  std::function<std::uint64_t()> random; ///< Any thread.
  socket_limits limits;
  std::size_t backlog_max = 1024; ///< Notes of a channel that members of a thread have not had.
  std::size_t slice = 64;         ///< Members told before other work is let in.
  std::chrono::milliseconds lease{45'000};
  std::chrono::milliseconds silence_max{60'000}; ///< A socket that says nothing for so long ends.
  desk_context desk;                             ///< Its feed is null: no table is live.

  // One for each thread.
  std::vector<channel_hub_actor> hubs;
  std::vector<change_desk_actor> desks; ///< Empty without a feed.

  /// How long a channel waits to hear that the stream of changes runs, and how often it looks.
  std::chrono::milliseconds replication_patience{60'000};
  std::chrono::milliseconds replication_look{500};

  /// Set by whoever hears the feed: the stream of changes runs.
  std::atomic<bool> replicating{false};
  mutable std::atomic<std::uint64_t> sessions_begun{0};
  mutable std::atomic<std::uint64_t> notes_dropped{0};
};

} // namespace lapwing::realtime
