// Whose turn it is: so many jobs at once, a gap between two jobs in the same slot, first come first
// served. Pure: it never waits, it says until when to wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "platforms/limits/forward_clock.hpp"

namespace lapwing {

struct gate_rules {
  std::uint32_t concurrency = 4;           ///< At least 1.
  std::chrono::milliseconds gap_min{2000}; ///< After a job, before the next in its slot.
  std::chrono::milliseconds gap_max{5000};
  std::size_t waiting_max = 100'000;
};

class gate {
public:
  using job_id = std::uint64_t;

  enum class offer_result : std::uint8_t {
    queued,
    already, ///< It waits or is under way; nothing changed.
    full
  };

  struct step {
    std::optional<job_id> job;           ///< Start it, then ask again.
    std::optional<timestamp> wait_until; ///< Ask again then, and after any offer or end of a job.
    // Neither: nobody waits, or every slot is in use. Ask again after an offer or the end of a job.
  };

  explicit gate(gate_rules rules);

  offer_result offer(job_id job, timestamp now);
  step next(timestamp now);
  /// The job is done. `chance` in [0, 1) picks the gap. False: it was not under way.
  bool finished(job_id job, timestamp now, double chance);
  /// Nothing starts before `until`, in place of an earlier such call: the whole application is
  /// throttled, and jobs that could only yield need not start.
  void hold(timestamp until, timestamp now);
  /// Nobody wants the waiting job any more. False: it does not wait (but may be under way).
  bool cancel(job_id job);

  std::size_t waiting() const noexcept { return waiting_.size(); }
  std::size_t under_way() const noexcept { return under_way_.size(); }

private:
  /// From when (in forward time), then in order of arrival.
  using ticket = std::pair<timestamp, std::uint64_t>;

  const gate_rules rules_;
  forward_clock clock_;
  timestamp held_until_{};
  std::uint64_t last_ticket_ = 0;
  std::map<ticket, job_id> waiting_;
  std::unordered_map<job_id, ticket> tickets_; ///< Of those that wait.
  std::unordered_set<job_id> under_way_;
  /// Slots not in use, by when they may be used again.
  std::priority_queue<timestamp, std::vector<timestamp>, std::greater<>> slots_;
};

} // namespace lapwing
