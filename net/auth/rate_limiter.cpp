#include "net/auth/rate_limiter.hpp"

#include <algorithm>
#include <functional>

namespace lapwing {

rate_limiter::rate_limiter(std::uint64_t limit, std::chrono::milliseconds window,
                           std::size_t keys_max)
  : limit_(limit),
    window_(window),
    keys_per_shard_(std::max<std::size_t>(1, keys_max / shard_count)) {}

rate_decision rate_limiter::take(std::string_view key, clock::time_point now) {
  if (limit_ == 0)
    return {true, std::chrono::seconds{0}, ~std::uint64_t{0}};
  auto& home = shards_[std::hash<std::string_view>{}(key) % shard_count];
  std::lock_guard lock{home.mutex};
  auto found = home.index.find(key);
  if (found == home.index.end()) {
    if (home.entries.size() >= keys_per_shard_) {
      home.index.erase(home.entries.back().key);
      home.entries.pop_back();
    }
    home.entries.push_front({std::string{key}, now, 0});
    found = home.index.emplace(home.entries.front().key, home.entries.begin()).first;
  } else {
    home.entries.splice(home.entries.begin(), home.entries, found->second);
  }
  auto& mine = *found->second;
  if (now - mine.begin >= window_) {
    mine.begin = now;
    mine.count = 0;
  }
  if (mine.count < limit_) {
    ++mine.count;
    return {true, std::chrono::seconds{0}, limit_ - mine.count};
  }
  auto left = std::chrono::ceil<std::chrono::seconds>(mine.begin + window_ - now);
  return {false, std::max(left, std::chrono::seconds{1}), 0};
}

std::size_t rate_limiter::keys() const {
  std::size_t count = 0;
  for (const auto& one : shards_) {
    std::lock_guard lock{one.mutex};
    count += one.entries.size();
  }
  return count;
}

} // namespace lapwing
