// Requests per key and window. A key's window begins with its first request, as in the middleware
// the seeds use, so `retry_after` is exact. Time comes from outside.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lapwing {

struct rate_decision {
  bool allowed = true;
  std::chrono::seconds retry_after{0}; ///< When refused: until the window ends, at least 1.
  std::uint64_t remaining = 0;         ///< How many more would be allowed now; ~0 without a limit.
};

/// Any thread: keys are spread over shards with a lock each. Of more than `keys_max` keys the
/// longest unused are forgotten.
class rate_limiter {
public:
  using clock = std::chrono::steady_clock;

  /// `limit` 0: everything is allowed. `window` above 0.
  rate_limiter(std::uint64_t limit, std::chrono::milliseconds window,
               std::size_t keys_max = 100'000);

  /// Counts one request of `key` if it is allowed; refused ones are not counted.
  rate_decision take(std::string_view key, clock::time_point now);

  std::size_t keys() const;

private:
  struct entry {
    std::string key;
    clock::time_point begin; ///< Of its window.
    std::uint64_t count = 0; ///< Requests allowed in it.
  };
  struct shard {
    mutable std::mutex mutex;
    std::list<entry> entries; ///< Most recently used first.
    std::unordered_map<std::string_view, std::list<entry>::iterator> index; ///< Views of entries.
  };
  static constexpr std::size_t shard_count = 16;

  std::uint64_t limit_;
  std::chrono::milliseconds window_;
  std::size_t keys_per_shard_;
  std::array<shard, shard_count> shards_;
};

} // namespace lapwing
