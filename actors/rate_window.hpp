// A sliding-window count for one key, in 24 bytes: the current window's count plus the last one's,
// weighted by how much of it still lies inside the sliding window.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/time.hpp"

namespace lapwing {

class rate_window {
public:
  /// Counts one more if the limit allows it. Otherwise says how long to wait, at least a second.
  /// A limit of 0 allows everything.
  bool take(timestamp now, std::uint64_t limit, std::chrono::milliseconds window,
            std::chrono::seconds& retry_after) noexcept {
    if (limit == 0)
      return true;
    auto index = now.time_since_epoch() / window;
    if (index != index_) {
      previous_ = index == index_ + 1 ? current_ : 0;
      current_ = 0;
      index_ = index;
    }
    auto into = (now.time_since_epoch() % window).count();
    auto left = static_cast<std::uint64_t>(window.count() - into);
    auto weighted = previous_ * left / static_cast<std::uint64_t>(window.count());
    if (current_ + weighted < limit) {
      ++current_;
      return true;
    }
    // At the latest the next window lets some through again.
    retry_after = std::chrono::ceil<std::chrono::seconds>(
      std::chrono::milliseconds{static_cast<std::int64_t>(left)});
    return false;
  }

private:
  std::chrono::milliseconds::rep index_ = -1;
  std::uint64_t current_ = 0;
  std::uint64_t previous_ = 0;
};

} // namespace lapwing
