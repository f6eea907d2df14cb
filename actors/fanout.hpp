// The outlets that follow one log on one thread, as a dense array, and the delivery of batches to
// them in slices: between two slices the caller lets other work in, so a room of ten thousand does
// not hold up the thread (docs/adr/0003-cursors-and-delivery.md has what a slice costs).
#pragma once

#include <cstddef>
#include <vector>

#include "actors/outlet.hpp"

namespace lapwing {

class fanout {
public:
  /// Adds an outlet, which must not be in yet.
  void add(outlet_ptr member);
  /// Takes out an outlet that stays open (it left the room). Linear; rare.
  void remove(session_id id);
  /// Says that a member's stream has ended; exactly once for each. Closed outlets are swept out
  /// together, so that a thousand clients that leave at once cost one pass and not a thousand.
  void member_ended();

  /// Members that have not left.
  std::size_t size() const noexcept { return open_count_; }
  /// May hold closed outlets that are not swept yet.
  const std::vector<outlet_ptr>& members() const noexcept { return members_; }

  /// Queues events for delivery; what is queued when a round begins goes out in one write each.
  void push(const std::vector<event_ptr>& events);

  /// Between the slices of one batch.
  bool in_round() const noexcept { return !round_.empty(); }
  bool idle() const noexcept { return round_.empty() && queue_.empty(); }
  std::size_t queued_events() const noexcept { return queue_.size() + round_.size(); }

  /// Serves up to `slice` members. True: there is more to do, call again. `finished_events` counts
  /// events whose round ended with this call; `written` counts deliveries.
  bool step(std::size_t slice, std::size_t& finished_events, std::size_t& written);

private:
  void sweep();

  std::vector<outlet_ptr> members_;
  std::vector<event_ptr> queue_;
  std::vector<event_ptr> round_;
  std::size_t next_ = 0;
  std::size_t open_count_ = 0;
};

} // namespace lapwing
