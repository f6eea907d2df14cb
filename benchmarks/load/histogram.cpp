#include "benchmarks/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lapwing::load {
namespace {

// Values below 64 have a bucket each; every power of two above is cut into 64.
constexpr unsigned split_bits = 6;
constexpr std::uint64_t split = 1U << split_bits;
constexpr std::size_t bucket_count = (64 - split_bits + 1) * split;

std::size_t bucket_of(std::uint64_t value) noexcept {
  if (value < split)
    return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - split_bits;
  return static_cast<std::size_t>((shift + 1) * split + ((value >> shift) & (split - 1)));
}

/// The largest value that falls into the bucket.
std::uint64_t upper_bound_of(std::size_t bucket) noexcept {
  if (bucket < split)
    return bucket;
  const auto shift = bucket / split - 1;
  const std::uint64_t lower = (split + bucket % split) << shift;
  return lower + ((std::uint64_t{1} << shift) - 1);
}

} // namespace

histogram::histogram() : buckets_(bucket_count) {}

void histogram::add(std::uint64_t value) noexcept {
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void histogram::merge(const histogram& other) noexcept {
  for (std::size_t i = 0; i < bucket_count; ++i)
    buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t histogram::quantile(double share) const noexcept {
  if (count_ == 0)
    return 0;
  const auto rank = std::clamp(static_cast<std::uint64_t>(
                                 std::ceil(share * static_cast<double>(count_))),
                               std::uint64_t{1}, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen >= rank)
      return std::min(upper_bound_of(i), max_);
  }
  return max_;
}

} // namespace lapwing::load
