// Chance as a number.
#pragma once

#include <cstdint>

namespace lapwing {

/// [0, 1), evenly: of 64 random bits those 53 that a double holds.
constexpr double unit_chance(std::uint64_t bits) noexcept {
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

} // namespace lapwing
