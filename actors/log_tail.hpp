// The live end of one log as a hub holds it: how far the log has come, the last few events, and
// the outlets that follow. It answers the one question of every resume: can this reader go on from
// here without the store?
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "actors/ring_queue.hpp"
#include "core/event.hpp"

namespace lapwing {

struct tail_limits {
  std::size_t events_max = 64;        ///< Guess: two pages of catch-up at 32 each.
  std::size_t bytes_max = 64 * 1024;  ///< Guess: one large webhook must not sit in every user's memory.
};

class log_tail {
public:
  /// `limits` must outlive the tail.
  explicit log_tail(const tail_limits& limits) : limits_(limits) {}

  /// The log's newest number; before `start` 0.
  sequence newest() const noexcept { return newest_; }

  /// Every event with a greater number is here: a reader from there on needs no store.
  sequence complete_after() const noexcept { return complete_after_; }

  /// Where the log stood when this hub began: older events are only in the store.
  void start(sequence newest) noexcept;

  /// Adds stored events, ascending, all newer than `newest`; ephemeral ones (seq 0) are not kept.
  void append(std::span<const event_ptr> events);

  /// All events after `from`, if they are all still here; nothing when the store must be asked.
  /// `from` at or past the newest gives an empty list.
  std::optional<std::vector<event_ptr>> since(sequence from) const;

  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return events_.size(); }

private:
  const tail_limits& limits_;
  sequence newest_ = 0;
  sequence complete_after_ = 0; ///< Every event with a greater number is in `events_`.
  ring_queue<event_ptr> events_;
  std::size_t bytes_ = 0;
};

} // namespace lapwing
