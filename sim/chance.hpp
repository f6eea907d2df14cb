// Seeded chance: the same seed gives the same world, whatever is asked of it in between.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/chance.hpp"

namespace lapwing::sim {

/// The finalizer of splitmix64: every bit of the input reaches every bit of the answer.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept { return mix(mix(a) ^ b); }

/// FNV-1a, then mixed.
constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mix(hash);
}

class chance {
public:
  chance() = default;
  explicit chance(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    return mix(state_);
  }
  /// [0, 1).
  double unit() noexcept { return unit_chance(next()); }
  /// [0, bound); `bound` > 0.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  double exponential(double mean) noexcept { return -mean * std::log1p(-unit()); }

private:
  std::uint64_t state_ = 0;
};

/// `length` characters of [0-9A-Za-z] that depend on nothing but `seed`.
inline std::string base62(std::uint64_t seed, std::size_t length) {
  constexpr std::string_view digits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out;
  out.reserve(length);
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < length; ++i) {
    if (i % 10 == 0)
      rest = mix(seed, i);
    out += digits[rest % digits.size()];
    rest /= digits.size();
  }
  return out;
}

} // namespace lapwing::sim
