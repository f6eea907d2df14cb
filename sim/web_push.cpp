#include "sim/web_push.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/chance.hpp"
#include "sim/crypto.hpp"
#include "sim/json_writer.hpp"
#include "sim/state.hpp"
#include "sim/text.hpp"

namespace lapwing::sim::web_push {
namespace {

using nlohmann::json;

constexpr std::string_view endpoint_path = "/wpush/";
constexpr std::size_t body_bytes_max = 4096;       // RFC 8030 7.2: no less may be refused.
constexpr std::size_t topic_length_max = 32;       // RFC 8030 5.4.
constexpr std::size_t messages_kept = 100;         // Of one subscription.
constexpr std::int64_t ttl_max = 28 * 24 * 3600;   // Guess: as long as known services keep them.
constexpr std::chrono::hours token_life_max{24};   // RFC 8292 2.

http_response refused(int status, std::string_view why) {
  json_writer out;
  out.field("error", why);
  return json_answer(status, out.text());
}

/// Scheme, host and port of the endpoints: what a token must name as its audience.
std::string origin_of(const world_state& state) {
  return state.options.base_url.empty() ? "https://" + std::string{push_host}
                                        : state.options.base_url;
}

std::string endpoint_of(const world_state& state, std::string_view id) {
  return state.origin(push_host) + std::string{endpoint_path} + std::string{id};
}

bool is_base64url(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-'
           || c == '_';
  });
}

/// The member of "vapid t=..., k=...".
std::string_view member_of(std::string_view header, std::string_view name) {
  for (auto part : split(header.substr(std::min<std::size_t>(6, header.size())), ',')) {
    while (part.starts_with(' '))
      part.remove_prefix(1);
    if (part.size() > 2 && part.substr(0, 1) == name && part[1] == '=')
      return part.substr(2);
  }
  return {};
}

json decoded_json(std::string_view base64url_text) {
  auto text = base64_decoded(base64url_text);
  return text ? json::parse(*text, nullptr, false) : json{};
}

std::string text_member(const json& object, const char* name) {
  auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// RFC 8292 2 and 3. Nothing when the sender may send.
std::optional<http_response> not_allowed(const world_state& state, const call& from,
                                         const push_subscription& to) {
  auto header = from.header("Authorization");
  if (header.empty()) {
    if (to.sender_point.empty())
      return std::nullopt;
    auto out = refused(401, "this subscription takes messages of its application server only");
    out.headers.emplace_back("WWW-Authenticate", "vapid");
    return out;
  }
  if (header.size() < 6 || !equal_ignoring_case(header.substr(0, 6), "vapid "))
    return refused(401, "the scheme is vapid");
  auto token = member_of(header, "t");
  auto point = base64_decoded(member_of(header, "k"));
  auto parts = split(token, '.');
  if (!point || parts.size() != 3)
    return refused(403, "vapid needs t, a JWT, and k, a public key");
  if (!to.sender_point.empty() && *point != to.sender_point)
    return refused(403, "k is not the key of this subscription");
  auto signature = base64_decoded(parts[2]);
  if (text_member(decoded_json(parts[0]), "alg") != "ES256")
    return refused(403, "alg must be ES256");
  if (!signature
      || !verify_es256(*point, token.substr(0, parts[0].size() + 1 + parts[1].size()), *signature))
    return refused(403, "the signature does not fit");
  auto claims = decoded_json(parts[1]);
  if (text_member(claims, "aud") != origin_of(state))
    return refused(403, "aud must be " + origin_of(state));
  auto exp = claims.is_object() ? claims.find("exp") : claims.end();
  if (exp == claims.end() || !exp->is_number_integer())
    return refused(403, "exp is missing");
  auto end = exp->get<std::int64_t>();
  auto now = to_seconds(from.now);
  if (end <= now || end > now + std::chrono::seconds{token_life_max}.count())
    return refused(403, "exp must be within the next 24 hours");
  auto subject = text_member(claims, "sub");
  if (!subject.starts_with("mailto:") && !subject.starts_with("https:"))
    return refused(403, "sub must be a mailto: or https: address");
  return std::nullopt;
}

/// RFC 8030 5. What is wrong with the message, or nothing.
std::optional<http_response> malformed(const call& from) {
  auto ttl = parse_integer(from.header("TTL"));
  if (!ttl || *ttl < 0)
    return refused(400, "TTL is missing or no number of seconds");
  auto urgency = from.header("Urgency");
  if (!urgency.empty() && urgency != "very-low" && urgency != "low" && urgency != "normal"
      && urgency != "high")
    return refused(400, "Urgency is very-low, low, normal or high");
  auto topic = from.header("Topic");
  if (topic.size() > topic_length_max || !is_base64url(topic))
    return refused(400, "Topic has at most 32 characters of base64url");
  if (from.request->body.size() > body_bytes_max)
    return refused(413, "at most 4096 bytes");
  if (!from.request->body.empty() && from.header("Content-Encoding") != "aes128gcm")
    return refused(400, "Content-Encoding must be aes128gcm");
  return std::nullopt;
}

/// The browser decrypts what it gets, which its service cannot.
void deliver(push_state& all, push_subscription& to, push_message& what) {
  what.delivered = true;
  if (what.text.empty())
    return;
  auto text = decrypt_push(to.key, to.auth_secret, what.text);
  what.text = text ? std::move(*text) : std::string{};
  if (!text) {
    what.problem = text.error().detail;
    ++all.unreadable;
  }
}

http_response take(world_state& state, const call& from, push_subscription& to) {
  push_message fresh;
  auto ttl = std::min(*parse_integer(from.header("TTL")), ttl_max);
  fresh.number = state.take_number();
  fresh.sent_at = from.now;
  fresh.expires_at = from.now + std::chrono::seconds{ttl};
  fresh.urgency = from.header("Urgency").empty() ? "normal" : from.header("Urgency");
  fresh.topic = from.header("Topic");
  fresh.text = from.request->body;
  ++state.push.accepted;
  auto location = state.origin(push_host) + "/message/" + std::to_string(fresh.number);
  if (to.online)
    deliver(state.push, to, fresh);
  if (!fresh.topic.empty()) // It replaces one that has not arrived.
    std::erase_if(to.messages, [&](const push_message& one) {
      return !one.delivered && one.topic == fresh.topic;
    });
  if (to.online || ttl > 0)
    to.messages.push_back(std::move(fresh));
  if (to.messages.size() > messages_kept)
    to.messages.pop_front();
  auto out = empty_answer(201);
  out.headers.emplace_back("Location", std::move(location));
  out.headers.emplace_back("TTL", std::to_string(ttl));
  return out;
}

push_subscription* find(world_state& state, const std::string& id) {
  auto found = state.push.subscriptions.find(id);
  return found == state.push.subscriptions.end() ? nullptr : &found->second;
}

http_response handled(world_state& state, const call& from) {
  if (!from.path.starts_with(endpoint_path))
    return refused(404, "a message goes to an endpoint that a browser gave");
  auto* to = find(state, std::string{from.path.substr(endpoint_path.size())});
  if (to == nullptr)
    return refused(404, "there is no such subscription");
  if (from.method != "POST")
    return empty_answer(405);
  if (to->plan.count > 0) {
    --to->plan.count;
    auto out = refused(to->plan.status, "planned");
    if (to->plan.retry_after > 0)
      out.headers.emplace_back("Retry-After", std::to_string(to->plan.retry_after));
    return out;
  }
  if (to->gone)
    return refused(410, "this subscription has ended");
  if (auto refusal = not_allowed(state, from, *to))
    return std::move(*refusal);
  if (auto refusal = malformed(from))
    return std::move(*refusal);
  return take(state, from, *to);
}

void set_online(world_state& state, push_subscription& which, bool online) {
  which.online = online;
  if (!online)
    return;
  std::erase_if(which.messages, [&](const push_message& one) {
    return !one.delivered && one.expires_at <= state.now;
  });
  for (auto& one : which.messages)
    if (!one.delivered)
      deliver(state.push, which, one);
}

error bad(const char* what) { return {errc::bad_request, what}; }

} // namespace

http_response answer(world_state& state, const call& from) {
  auto out = handled(state, from);
  if (out.status != 201)
    ++state.push.refused;
  return out;
}

result<std::string> subscribe(world_state& state, const push_wish& wish) {
  auto number = state.take_number();
  auto seed = std::to_string(state.options.seed) + ' ' + std::to_string(number);
  auto scalar = wish.private_key.empty() ? sha256("push key " + seed)
                                         : base64_decoded(wish.private_key).value_or("");
  auto secret = wish.auth_secret.empty() ? sha256("push secret " + seed).substr(0, 16)
                                         : base64_decoded(wish.auth_secret).value_or("");
  auto key = p256_key::from_scalar(scalar);
  if (!key || secret.size() != 16)
    return bad("private_key is 32 bytes and auth_secret 16, in base64url");
  auto sender = base64_decoded(wish.sender_key);
  if (!sender || (!sender->empty() && (sender->size() != 65 || sender->front() != 4)))
    return bad("vapid_public_key is an uncompressed point of P-256 in base64url");
  auto id = base62(mix(state.options.seed, number), 22);
  json_writer out;
  out.field("id", id).field("endpoint", endpoint_of(state, id)).object("keys");
  out.field("p256dh", base64url(key->public_point())).field("auth", base64url(secret));
  state.push.subscriptions.emplace(
    std::move(id),
    push_subscription{wish.user, std::move(secret), std::move(*key), std::move(*sender)});
  return out.text();
}

bool change(world_state& state, const std::string& id, const push_change& what) {
  auto* which = find(state, id);
  if (which == nullptr)
    return false;
  which->gone = which->gone || what.ends;
  if (what.plan)
    which->plan = *what.plan;
  if (what.online)
    set_online(state, *which, *what.online);
  return true;
}

std::string report_json(const world_state& state, std::string_view id) {
  json_writer out;
  out.field("accepted", state.push.accepted).field("refused", state.push.refused);
  out.field("unreadable", state.push.unreadable).array("subscriptions");
  for (const auto& [name, one] : state.push.subscriptions) {
    if (!id.empty() && id != name)
      continue;
    out.object().field("id", name).field("user", one.user).field("gone", one.gone);
    out.field("online", one.online).array("messages");
    for (const auto& message : one.messages) {
      if (!message.delivered)
        continue;
      out.object().field("at", to_rfc3339(message.sent_at)).field("urgency", message.urgency);
      out.field("topic", message.topic);
      if (message.problem.empty())
        out.field("text", repaired_utf8(message.text));
      else
        out.field("problem", message.problem);
      out.end();
    }
    out.end();
    auto waiting = std::count_if(one.messages.begin(), one.messages.end(),
                                 [](const push_message& message) { return !message.delivered; });
    out.field("waiting", static_cast<std::uint64_t>(waiting)).end();
  }
  return out.text();
}

} // namespace lapwing::sim::web_push
