// Latencies in log-linear buckets: fixed memory, cheap to add to, wrong by at most 1/64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lapwing::load {

class histogram {
public:
  histogram();

  void add(std::uint64_t value) noexcept;
  void merge(const histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t max() const noexcept { return max_; }

  /// The smallest bucket bound that `share` (0..1) of the values do not pass: never less than the
  /// true value, at most 1/64 more. 0 when empty.
  std::uint64_t quantile(double share) const noexcept;

private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

} // namespace lapwing::load
