// The load client's clock: nanoseconds of CLOCK_MONOTONIC, the same in every process of a machine.
#pragma once

#include <cstdint>
#include <ctime>

namespace lapwing::load {

inline std::uint64_t monotonic_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U
         + static_cast<std::uint64_t>(now.tv_nsec);
}

inline constexpr std::uint64_t ns_per_second = 1'000'000'000;

inline double seconds_of(std::uint64_t ns) noexcept { return static_cast<double>(ns) / 1e9; }

} // namespace lapwing::load
