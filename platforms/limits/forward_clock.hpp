// Civil time made to run forward only, so that a clock that is set back keeps nobody waiting for
// the difference.
#pragma once

#include <algorithm>
#include <chrono>

#include "core/time.hpp"

namespace lapwing {

class forward_clock {
public:
  /// The forward time of now. A few seconds back are taken for two threads that looked at the clock
  /// in turn; more, for a clock that was set back.
  timestamp forward(timestamp now) noexcept {
    if (now < latest_ - std::chrono::seconds{5}) {
      set_back_ += latest_ - now;
      latest_ = now;
    }
    latest_ = std::max(latest_, now);
    return latest_ + set_back_;
  }

  /// From civil to forward time and back, as the clock stands.
  timestamp shifted(timestamp civil) const noexcept { return civil + set_back_; }
  timestamp civil(timestamp forward_time) const noexcept { return forward_time - set_back_; }

private:
  timestamp latest_{};
  std::chrono::milliseconds set_back_{0};
};

} // namespace lapwing
