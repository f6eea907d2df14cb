// What a reload replaces: the configuration and everything prepared from it. Immutable but for
// what locks itself; each shard holds a pointer and changes it between two turns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "net/auth/authenticator.hpp"
#include "net/auth/https_fetcher.hpp"
#include "net/auth/rate_limiter.hpp"
#include "net/auth/tickets.hpp"
#include "net/http/tls_context.hpp"
#include "net/webhook/webhook_gate.hpp"

namespace lapwing::net {

struct settings {
  config values;
  std::shared_ptr<remote_jwks> user_keys;   ///< Of auth.jwks_url, or null.
  std::shared_ptr<remote_jwks> google_keys; ///< Of webhooks.gmail.jwks_url, or null.
  std::shared_ptr<authenticator> authentication;
  std::shared_ptr<webhook_gate> gate;
  tls_context_ptr tls; ///< Null: plain.
  std::vector<std::string> origins; ///< Allowed ones, the development ones included.
  // Kept over a reload unless their own settings change, so that counts and used tickets stay.
  std::shared_ptr<tickets> ticket_office;
  std::shared_ptr<rate_limiter> api_limiter;
  std::shared_ptr<rate_limiter> webhook_limiter;
  std::shared_ptr<rate_limiter> realtime_limiter; ///< Broadcasts over HTTP, a second at a time.

  /// The largest body any route takes.
  std::size_t form_body_max() const noexcept { return 3 * values.limits.body_github; }
};
using settings_ptr = std::shared_ptr<const settings>;

/// `before` is what was in force, or null. errc::not_configured when a file cannot be used.
result<settings_ptr> prepare_settings(const config& values, const settings* before,
                                      const fetch_function& fetch);

/// Whether a page of `origin` may use us: it is on the list, or it is ours (`host`: the request's
/// Host header).
bool origin_allowed(const settings& s, std::string_view origin, std::string_view host);

} // namespace lapwing::net
