// Which deliveries came, per stream and publisher: what is missing, came twice, or came late.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace lapwing::load {

enum class delivery : std::uint8_t {
  fresh,        ///< In order; what it skipped is taken for missing until it comes.
  duplicate,    ///< Seen before on this stream.
  out_of_order, ///< New, but after a later one of the same publisher.
};

/// Numbers run 1, 2, 3, ... per publisher and channel, and a publisher has one request in flight,
/// so on each stream they must arrive in order. Four bytes a pair; only gaps cost more.
class delivery_check {
public:
  delivery_check(std::size_t streams, std::size_t publishers);

  delivery record(std::size_t stream, std::size_t publisher, std::uint32_t number);

  std::uint64_t unique() const noexcept { return unique_; }
  std::uint64_t duplicates() const noexcept { return duplicates_; }
  std::uint64_t out_of_order() const noexcept { return out_of_order_; }
  /// Different events this stream has had.
  std::uint32_t unique_on(std::size_t stream) const noexcept { return per_stream_[stream]; }

  /// True when this stream has had this one.
  bool has(std::size_t stream, std::size_t publisher, std::uint32_t number) const;

private:
  static std::uint64_t key(std::size_t pair, std::uint32_t number) noexcept {
    return static_cast<std::uint64_t>(pair) << 32 | number;
  }
  bool fill_hole(std::size_t pair, std::uint32_t number);

  std::size_t publishers_;
  std::vector<std::uint32_t> highest_;
  std::vector<std::uint32_t> per_stream_;
  /// What was jumped over: (pair, first number) -> last number.
  std::map<std::uint64_t, std::uint32_t> holes_;
  std::uint64_t unique_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t out_of_order_ = 0;
};

} // namespace lapwing::load
