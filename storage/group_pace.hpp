// When the next group of jobs is best begun while others are at work. A database syncs one commit after
// the other: a group begun early waits for the sync before it, and what comes in the meantime waits for
// the one after. So groups are begun about as far apart as syncs are, each with all that has come.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace lapwing {

/// Not thread-safe.
class group_pace {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::steady_clock::duration;

  /// Groups that are done sooner are not worth waiting for.
  static constexpr duration shortest = std::chrono::microseconds{1000};
  /// What takes longer (a server that is away) is no measure.
  static constexpr duration longest = std::chrono::milliseconds{10};

  void begun(time_point now) noexcept {
    ++at_work_;
    last_begin_ = now;
  }
  void ended(time_point began, time_point now) noexcept {
    --at_work_;
    const auto took = std::min<duration>(now - began, longest);
    typical_ += (took - typical_) / 8;
  }
  /// Before then the next group is not to be begun, unless it is full or nobody is at work.
  time_point not_before() const noexcept {
    // Three quarters leave the last one for the group's way to the sync.
    return at_work_ == 0 || typical_ < shortest ? time_point::min() : last_begin_ + typical_ * 3 / 4;
  }
  std::size_t at_work() const noexcept { return at_work_; }

private:
  std::size_t at_work_ = 0;
  time_point last_begin_{};
  duration typical_{0};
};

} // namespace lapwing
