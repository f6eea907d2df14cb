// Some batches of changes on their way to followers: who of them wants what, one question to the
// database about all of it, and what they are told when its answer is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "actors/realtime/following.hpp"
#include "realtime/change_feed.hpp"

namespace lapwing::realtime {

/// A batch to be told: to all that are live, or again to one.
struct change_job {
  change_batch_ptr batch;
  following_ptr only;
  lsn after = 0; ///< Only what committed after this place.
  std::shared_ptr<void> hold;
};

class change_work {
public:
  /// Takes from `jobs` what one question can ask: batches for the same listeners, at least one.
  change_work(std::uint64_t number, std::deque<change_job>& jobs,
              const std::vector<following_ptr>& followers);

  std::uint64_t number() const noexcept { return number_; }
  /// Nobody wants any of it.
  bool empty() const noexcept { return changes_.empty(); }
  sight_question question() const;
  /// Writes to the sockets; `seen_rows_max` rows are remembered of each follower.
  void tell(const sights& what, std::size_t seen_rows_max);
  /// The database could not be asked: what was in here is lost to them, and they are told.
  void say_reset() const;
  /// It is over: notes how far these followers have been told.
  void note_reached(const std::vector<following_ptr>& followers) const;

private:
  struct asked {
    const row_change* change = nullptr;
    const transaction_part* part = nullptr;
    std::uint64_t batch = 0;
    std::size_t number = 0; ///< In `listener::matching`.
  };
  struct listener {
    following_ptr who;
    std::size_t subject = 0;
    std::vector<bool> matching; ///< By number; empty: nothing is filtered.
  };
  struct rendering;

  void listen(const following_ptr& who, const std::vector<asked>& all, std::vector<bool>& wanted);
  bool wants(const listener& one, const table_interest& interest, const asked& what) const;
  bool hears(const following& who, std::uint64_t batch) const noexcept;
  void tell_one(const listener& one, const sights& what, rendering& cache,
                std::size_t seen_rows_max);

  std::uint64_t number_;
  std::vector<change_job> jobs_;
  std::vector<asked> changes_;
  std::vector<listener> listeners_;
  std::vector<subject> subjects_;
};

/// Tells one follower something about its changes; "reset": some are missing.
void say(const change_follower& who, bool ok, std::string_view text);

} // namespace lapwing::realtime
