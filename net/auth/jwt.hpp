// JSON Web Tokens in compact form (RFC 7519, RFC 7515): taken apart, checked, and minted. Nothing
// in a token is believed before its signature holds, and the key decides which `alg` may be used.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "net/auth/hmac.hpp"
#include "net/auth/jwk_set.hpp"

namespace lapwing {

inline constexpr std::size_t jwt_bytes_max = 8 * 1024;

enum class jwt_algorithm : std::uint8_t { hs256, rs256, es256, eddsa };

/// The parts of a token. `claims_json` is not to be read before verify_* said yes.
struct unverified_jwt {
  jwt_algorithm algorithm;
  std::string key_id;        ///< `kid`, may be empty.
  std::string signing_input; ///< What was signed: the first two parts with their dot.
  std::string signature;
  std::string claims_json;
};

struct jwt_claims {
  std::string subject; ///< `sub`.
  std::string role;
  std::vector<std::string> rooms;
  timestamp expires;
  std::optional<timestamp> not_before;
  std::optional<timestamp> issued_at;
  std::string issuer;
  std::vector<std::string> audience;
  std::string email;
  bool email_verified = false;
};

/// What a token must say besides being in time.
struct jwt_expectations {
  std::vector<std::string> issuers; ///< Any of them; empty: not checked.
  std::string audience;             ///< Empty: not checked.
  std::chrono::milliseconds leeway = std::chrono::seconds{60};
};

/// errc::invalid_token: not three base64url parts, over the size, `alg` none or unknown, `crit`.
result<unverified_jwt> parse_jwt(std::string_view token);

/// errc::invalid_token unless the token is HS256 and signed with `key`.
result<void> verify_jwt(const unverified_jwt& token, const hmac_sha256_key& key);
/// errc::invalid_token unless the token is RS256, ES256 or EdDSA and signed by the key of its `kid`.
result<void> verify_jwt(const unverified_jwt& token, const jwk_set& keys);

/// errc::invalid_token for wrong types or no `exp`. Call only after verify_jwt.
result<jwt_claims> read_claims(std::string_view claims_json);

/// errc::token_expired, or errc::invalid_token for `nbf`/`iat` in the future, `iss`, `aud`.
result<void> check_claims(const jwt_claims& claims, const jwt_expectations& expected,
                          timestamp now);

/// Empty and absent claims are left out.
std::string mint_hs256(const hmac_sha256_key& key, const jwt_claims& claims);

} // namespace lapwing
