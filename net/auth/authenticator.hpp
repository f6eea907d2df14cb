// Tokens to principals, by the rules of [auth].
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "config/config.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "net/auth/hmac.hpp"
#include "net/auth/jwt.hpp"
#include "net/auth/principal.hpp"
#include "net/auth/remote_jwks.hpp"

namespace lapwing {

/// Immutable; any thread. A reload makes a new one (with the same remote keys).
class authenticator {
public:
  using callback = std::function<void(result<principal>)>;

  /// `file_keys` is what auth.jwks_file holds (or empty); `remote` is of auth.jwks_url, or null.
  authenticator(const auth_config& config, jwk_set file_keys, std::shared_ptr<remote_jwks> remote);

  bool development() const noexcept { return development_; }

  /// The principal of a token, or nothing when keys must be fetched first: then call the other one.
  /// errc: missing_token (empty), invalid_token, token_expired, not_configured (no key for any
  /// token), upstream_unavailable.
  std::optional<result<principal>> authenticate_now(std::string_view token, timestamp now) const;

  /// Calls back exactly once: at once, or on the thread of the fetch.
  void authenticate(std::string_view token, timestamp now, callback done) const;

private:
  result<principal> admit(const unverified_jwt& token, const jwk_set& keys, timestamp now) const;
  result<principal> read_principal(const unverified_jwt& token, timestamp now) const;

  bool development_;
  jwt_expectations expected_;
  std::optional<hmac_sha256_key> secret_;
  std::shared_ptr<const jwk_set> file_keys_;
  std::shared_ptr<remote_jwks> remote_;
};

/// The token of an `Authorization` value: "Bearer x" in any case of the scheme; empty if it is not.
std::string_view bearer_token(std::string_view authorization) noexcept;

} // namespace lapwing
