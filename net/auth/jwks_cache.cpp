#include "net/auth/jwks_cache.hpp"

#include <algorithm>
#include <utility>

namespace lapwing {

jwks_cache::step jwks_cache::next(std::string_view key_id, timestamp now) const {
  bool fresh = expires_at_ && now < *expires_at_;
  if (fresh && (key_id.empty() || keys_->contains(key_id)))
    return step::use;
  if (fetching_)
    return step::wait;
  auto pause = last_failed_ ? rules_.failure_pause : rules_.pause;
  // A begin in the future means that the clock was set back: no reason to wait.
  if (begun_at_ && now >= *begun_at_ && now - *begun_at_ < pause)
    return usable(now) ? step::use : step::fail;
  return step::fetch;
}

void jwks_cache::begin(timestamp now) {
  fetching_ = true;
  begun_at_ = now;
}

void jwks_cache::fetched(std::shared_ptr<const jwk_set> keys,
                         std::optional<std::chrono::seconds> max_age) {
  fetching_ = false;
  last_failed_ = false;
  keys_ = std::move(keys);
  auto age = max_age ? std::chrono::milliseconds{std::min(
                         *max_age, std::chrono::duration_cast<std::chrono::seconds>(rules_.age_max))}
                     : rules_.age_default;
  // Even "do not store" is kept for the pause: the fetches of strangers stay bounded.
  expires_at_ = last_begin() + std::max(age, rules_.pause);
}

void jwks_cache::failed() {
  fetching_ = false;
  last_failed_ = true;
}

bool jwks_cache::usable(timestamp now) const {
  return expires_at_ && now < *expires_at_ + rules_.stale_max;
}

} // namespace lapwing
