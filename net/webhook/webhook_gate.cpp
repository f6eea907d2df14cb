#include "net/webhook/webhook_gate.hpp"

#include <utility>

#include "net/auth/authenticator.hpp"
#include "net/auth/encoding.hpp"
#include "net/auth/jwt.hpp"
#include "net/webhook/payloads.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

std::vector<public_key> ed25519_keys(std::initializer_list<std::string_view> texts) {
  std::vector<public_key> keys;
  for (auto text : texts)
    if (auto key = public_key::ed25519(from_hex(text).value_or(std::string{})))
      keys.push_back(std::move(*key));
  return keys;
}

/// A notice is some 300 bytes. What waits for Google's keys is copied, and anybody can send it.
constexpr std::size_t gmail_bytes_max = 64 * 1024;

/// read_gmail looks at no header, so a request kept for later has none.
constexpr auto no_header = [](std::string_view) { return std::string_view{}; };

/// Until registrations are kept, a subscription is one we wanted if it is for a feed of videos:
/// the hub does not deliver anything without our secret. Nobody may end one this way.
bool is_wanted_topic(std::string_view mode, std::string_view topic) {
  return mode == "subscribe"
         && (topic.starts_with("https://www.youtube.com/xml/feeds/videos.xml?channel_id=")
             || topic.starts_with("https://www.youtube.com/feeds/videos.xml?channel_id="));
}

result<webhook_outcome> read_after(result<void> verified, result<webhook_outcome> (*read)(
                                                            const webhook_request&),
                                   const webhook_request& request) {
  if (!verified)
    return verified.error();
  return read(request);
}

} // namespace

webhook_gate::webhook_gate(const webhooks_config& config, const std::string& gmail_endpoint,
                           std::shared_ptr<remote_jwks> google_keys)
  : tolerance_(config.timestamp_tolerance),
    github_(config.github),
    slack_(config.slack),
    linkedin_(config.linkedin),
    discord_(ed25519_keys({config.discord_public_key})),
    youtube_(config.youtube),
    calendar_(config.calendar),
    supabase_(config.supabase, config.supabase_header),
    google_{config.gmail.audience.empty() ? gmail_endpoint : config.gmail.audience,
            config.gmail.service_account},
    google_keys_(std::move(google_keys)) {
  for (const auto& [name, given] : config.custom) {
    custom_scheme made;
    made.scheme = given.scheme;
    made.hmac = hmac_secrets{given.secret};
    made.standard = standard_webhooks_keys{given.secret};
    made.ed25519 = ed25519_keys({given.secret.current, given.secret.previous});
    made.plain = given.secret;
    made.header = given.header;
    made.prefix = given.prefix;
    made.encoding = given.encoding == "base64" ? digest_encoding::base64 : digest_encoding::hex;
    custom_.emplace(name, std::move(made));
  }
}

bool webhook_gate::knows(std::string_view platform) const {
  for (auto name : {"github", "slack", "gmail", "calendar", "youtube", "discord", "linkedin"})
    if (platform == name)
      return true;
  return custom_.find(platform) != custom_.end();
}

void webhook_gate::receive(std::string_view platform, const webhook_request& request,
                           timestamp now, callback done) const {
  if (platform == "gmail")
    return receive_gmail(request, now, std::move(done));
  done(receive_now(platform, request, now));
}

result<webhook_outcome> webhook_gate::receive_now(std::string_view platform,
                                                  const webhook_request& request,
                                                  timestamp now) const {
  if (platform == "github")
    return read_after(verify_github(github_, request), read_github, request);
  if (platform == "slack")
    return read_after(verify_slack(slack_, request, now, tolerance_), read_slack, request);
  if (platform == "discord")
    return read_after(verify_ed25519(discord_, request), read_discord, request);
  if (platform == "linkedin")
    return read_after(verify_linkedin(linkedin_, request), read_linkedin, request);
  if (platform == "calendar")
    return read_after(verify_channel_token(calendar_, request), read_calendar, request);
  if (platform == "youtube")
    return read_after(verify_websub(youtube_, request), read_youtube, request);
  auto found = custom_.find(platform);
  if (found == custom_.end())
    return error{errc::not_found, "no such platform"};
  if (auto verified = verify_custom(found->second, request, now); !verified)
    return verified.error();
  return read_generic(platform, request);
}

result<webhook_outcome> webhook_gate::receive_registered(std::string_view platform,
                                                         const webhook_request& request,
                                                         const std::string& secret) const {
  secret_pair pair{secret, {}};
  if (platform == "github")
    return read_after(verify_github(hmac_secrets{pair}, request), read_github, request);
  if (platform == "calendar")
    return read_after(verify_channel_token(pair, request), read_calendar, request);
  if (platform == "youtube")
    return read_after(verify_websub(pair, request), read_youtube, request);
  return error{errc::not_configured, "webhooks of this platform are not registered by a node"};
}

std::string_view webhook_gate::registration_of(std::string_view platform,
                                               const webhook_request& request) {
  if (platform == "github")
    return request.header("X-GitHub-Hook-ID");
  return platform == "calendar" ? request.header("X-Goog-Channel-ID") : std::string_view{};
}

result<void> webhook_gate::verify_custom(const custom_scheme& custom,
                                         const webhook_request& request, timestamp now) const {
  if (custom.scheme == "standard-webhooks")
    return verify_standard_webhooks(custom.standard, request, now, tolerance_);
  if (custom.scheme == "hmac-sha256")
    return verify_hmac_header(custom.hmac, request, custom.header, custom.prefix, custom.encoding);
  if (custom.scheme == "ed25519")
    return verify_ed25519(custom.ed25519, request);
  if (custom.scheme == "github")
    return verify_github(custom.hmac, request);
  if (custom.scheme == "slack")
    return verify_slack(custom.hmac, request, now, tolerance_);
  if (custom.scheme == "websub")
    return verify_websub(custom.plain, request);
  if (custom.scheme == "channel-token")
    return verify_secret_header(custom.plain, request,
                                custom.header.empty() ? "X-Goog-Channel-Token" : custom.header);
  return error{errc::not_configured, "the signing scheme of this platform is unknown"};
}

void webhook_gate::receive_gmail(const webhook_request& request, timestamp now,
                                 callback done) const {
  if (!google_.configured() || !google_keys_)
    return done(error{errc::not_configured, "webhooks.gmail is not configured"});
  if (request.body.size() > gmail_bytes_max)
    return done(error{errc::payload_too_large, "the envelope is too large"});
  auto token = bearer_token(request.header("Authorization"));
  if (token.empty())
    return done(error{errc::missing_signature, "the header Authorization is absent"});
  auto parsed = parse_jwt(token);
  // Strangers must not make us fetch keys for what Google would never have signed.
  if (!parsed || parsed->algorithm != jwt_algorithm::rs256 || parsed->key_id.empty())
    return done(error{errc::signature_mismatch, "the bearer token is not signed by Google"});
  if (auto keys = google_keys_->find_now(parsed->key_id, now)) {
    if (!*keys)
      return done(keys->error());
    return done(read_after(verify_google_oidc(google_, ***keys, token, now), read_gmail, request));
  }
  google_keys_->find(parsed->key_id, now,
                     [rules = google_, token = std::string{token}, body = std::string{request.body},
                      now, done = std::move(done)](result<remote_jwks::keys_ptr> keys) {
                       if (!keys)
                         return done(keys.error());
                       webhook_request kept{webhook_headers{no_header}, body};
                       done(read_after(verify_google_oidc(rules, **keys, token, now), read_gmail,
                                       kept));
                     });
}

result<webhook_answer> webhook_gate::answer_get(std::string_view platform,
                                                std::string_view query) const {
  if (platform == "youtube") {
    if (youtube_.current.empty() && youtube_.previous.empty())
      return error{errc::not_configured, "webhooks.youtube is not configured"};
    return answer_websub(query, is_wanted_topic);
  }
  if (platform == "linkedin") {
    if (!linkedin_.configured())
      return error{errc::not_configured, "webhooks.linkedin is not configured"};
    // Strictly a UUID's characters: with '=' allowed, a challenge could be the signed text of a
    // delivery, and our answer its signature.
    auto code = form_field(query, "challengeCode").value_or(std::string{});
    if (code.empty() || code.size() > 64
        || code.find_first_not_of("0123456789abcdefABCDEF-") != code.npos)
      return error{errc::bad_request, "challengeCode is absent or no UUID"};
    object_writer answer;
    answer.text("challengeCode", code);
    answer.text("challengeResponse", to_hex(bytes_of(linkedin_.sign({code}))));
    return webhook_answer{200, "application/json", answer.take()};
  }
  if (knows(platform))
    return error{errc::method_not_allowed, "this platform's webhook takes only POST"};
  return error{errc::not_found, "no such platform"};
}

result<submission_update> webhook_gate::receive_submission(const webhook_request& request,
                                                           timestamp now) const {
  if (auto verified = verify_supabase(supabase_, request, now, tolerance_); !verified)
    return verified.error();
  return read_submission(request, now);
}

} // namespace lapwing
