#include "net/webhook/signatures.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

#include "net/auth/authenticator.hpp"
#include "net/auth/encoding.hpp"
#include "net/auth/jwt.hpp"

namespace lapwing {
namespace {

constexpr std::size_t signatures_max = 32; // Of one Standard Webhooks header; guess.

error missing(const char* header) {
  return {errc::missing_signature, std::string{"the header "} + header + " is absent"};
}

error mismatch(const char* why) {
  return {errc::signature_mismatch, why};
}

error not_configured() {
  return {errc::not_configured, "no secret is configured for this webhook"};
}

constexpr const char* no_fit = "the signature does not fit the body";

/// Digests come in lower-case hex: one text for each.
std::optional<std::string> from_lower_hex(std::string_view text) {
  for (char c : text)
    if (c >= 'A' && c <= 'F')
      return std::nullopt;
  return from_hex(text);
}

/// Unix seconds: digits only.
std::optional<std::int64_t> unix_seconds(std::string_view text) {
  if (text.empty() || text.size() > 12)
    return std::nullopt;
  std::int64_t value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || text.front() == '-')
    return std::nullopt;
  return value;
}

result<void> check_age(std::string_view time, timestamp now, std::chrono::milliseconds tolerance) {
  auto seconds = unix_seconds(time);
  if (!seconds)
    return mismatch("the signed time is not a number of seconds");
  auto distance = now - timestamp{std::chrono::seconds{*seconds}};
  if (distance > tolerance || distance < -tolerance)
    return error{errc::stale_timestamp, "the signed time is too far from now"};
  return {};
}

bool is_any_of(const secret_pair& secrets, std::string_view given) {
  bool current = !secrets.current.empty() && equal_in_constant_time(secrets.current, given);
  bool previous = !secrets.previous.empty() && equal_in_constant_time(secrets.previous, given);
  return current || previous;
}

bool configured(const secret_pair& secrets) {
  return !secrets.current.empty() || !secrets.previous.empty();
}

} // namespace

hmac_secrets::hmac_secrets(const secret_pair& secrets) {
  for (const auto* secret : {&secrets.current, &secrets.previous})
    if (!secret->empty())
      add(*secret);
}

bool hmac_secrets::matches(std::initializer_list<std::string_view> parts,
                           std::string_view digest) const {
  bool any = false;
  for (const auto& key : keys_)
    any |= key.matches(parts, digest);
  return any;
}

sha256_digest hmac_secrets::sign(std::initializer_list<std::string_view> parts) const {
  return keys_.front().digest(parts);
}

standard_webhooks_keys::standard_webhooks_keys(const secret_pair& secrets) {
  for (std::string_view text : {std::string_view{secrets.current}, {secrets.previous}}) {
    if (text.starts_with("v1,"))
      text.remove_prefix(3);
    if (text.empty())
      continue;
    if (text.starts_with("whpk_")) {
      if (auto key = public_key::ed25519(from_base64(text.substr(5)).value_or(std::string{})))
        asymmetric.push_back(std::move(*key));
      continue;
    }
    if (text.starts_with("whsec_"))
      text.remove_prefix(6);
    symmetric.add(from_base64(text).value_or(std::string{text}));
  }
}

result<void> verify_github(const hmac_secrets& secrets, const webhook_request& request) {
  return verify_hmac_header(secrets, request, "X-Hub-Signature-256", "sha256=",
                            digest_encoding::hex);
}

result<void> verify_slack(const hmac_secrets& secrets, const webhook_request& request,
                          timestamp now, std::chrono::milliseconds tolerance) {
  if (!secrets.configured())
    return not_configured();
  auto signature = request.header("X-Slack-Signature");
  auto time = request.header("X-Slack-Request-Timestamp");
  if (signature.empty())
    return missing("X-Slack-Signature");
  if (time.empty())
    return missing("X-Slack-Request-Timestamp");
  if (auto fresh = check_age(time, now, tolerance); !fresh)
    return fresh;
  constexpr std::string_view version = "v0=";
  if (!signature.starts_with(version))
    return mismatch(no_fit);
  auto digest = from_lower_hex(signature.substr(version.size()));
  if (!digest || !secrets.matches({"v0:", time, ":", request.body}, *digest))
    return mismatch(no_fit);
  return {};
}

result<void> verify_standard_webhooks(const standard_webhooks_keys& keys,
                                      const webhook_request& request, timestamp now,
                                      std::chrono::milliseconds tolerance) {
  if (!keys.configured())
    return not_configured();
  auto id = request.header("webhook-id");
  auto time = request.header("webhook-timestamp");
  auto list = request.header("webhook-signature");
  if (id.empty())
    return missing("webhook-id");
  if (time.empty())
    return missing("webhook-timestamp");
  if (list.empty())
    return missing("webhook-signature");
  if (auto fresh = check_age(time, now, tolerance); !fresh)
    return fresh;
  std::string joined; // For Ed25519, which takes one piece.
  for (std::size_t count = 0; !list.empty() && count < signatures_max; ++count) {
    auto space = list.find(' ');
    auto entry = list.substr(0, space);
    list = space == list.npos ? std::string_view{} : list.substr(space + 1);
    auto comma = entry.find(',');
    if (comma == entry.npos)
      continue;
    auto version = entry.substr(0, comma);
    auto signature = from_base64(entry.substr(comma + 1));
    if (!signature)
      continue;
    if (version == "v1" && keys.symmetric.matches({id, ".", time, ".", request.body}, *signature))
      return {};
    if (version == "v1a" && !keys.asymmetric.empty()) {
      if (joined.empty())
        joined.append(id).append(".").append(time).append(".").append(request.body);
      for (const auto& key : keys.asymmetric)
        if (key.verifies(joined, *signature))
          return {};
    }
  }
  return mismatch(no_fit);
}

result<void> verify_hmac_header(const hmac_secrets& secrets, const webhook_request& request,
                                std::string_view header, std::string_view prefix,
                                digest_encoding encoding) {
  if (!secrets.configured() || header.empty())
    return not_configured();
  auto value = request.header(header);
  if (value.empty())
    return missing(std::string{header}.c_str());
  if (!value.starts_with(prefix))
    return mismatch(no_fit);
  value.remove_prefix(prefix.size());
  auto digest = encoding == digest_encoding::hex ? from_lower_hex(value) : from_base64(value);
  if (!digest || !secrets.matches({request.body}, *digest))
    return mismatch(no_fit);
  return {};
}

result<void> verify_ed25519(const std::vector<public_key>& keys, const webhook_request& request) {
  if (keys.empty())
    return not_configured();
  auto signature = request.header("X-Signature-Ed25519");
  auto time = request.header("X-Signature-Timestamp");
  if (signature.empty())
    return missing("X-Signature-Ed25519");
  if (time.empty())
    return missing("X-Signature-Timestamp");
  auto bytes = from_lower_hex(signature);
  if (!bytes)
    return mismatch(no_fit);
  std::string signed_text;
  signed_text.reserve(time.size() + request.body.size());
  signed_text.append(time).append(request.body);
  for (const auto& key : keys)
    if (key.verifies(signed_text, *bytes))
      return {};
  return mismatch(no_fit);
}

result<void> verify_secret_header(const secret_pair& secrets, const webhook_request& request,
                                  std::string_view header) {
  if (!configured(secrets) || header.empty())
    return not_configured();
  auto given = request.header(header);
  if (given.empty())
    return missing(std::string{header}.c_str());
  if (!is_any_of(secrets, given))
    return mismatch("the secret is another one");
  return {};
}

result<void> verify_channel_token(const secret_pair& secrets, const webhook_request& request) {
  return verify_secret_header(secrets, request, "X-Goog-Channel-Token");
}

result<void> verify_websub(const secret_pair& secrets, const webhook_request& request) {
  if (!configured(secrets))
    return not_configured();
  auto value = request.header("X-Hub-Signature");
  if (value.empty())
    return missing("X-Hub-Signature");
  auto equals = value.find('=');
  auto method = hash_method_of(value.substr(0, equals));
  if (!method || equals == value.npos)
    return mismatch(no_fit);
  auto digest = from_lower_hex(value.substr(equals + 1));
  if (!digest)
    return mismatch(no_fit);
  bool any = false;
  for (const auto* secret : {&secrets.current, &secrets.previous})
    if (!secret->empty())
      any |= equal_in_constant_time(hmac(*method, *secret, request.body), *digest);
  if (!any)
    return mismatch(no_fit);
  return {};
}

result<void> verify_linkedin(const hmac_secrets& secrets, const webhook_request& request) {
  constexpr std::string_view prefix = "hmacsha256=";
  if (!secrets.configured())
    return not_configured();
  auto value = request.header("X-LI-Signature");
  if (value.empty())
    return missing("X-LI-Signature");
  if (value.starts_with(prefix))
    value.remove_prefix(prefix.size());
  auto digest = from_lower_hex(value);
  if (!digest || !secrets.matches({prefix, request.body}, *digest))
    return mismatch(no_fit);
  return {};
}

supabase_keys::supabase_keys(const secret_pair& pair, std::string header)
  : secrets(pair), body_hmac(pair), standard(pair), secret_header(std::move(header)) {}

result<void> verify_supabase(const supabase_keys& keys, const webhook_request& request,
                             timestamp now, std::chrono::milliseconds tolerance) {
  if (!configured(keys.secrets))
    return not_configured();
  if (!request.header("webhook-signature").empty())
    return verify_standard_webhooks(keys.standard, request, now, tolerance);
  if (auto value = request.header(keys.signature_header); !value.empty())
    return verify_hmac_header(keys.body_hmac, request, keys.signature_header,
                              value.starts_with("sha256=") ? "sha256=" : "", digest_encoding::hex);
  if (!keys.secret_header.empty() && !request.header(keys.secret_header).empty())
    return verify_secret_header(keys.secrets, request, keys.secret_header);
  auto token = bearer_token(request.header("Authorization"));
  if (token.empty())
    return missing("X-Webhook-Signature (or the secret)");
  if (!is_any_of(keys.secrets, token))
    return mismatch("the secret is another one");
  return {};
}

result<void> verify_google_oidc(const google_oidc_rules& rules, const jwk_set& keys,
                                std::string_view token, timestamp now) {
  constexpr std::chrono::seconds skew{300};
  constexpr std::chrono::seconds life_max{86400};
  if (!rules.configured())
    return not_configured();
  if (token.empty())
    return missing("Authorization");
  auto parts = parse_jwt(token);
  if (!parts || parts->algorithm != jwt_algorithm::rs256 || parts->key_id.empty()
      || !verify_jwt(*parts, keys))
    return mismatch("the bearer token is not signed by Google");
  auto claims = read_claims(parts->claims_json);
  if (!claims)
    return mismatch("the bearer token lacks claims");
  if (claims->issuer != "https://accounts.google.com" && claims->issuer != "accounts.google.com")
    return mismatch("the bearer token is of another issuer");
  if (claims->audience.size() != 1 || claims->audience.front() != rules.audience)
    return mismatch("the bearer token is for another audience");
  if (claims->email != rules.service_account || !claims->email_verified)
    return mismatch("the bearer token is of another account");
  if (!claims->issued_at || claims->expires - *claims->issued_at > life_max)
    return mismatch("the bearer token lives too long");
  if (now < *claims->issued_at - skew || now > claims->expires + skew)
    return error{errc::stale_timestamp, "the bearer token is not valid now"};
  return {};
}

} // namespace lapwing
