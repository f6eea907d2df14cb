#include "net/auth/remote_jwks.hpp"

#include <utility>

namespace lapwing {

struct remote_jwks::shared_state {
  shared_state(std::string where, fetch_function how, jwks_cache_rules rules)
    : url(std::move(where)), fetch(std::move(how)), cache(rules) {}

  void finish(result<fetched_text> outcome);

  const std::string url;
  const fetch_function fetch;
  std::mutex mutex; ///< Guards what follows; never held during a callback.
  jwks_cache cache;
  std::vector<callback> waiting;
};

void remote_jwks::shared_state::finish(result<fetched_text> outcome) {
  result<jwk_set> parsed = error{errc::upstream_unavailable, "the key set could not be fetched"};
  if (outcome)
    parsed = jwk_set::parse(outcome->body);
  std::vector<callback> told;
  result<keys_ptr> answer = error{errc::upstream_unavailable, "the key set could not be fetched"};
  {
    std::lock_guard lock{mutex};
    if (parsed)
      cache.fetched(std::make_shared<const jwk_set>(std::move(*parsed)), outcome->max_age);
    else
      cache.failed();
    if (cache.usable(cache.last_begin()))
      answer = cache.keys();
    told.swap(waiting);
  }
  for (auto& done : told)
    done(answer);
}

remote_jwks::remote_jwks(std::string url, fetch_function fetch, jwks_cache_rules rules)
  : state_(std::make_shared<shared_state>(std::move(url), std::move(fetch), rules)) {}

std::optional<result<remote_jwks::keys_ptr>> remote_jwks::find_now(std::string_view key_id,
                                                                   timestamp now) {
  std::lock_guard lock{state_->mutex};
  switch (state_->cache.next(key_id, now)) {
    case jwks_cache::step::use: return result<keys_ptr>{state_->cache.keys()};
    case jwks_cache::step::fail:
      return result<keys_ptr>{error{errc::upstream_unavailable, "the key set is not available"}};
    case jwks_cache::step::fetch:
    case jwks_cache::step::wait: break;
  }
  return std::nullopt;
}

void remote_jwks::find(std::string_view key_id, timestamp now, callback done) {
  result<keys_ptr> answer = error{errc::upstream_unavailable, "the key set is not available"};
  {
    std::unique_lock lock{state_->mutex};
    auto step = state_->cache.next(key_id, now);
    bool join = step == jwks_cache::step::fetch || step == jwks_cache::step::wait;
    if (step == jwks_cache::step::use)
      answer = state_->cache.keys();
    if (join && state_->waiting.size() < waiting_max) {
      state_->waiting.push_back(std::move(done));
      if (step == jwks_cache::step::wait)
        return;
      state_->cache.begin(now);
      lock.unlock();
      state_->fetch(state_->url, [state = state_](result<fetched_text> outcome) {
        state->finish(std::move(outcome));
      });
      return;
    }
  }
  done(std::move(answer));
}

} // namespace lapwing
