#include "net/auth/tickets.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "net/auth/encoding.hpp"

namespace lapwing {
namespace {

using json = nlohmann::json;

constexpr std::size_t id_bytes = 16;

hmac_sha256_key derived_key(std::string_view secret, const random_bytes& random) {
  if (secret.empty())
    return hmac_sha256_key{random(32)};
  // A key of its own: a ticket is never a token, nor the other way round.
  return hmac_sha256_key{bytes_of(hmac_sha256_key{secret}.digest({"lapwing ticket v1"}))};
}

std::uint64_t to_number(timestamp time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

/// Only tickets that we signed get here, yet nothing is taken for granted.
std::optional<timestamp> time_member(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned())
    return std::nullopt;
  return timestamp{std::chrono::milliseconds{found->get<std::int64_t>()}};
}

std::string text_member(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

error invalid() {
  return {errc::invalid_token, "the ticket is not valid"};
}

} // namespace

tickets::tickets(std::string_view secret, std::chrono::milliseconds ttl, random_bytes random,
                 std::size_t used_max)
  : key_(derived_key(secret, random)),
    development_key_(random(32)),
    ttl_(ttl),
    random_(std::move(random)),
    used_max_(used_max) {}

std::string tickets::issue(const principal& who, timestamp now) const {
  std::string body = "{\"i\":";
  append_json_string(body, to_base64url(random_(id_bytes)));
  body += ",\"u\":";
  append_json_string(body, repaired_utf8(who.user.str()));
  body += ",\"r\":";
  append_json_string(body, to_string_view(who.role));
  body += ",\"m\":[";
  for (std::size_t i = 0; i < who.rooms.size(); ++i) {
    if (i > 0)
      body += ',';
    append_json_string(body, repaired_utf8(who.rooms[i]));
  }
  body += "],\"e\":";
  append_number(body, to_number(now + ttl_));
  if (who.expires) {
    body += ",\"t\":";
    append_number(body, to_number(*who.expires));
  }
  body += '}';
  auto text = to_base64url(body);
  const auto& key = who.development ? development_key_ : key_;
  return text + '.' + to_base64url(bytes_of(key.digest({text})));
}

result<principal> tickets::redeem(std::string_view ticket, timestamp now) {
  auto dot = ticket.find('.');
  if (ticket.size() > ticket_bytes_max || dot == ticket.npos)
    return invalid();
  auto text = ticket.substr(0, dot);
  auto mac = from_base64url(ticket.substr(dot + 1));
  bool development = mac && development_key_.matches({text}, *mac);
  if (!mac || (!development && !key_.matches({text}, *mac)))
    return invalid();
  auto body = json::parse(from_base64url(text).value_or(std::string{}), nullptr, false);
  if (!body.is_object())
    return invalid();
  auto id = text_member(body, "i");
  auto expires = time_member(body, "e");
  if (id.empty() || !expires)
    return invalid();
  if (now >= *expires)
    return error{errc::token_expired, "the ticket has expired"};
  principal who;
  who.user = user_id{text_member(body, "u")};
  who.role = principal_role_of(text_member(body, "r"));
  who.expires = time_member(body, "t");
  who.development = development;
  if (auto rooms = body.find("m"); rooms != body.end() && rooms->is_array())
    for (const auto& room : *rooms)
      if (room.is_string())
        who.rooms.push_back(room.get<std::string>());

  std::lock_guard lock{mutex_};
  used_.erase(used_.begin(), used_.lower_bound({now, std::string{}}));
  if (used_.contains({*expires, id}))
    return error{errc::invalid_token, "the ticket was used before"};
  if (used_.size() >= used_max_)
    return error{errc::rate_limited, "too many tickets are in use"};
  used_.emplace(*expires, std::move(id));
  return who;
}

} // namespace lapwing
