// When to ask for a key set and when to do with what is there. Pure decisions: the caller fetches,
// tells the outcome and the time. Not for several threads.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "net/auth/jwk_set.hpp"

namespace lapwing {

struct jwks_cache_rules {
  /// Without a usable `max-age` (guess: providers say hours).
  std::chrono::milliseconds age_default = std::chrono::hours{1};
  std::chrono::milliseconds age_max = std::chrono::hours{24};
  /// Shortest time between two fetches: what strangers' unknown `kid`s can cause at most.
  std::chrono::milliseconds pause = std::chrono::seconds{60};
  /// The same after a fetch that failed.
  std::chrono::milliseconds failure_pause = std::chrono::seconds{5};
  /// How long keys past their age are still good while the server cannot be asked.
  std::chrono::milliseconds stale_max = std::chrono::hours{1};
};

class jwks_cache {
public:
  enum class step {
    use,   ///< keys() are the answer, whether or not they hold the id.
    fetch, ///< Call begin(), fetch, then tell fetched() or failed(); others wait meanwhile.
    wait,  ///< A fetch is under way that will tell.
    fail,  ///< No usable keys, and it is too early to ask again.
  };

  explicit jwks_cache(jwks_cache_rules rules = {}) : rules_(rules) {}

  step next(std::string_view key_id, timestamp now) const;
  void begin(timestamp now);
  void fetched(std::shared_ptr<const jwk_set> keys, std::optional<std::chrono::seconds> max_age);
  void failed();

  /// Whether keys() may be used at this time, in need also past their age.
  bool usable(timestamp now) const;
  /// When the last fetch began: its outcome is judged by that time.
  timestamp last_begin() const noexcept { return begun_at_.value_or(timestamp{}); }
  /// Never null; empty before the first fetch.
  const std::shared_ptr<const jwk_set>& keys() const noexcept { return keys_; }

private:
  jwks_cache_rules rules_;
  std::shared_ptr<const jwk_set> keys_ = std::make_shared<const jwk_set>();
  std::optional<timestamp> begun_at_;   ///< When the last fetch began.
  std::optional<timestamp> expires_at_; ///< Of keys_; nothing before the first fetch.
  bool fetching_ = false;
  bool last_failed_ = false;
};

} // namespace lapwing
