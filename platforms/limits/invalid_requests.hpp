// Counts refusals over the last ten minutes, for platforms that ban an address which collects too
// many of them (Discord: 10,000 in 10 minutes).
#pragma once

#include <array>
#include <cstdint>

#include "core/time.hpp"
#include "platforms/limits/closure.hpp"

namespace lapwing {

class invalid_requests {
public:
  /// 0: no bound.
  explicit invalid_requests(std::uint32_t count_max) noexcept : count_max_(count_max) {}

  void add(timestamp now) noexcept;
  /// Of the last ten minutes, and up to one more.
  std::uint32_t count(timestamp now) const noexcept;
  /// Closed at the bound, until enough are forgotten.
  admission may_send(timestamp now) const noexcept;

private:
  struct minute_count {
    std::int64_t minute = 0; ///< Since 1970.
    std::uint32_t count = 0;
  };

  const std::uint32_t count_max_;
  std::array<minute_count, 11> minutes_{}; ///< By minute modulo 11.
};

} // namespace lapwing
