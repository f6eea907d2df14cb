// Counting calls in windows, as providers do.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/time.hpp"

namespace lapwing::sim {

/// So many in each fixed window. The window begins with its first call.
class window_counter {
public:
  /// True when this call fits; it is counted then. A maximum of 0 means no limit.
  bool take(timestamp now, std::chrono::milliseconds window, std::uint32_t maximum) {
    if (now >= end_) {
      end_ = now + window;
      used_ = 0;
    }
    if (maximum != 0 && used_ >= maximum)
      return false;
    ++used_;
    return true;
  }
  /// Takes a call back: it cost nothing.
  void give_back() {
    if (used_ != 0)
      --used_;
  }
  std::uint32_t used() const noexcept { return used_; }
  timestamp end() const noexcept { return end_; }

private:
  timestamp end_{};
  std::uint32_t used_ = 0;
};

} // namespace lapwing::sim
