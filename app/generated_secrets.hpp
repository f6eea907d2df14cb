// The secrets an installation needs, freshly made.
#pragma once

#include <string>
#include <vector>

#include "net/auth/random.hpp"

namespace lapwing {

struct generated_secret {
  std::string key;      ///< Of the configuration: "auth.jwt_secret".
  std::string variable; ///< "LAPWING_AUTH__JWT_SECRET".
  std::string value;
  std::string purpose; ///< A few words.
};

/// jwt secret, encryption key, VAPID pair (P-256, base64url as RFC 8292 3.2 and browsers take it),
/// GitHub secret (32 hex digits), a Standard Webhooks secret (whsec_...), cron secret and metrics
/// token. The VAPID pair comes from OpenSSL's own generator; the others from `random`.
std::vector<generated_secret> generate_secrets(const random_bytes& random);

} // namespace lapwing
