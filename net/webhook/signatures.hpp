// Is it really the platform? One check per signing scheme, over the raw body, before anything of
// it is parsed. Pure: no clock, no I/O. Failures are errc::missing_signature, signature_mismatch,
// stale_timestamp, or not_configured when there is no secret to check with; `detail` names the
// header, never its value.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "net/auth/hmac.hpp"
#include "net/auth/jwk_set.hpp"
#include "net/auth/public_key.hpp"
#include "net/webhook/request.hpp"

namespace lapwing {

/// One or two secrets that are good at the same time, with their pads hashed in advance.
class hmac_secrets {
public:
  hmac_secrets() = default;
  /// The texts themselves are the keys.
  explicit hmac_secrets(const secret_pair& secrets);

  void add(std::string_view key) { keys_.emplace_back(key); }
  bool configured() const noexcept { return !keys_.empty(); }
  /// Whether any secret gives this digest (raw bytes). Every secret is tried, whichever fits.
  bool matches(std::initializer_list<std::string_view> parts, std::string_view digest) const;
  /// The newest secret's digest: for challenges. Needs configured().
  sha256_digest sign(std::initializer_list<std::string_view> parts) const;

private:
  std::vector<hmac_sha256_key> keys_;
};

/// Keys of Standard Webhooks: HMAC secrets for `v1`, public keys for `v1a`.
struct standard_webhooks_keys {
  hmac_secrets symmetric;
  std::vector<public_key> asymmetric;

  standard_webhooks_keys() = default;
  /// "whsec_" and base64, bare base64, or (when it is no base64) the text itself; "whpk_" and
  /// base64: an Ed25519 key. A leading "v1,", as Supabase writes it, is dropped.
  explicit standard_webhooks_keys(const secret_pair& secrets);
  bool configured() const noexcept { return symmetric.configured() || !asymmetric.empty(); }
};

enum class digest_encoding { hex, base64 };

/// GitHub: `X-Hub-Signature-256: sha256=<hex>`.
result<void> verify_github(const hmac_secrets& secrets, const webhook_request& request);

/// Slack v0: `X-Slack-Signature` over "v0:" timestamp ":" body, the time at most `tolerance` away.
result<void> verify_slack(const hmac_secrets& secrets, const webhook_request& request,
                          timestamp now, std::chrono::milliseconds tolerance);

/// Standard Webhooks: any `v1` (or `v1a`) entry of `webhook-signature` over id "." timestamp "."
/// body; other versions are skipped.
result<void> verify_standard_webhooks(const standard_webhooks_keys& keys,
                                      const webhook_request& request, timestamp now,
                                      std::chrono::milliseconds tolerance);

/// A header of `prefix` and the HMAC-SHA256 of the body, in lower-case hex or base64.
result<void> verify_hmac_header(const hmac_secrets& secrets, const webhook_request& request,
                                std::string_view header, std::string_view prefix,
                                digest_encoding encoding);

/// Discord's way: `X-Signature-Ed25519` (hex) over `X-Signature-Timestamp` and the body.
result<void> verify_ed25519(const std::vector<public_key>& keys, const webhook_request& request);

/// The secret itself stands in the header.
result<void> verify_secret_header(const secret_pair& secrets, const webhook_request& request,
                                  std::string_view header);

/// Google Calendar: `X-Goog-Channel-Token` is one of the secrets.
result<void> verify_channel_token(const secret_pair& secrets, const webhook_request& request);

/// WebSub 7: `X-Hub-Signature: method=<hex>`, sha1 to sha512.
result<void> verify_websub(const secret_pair& secrets, const webhook_request& request);

/// LinkedIn: `X-LI-Signature` is the HMAC of "hmacsha256=" and the body; the same text may stand
/// before the digest, too.
result<void> verify_linkedin(const hmac_secrets& secrets, const webhook_request& request);

/// Ways of Supabase database webhooks, whichever headers came: Standard Webhooks, the HMAC of the
/// body in hex, the secret itself in `secret_header` or as a bearer token.
struct supabase_keys {
  secret_pair secrets;
  hmac_secrets body_hmac;
  standard_webhooks_keys standard;
  std::string secret_header = "X-Webhook-Secret";
  std::string signature_header = "X-Webhook-Signature";

  supabase_keys() = default;
  supabase_keys(const secret_pair& pair, std::string header);
};
result<void> verify_supabase(const supabase_keys& keys, const webhook_request& request,
                             timestamp now, std::chrono::milliseconds tolerance);

/// Gmail through Pub/Sub: what Google's bearer token must say (PLATFORMS 1.3).
struct google_oidc_rules {
  std::string audience;
  std::string service_account;
  bool configured() const noexcept { return !audience.empty() && !service_account.empty(); }
};
result<void> verify_google_oidc(const google_oidc_rules& rules, const jwk_set& keys,
                                std::string_view token, timestamp now);

} // namespace lapwing
