// The gate every delivery passes: verified by its platform's scheme, then read. Made of the
// configuration at start and again at reload, with all secrets prepared.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "net/auth/remote_jwks.hpp"
#include "net/webhook/outcome.hpp"
#include "net/webhook/signatures.hpp"

namespace lapwing {

/// Immutable; any thread.
class webhook_gate {
public:
  using callback = std::function<void(result<webhook_outcome>)>;

  /// `gmail_endpoint` is the audience when webhooks.gmail.audience is empty: public_url and the
  /// route. `google_keys` are of webhooks.gmail.jwks_url; null: Gmail is not configured.
  webhook_gate(const webhooks_config& config, const std::string& gmail_endpoint,
               std::shared_ptr<remote_jwks> google_keys);

  /// Whether there is such a platform; one without a secret still is, and answers not_configured.
  bool knows(std::string_view platform) const;

  /// POST /api/webhooks/{platform}[/{userId}], checked with the configured secrets. Calls back
  /// exactly once: at once, or, for gmail when Google's keys must be fetched, on the fetching thread.
  /// `request` is not used after the return. errc: those of signatures.hpp and payloads.hpp,
  /// not_found (unknown platform), payload_too_large (gmail above 64 KiB), upstream_unavailable (no
  /// keys).
  void receive(std::string_view platform, const webhook_request& request, timestamp now,
               callback done) const;

  /// The same with the secret of a webhook that was registered for the user: github, calendar and
  /// youtube.
  result<webhook_outcome> receive_registered(std::string_view platform,
                                             const webhook_request& request,
                                             const std::string& secret) const;
  /// The provider's name for the registration that a delivery says it is of; "" it does not say.
  static std::string_view registration_of(std::string_view platform,
                                          const webhook_request& request);

  /// GET /api/webhooks/{platform}/{userId}: the challenges of youtube and linkedin. `query` is the
  /// raw query string. errc: method_not_allowed, bad_request, not_configured, not_found.
  result<webhook_answer> answer_get(std::string_view platform, std::string_view query) const;

  /// POST /webhook/submission-update and /webhook/submission-status-update.
  result<submission_update> receive_submission(const webhook_request& request,
                                               timestamp now) const;

private:
  struct custom_scheme {
    std::string scheme;
    hmac_secrets hmac;
    standard_webhooks_keys standard;
    std::vector<public_key> ed25519;
    secret_pair plain; ///< channel-token, websub.
    std::string header;
    std::string prefix;
    digest_encoding encoding = digest_encoding::hex;
  };

  result<webhook_outcome> receive_now(std::string_view platform, const webhook_request& request,
                                      timestamp now) const;
  void receive_gmail(const webhook_request& request, timestamp now, callback done) const;
  result<void> verify_custom(const custom_scheme& custom, const webhook_request& request,
                             timestamp now) const;

  std::chrono::milliseconds tolerance_;
  hmac_secrets github_;
  hmac_secrets slack_;
  hmac_secrets linkedin_;
  std::vector<public_key> discord_;
  secret_pair youtube_;
  secret_pair calendar_;
  supabase_keys supabase_;
  google_oidc_rules google_;
  std::shared_ptr<remote_jwks> google_keys_;
  std::map<std::string, custom_scheme, std::less<>> custom_;
};

} // namespace lapwing
