#include "net/auth/jwt.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "net/auth/encoding.hpp"

namespace lapwing {
namespace {

using json = nlohmann::json;

constexpr std::size_t rooms_max = 256;
constexpr double seconds_max = 253402300799.0; // The end of the year 9999.

error invalid(const char* why) {
  return {errc::invalid_token, why};
}

std::optional<jwt_algorithm> algorithm_of(const std::string& name) {
  if (name == "HS256")
    return jwt_algorithm::hs256;
  if (name == "RS256")
    return jwt_algorithm::rs256;
  if (name == "ES256")
    return jwt_algorithm::es256;
  if (name == "EdDSA")
    return jwt_algorithm::eddsa;
  return std::nullopt;
}

/// True when the claim is absent or a text.
bool read_text(const json& claims, const char* name, std::string& out) {
  auto found = claims.find(name);
  if (found == claims.end() || found->is_null())
    return true;
  if (!found->is_string())
    return false;
  out = found->get<std::string>();
  return true;
}

/// NumericDate (RFC 7519 2); true when the claim is absent or one.
bool read_time(const json& claims, const char* name, std::optional<timestamp>& out) {
  auto found = claims.find(name);
  if (found == claims.end())
    return true;
  if (!found->is_number())
    return false;
  auto seconds = found->get<double>();
  if (!(seconds >= 0 && seconds <= seconds_max))
    return false;
  out = timestamp{std::chrono::milliseconds{static_cast<std::int64_t>(std::floor(seconds * 1000))}};
  return true;
}

/// A list of texts, or one text; true when the claim is absent or one of these.
bool read_texts(const json& claims, const char* name, std::vector<std::string>& out,
                bool single_allowed) {
  auto found = claims.find(name);
  if (found == claims.end() || found->is_null())
    return true;
  if (single_allowed && found->is_string()) {
    out.push_back(found->get<std::string>());
    return true;
  }
  if (!found->is_array() || found->size() > rooms_max)
    return false;
  for (const auto& item : *found) {
    if (!item.is_string())
      return false;
    out.push_back(item.get<std::string>());
  }
  return true;
}

void append_name(std::string& out, std::string_view name) {
  out += out.size() == 1 ? "\"" : ",\"";
  out += name;
  out += "\":";
}

void append_text(std::string& out, std::string_view name, const std::string& value) {
  if (value.empty())
    return;
  append_name(out, name);
  append_json_string(out, repaired_utf8(value));
}

void append_texts(std::string& out, std::string_view name,
                  const std::vector<std::string>& values) {
  if (values.empty())
    return;
  append_name(out, name);
  char separator = '[';
  for (const auto& value : values) {
    out += std::exchange(separator, ',');
    append_json_string(out, repaired_utf8(value));
  }
  out += ']';
}

void append_time(std::string& out, std::string_view name, timestamp time) {
  append_name(out, name);
  auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  append_number(out, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)));
}

} // namespace

result<unverified_jwt> parse_jwt(std::string_view token) {
  if (token.size() > jwt_bytes_max)
    return invalid("the token is too large");
  auto first = token.find('.');
  auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return invalid("the token is not of three parts");
  auto header_json = from_base64url(token.substr(0, first));
  auto claims_json = from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(token.substr(second + 1));
  if (!header_json || !claims_json || !signature)
    return invalid("a part of the token is not base64url");
  auto header = json::parse(*header_json, nullptr, false);
  if (!header.is_object())
    return invalid("the header of the token is not a JSON object");
  // RFC 7515 4.1.11: an extension we do not know must not be passed over.
  if (header.contains("crit"))
    return invalid("the token needs an extension");
  std::string name;
  unverified_jwt parts;
  if (!read_text(header, "alg", name) || !read_text(header, "kid", parts.key_id))
    return invalid("the header of the token has a wrong type");
  auto algorithm = algorithm_of(name);
  if (!algorithm)
    return invalid("the algorithm of the token is not accepted");
  parts.algorithm = *algorithm;
  parts.signing_input = token.substr(0, second);
  parts.signature = std::move(*signature);
  parts.claims_json = std::move(*claims_json);
  return parts;
}

result<void> verify_jwt(const unverified_jwt& token, const hmac_sha256_key& key) {
  if (token.algorithm != jwt_algorithm::hs256
      || !key.matches({token.signing_input}, token.signature))
    return invalid("the signature of the token does not hold");
  return {};
}

result<void> verify_jwt(const unverified_jwt& token, const jwk_set& keys) {
  key_kind kind{};
  switch (token.algorithm) {
    case jwt_algorithm::hs256: return invalid("the signature of the token does not hold");
    case jwt_algorithm::rs256: kind = key_kind::rsa; break;
    case jwt_algorithm::es256: kind = key_kind::p256; break;
    case jwt_algorithm::eddsa: kind = key_kind::ed25519; break;
  }
  const auto* key = keys.find(token.key_id, kind);
  if (!key)
    return invalid("the token is signed with an unknown key");
  if (!key->verifies(token.signing_input, token.signature))
    return invalid("the signature of the token does not hold");
  return {};
}

result<jwt_claims> read_claims(std::string_view claims_json) {
  auto claims = json::parse(claims_json, nullptr, false);
  if (!claims.is_object())
    return invalid("the claims of the token are not a JSON object");
  jwt_claims out;
  std::optional<timestamp> expires;
  if (!read_text(claims, "sub", out.subject) || !read_text(claims, "role", out.role)
      || !read_text(claims, "iss", out.issuer) || !read_text(claims, "email", out.email)
      || !read_texts(claims, "aud", out.audience, true)
      || !read_texts(claims, "rooms", out.rooms, false) || !read_time(claims, "exp", expires)
      || !read_time(claims, "nbf", out.not_before) || !read_time(claims, "iat", out.issued_at))
    return invalid("a claim of the token has a wrong type");
  if (!expires)
    return invalid("the token has no exp");
  out.expires = *expires;
  auto verified = claims.find("email_verified");
  out.email_verified = verified != claims.end() && verified->is_boolean() && verified->get<bool>();
  return out;
}

result<void> check_claims(const jwt_claims& claims, const jwt_expectations& expected,
                          timestamp now) {
  if (now >= claims.expires + expected.leeway)
    return error{errc::token_expired, "the token has expired"};
  if ((claims.not_before && *claims.not_before > now + expected.leeway)
      || (claims.issued_at && *claims.issued_at > now + expected.leeway))
    return invalid("the token is not valid yet");
  auto among = [](const std::string& value, const std::vector<std::string>& values) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  if (!expected.issuers.empty() && !among(claims.issuer, expected.issuers))
    return invalid("the token is of another issuer");
  if (!expected.audience.empty() && !among(expected.audience, claims.audience))
    return invalid("the token is for another audience");
  return {};
}

std::string mint_hs256(const hmac_sha256_key& key, const jwt_claims& claims) {
  std::string body = "{";
  append_text(body, "sub", claims.subject);
  append_text(body, "role", claims.role);
  append_texts(body, "rooms", claims.rooms);
  append_text(body, "iss", claims.issuer);
  append_texts(body, "aud", claims.audience);
  append_text(body, "email", claims.email);
  if (claims.issued_at)
    append_time(body, "iat", *claims.issued_at);
  if (claims.not_before)
    append_time(body, "nbf", *claims.not_before);
  append_time(body, "exp", claims.expires);
  body += '}';
  auto token = to_base64url(R"({"alg":"HS256","typ":"JWT"})") + '.' + to_base64url(body);
  auto signature = key.digest({token});
  return token + '.' + to_base64url(bytes_of(signature));
}

} // namespace lapwing
