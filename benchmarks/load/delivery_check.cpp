#include "benchmarks/load/delivery_check.hpp"

#include <iterator>

namespace lapwing::load {

delivery_check::delivery_check(std::size_t streams, std::size_t publishers)
  : publishers_(publishers), highest_(streams * publishers), per_stream_(streams) {}

delivery delivery_check::record(std::size_t stream, std::size_t publisher, std::uint32_t number) {
  const auto pair = stream * publishers_ + publisher;
  auto& highest = highest_[pair];
  if (number > highest) [[likely]] {
    if (number != highest + 1)
      holes_[key(pair, highest + 1)] = number - 1;
    highest = number;
    ++unique_;
    ++per_stream_[stream];
    return delivery::fresh;
  }
  if (fill_hole(pair, number)) {
    ++unique_;
    ++per_stream_[stream];
    ++out_of_order_;
    return delivery::out_of_order;
  }
  ++duplicates_;
  return delivery::duplicate;
}

bool delivery_check::has(std::size_t stream, std::size_t publisher, std::uint32_t number) const {
  const auto pair = stream * publishers_ + publisher;
  if (number > highest_[pair])
    return false;
  const auto next = holes_.upper_bound(key(pair, number));
  if (next == holes_.begin())
    return true;
  const auto hole = std::prev(next);
  return hole->first >> 32 != pair || hole->second < number;
}

bool delivery_check::fill_hole(std::size_t pair, std::uint32_t number) {
  const auto next = holes_.upper_bound(key(pair, number));
  if (next == holes_.begin())
    return false;
  const auto hole = std::prev(next);
  if (hole->first >> 32 != pair || hole->second < number)
    return false;
  const auto first = static_cast<std::uint32_t>(hole->first);
  const auto last = hole->second;
  holes_.erase(hole);
  if (first < number)
    holes_[key(pair, first)] = number - 1;
  if (number < last)
    holes_[key(pair, number + 1)] = last;
  return true;
}

} // namespace lapwing::load
