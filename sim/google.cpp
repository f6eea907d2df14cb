#include "sim/google.hpp"

#include "sim/json_writer.hpp"

namespace lapwing::sim::google {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes token_reuse{5};

std::string_view status_name(int status) {
  switch (status) {
    case 400: return "INVALID_ARGUMENT";
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "NOT_FOUND";
    case 429: return "RESOURCE_EXHAUSTED";
    case 503: return "UNAVAILABLE";
    default: return "INTERNAL";
  }
}

std::string key_id(const world_state& state, std::uint64_t number) {
  return lower_hex(mix(state.options.seed, number), 16);
}

void have_keys(world_state& state) {
  if (state.google_keys.empty())
    rotate_key(state);
}

} // namespace

http_response failed(int status, std::string_view reason, std::string_view message,
                     std::string_view domain) {
  json_writer json;
  json.object("error").field("code", status).field("message", message);
  json.array("errors").object().field("message", message).field("domain", domain);
  json.field("reason", reason).end().end().field("status", status_name(status));
  auto out = json_answer(status, json.text());
  if (status == 401)
    out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"https://accounts.google.com/\"");
  return out;
}

http_response tagged(const call& from, std::string body) {
  auto tag = '"' + base62(hash_of(body), 24) + '"';
  http_response out;
  if (from.header("If-None-Match") == tag)
    out = empty_answer(304);
  else
    out = json_answer(200, std::move(body));
  out.headers.emplace_back("ETag", tag);
  return out;
}

void rotate_key(world_state& state) {
  state.google_keys.insert(state.google_keys.begin(), rsa_key{});
  if (state.google_keys.size() > 2)
    state.google_keys.pop_back();
  ++state.google_keys_made;
  state.pubsub_token.clear();
}

http_response certificates(world_state& state, call&) {
  have_keys(state);
  json_writer json;
  json.array("keys");
  auto number = state.google_keys_made;
  for (const auto& key : state.google_keys) {
    json.object().field("kid", key_id(state, number--)).field("kty", "RSA").field("alg", "RS256");
    json.field("use", "sig")
      .field("n", base64url(key.modulus()))
      .field("e", base64url(key.exponent()))
      .end();
  }
  auto out = json_answer(200, json.text());
  out.headers.emplace_back("Cache-Control", "public, max-age=21600, must-revalidate");
  return out;
}

std::string pubsub_token(world_state& state) {
  have_keys(state);
  if (!state.pubsub_token.empty() && state.now < state.pubsub_token_from + token_reuse)
    return state.pubsub_token;
  json_writer head;
  head.field("alg", "RS256")
    .field("kid", key_id(state, state.google_keys_made))
    .field("typ", "JWT");
  const auto& options = state.options;
  auto issued = to_seconds(state.now);
  json_writer claims;
  claims
    .field("aud", options.pubsub_audience.empty() ? options.pubsub_push_url
                                                  : options.pubsub_audience)
    .field("azp", "113774264463038321964")
    .field("email", options.pubsub_service_account)
    .field("email_verified", true)
    .field("exp", issued + 3600)
    .field("iat", issued)
    .field("iss", "https://accounts.google.com")
    .field("sub", "113774264463038321964");
  auto signed_text = base64url(head.text()) + '.' + base64url(claims.text());
  state.pubsub_token =
    signed_text + '.' + base64url(state.google_keys.front().sign(signed_text));
  state.pubsub_token_from = state.now;
  return state.pubsub_token;
}

std::int64_t max_results(const call& from, std::int64_t usual, std::int64_t maximum) {
  auto text = from.query.find("maxResults");
  if (!text)
    return usual;
  auto number = parse_integer(*text);
  return number && *number >= 1 && *number <= maximum ? *number : 0;
}

std::optional<std::size_t> page_offset(const call& from) {
  auto text = from.query.find("pageToken");
  if (!text)
    return 0;
  if (!text->starts_with("CD"))
    return std::nullopt;
  auto offset = parse_hex(text->substr(2));
  if (!offset)
    return std::nullopt;
  return static_cast<std::size_t>(*offset);
}

std::string page_token(std::size_t offset) { return "CD" + lower_hex(offset, 8); }

} // namespace lapwing::sim::google
