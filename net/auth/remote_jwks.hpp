// The keys behind a JWKS address, fetched when needed. Any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "net/auth/jwks_cache.hpp"

namespace lapwing {

struct fetched_text {
  std::string body;
  std::optional<std::chrono::seconds> max_age; ///< Cache-Control less Age (RFC 9111 5.2.2.1, 5.1).
};

/// Starts a GET and returns at once; calls back exactly once, on any thread.
using fetch_function
  = std::function<void(std::string url, std::function<void(result<fetched_text>)> done)>;

class remote_jwks {
public:
  using keys_ptr = std::shared_ptr<const jwk_set>;
  using callback = std::function<void(result<keys_ptr>)>;
  static constexpr std::size_t waiting_max = 1024;

  remote_jwks(std::string url, fetch_function fetch, jwks_cache_rules rules = {});

  /// The keys when no fetch is needed, nothing when one is: then call find().
  std::optional<result<keys_ptr>> find_now(std::string_view key_id, timestamp now);

  /// Calls back exactly once: at once when no fetch is needed, else on the thread of the fetch.
  /// The keys may lack the id: the token is then invalid. errc::upstream_unavailable when there are
  /// none.
  void find(std::string_view key_id, timestamp now, callback done);

private:
  struct shared_state;
  std::shared_ptr<shared_state> state_; ///< Outlives us while a fetch is under way.
};

} // namespace lapwing
