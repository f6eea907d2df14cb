// Calendar's channels: an empty POST whose headers say all; the number rises with gaps.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/calendar.hpp"
#include "sim/callback.hpp"
#include "sim/gmail.hpp"
#include "sim/google.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::calendar {
namespace {

using google::failed;
using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;

constexpr hours usual_life{7 * 24};
constexpr hours longest_life{30 * 24};
constexpr std::uint32_t attempts_max = 6;

void send(world_state& state, std::uint64_t number, calendar_channel& channel,
          delivery_kind kind) {
  channel.message_number += channel.message_number == 0 ? 1 : 1 + state.luck.below(3);
  pending_delivery what;
  what.kind = kind;
  what.where = platform::calendar;
  what.person = channel.person;
  what.target = number;
  what.message = channel.message_number;
  state.deliver(what, state.delivery_delay());
}

void remove(world_state& state, std::uint64_t number) {
  auto found = state.channels.find(number);
  if (found == state.channels.end())
    return;
  std::erase(state.channels_of[found->second.person], number);
  // The name stays taken: a new channel needs a new one.
  state.channels.erase(found);
}

std::string resource_uri(const world_state& state, const calendar_channel& channel) {
  return state.origin("www.googleapis.com") + "/calendar/v3/calendars/"
         + percent_encoded(gmail::address_of(state.persons.at(channel.person)))
         + "/events?alt=json";
}

std::string text_of(const json& body, const char* name) {
  auto found = body.find(name);
  if (found == body.end())
    return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

} // namespace

http_response watch(world_state& state, call& from) {
  if (from.captured[0] != "primary"
      && from.captured[0] != gmail::address_of(state.persons.at(from.person)))
    return failed(404, "notFound", "Not Found");
  auto body = json::parse(from.request->body, nullptr, false);
  if (!body.is_object())
    return failed(400, "parseError", "This API does not support parsing form-encoded input.");
  calendar_channel fresh;
  fresh.id = text_of(body, "id");
  fresh.address = text_of(body, "address");
  fresh.token = text_of(body, "token");
  fresh.person = from.person;
  fresh.application = state.grants.at(from.grant).application;
  auto good_id = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"-_+/="}.find(c) != std::string_view::npos;
  };
  if (fresh.id.empty() || fresh.id.size() > 64
      || !std::all_of(fresh.id.begin(), fresh.id.end(), good_id))
    return failed(400, "invalid", "Invalid channel id");
  auto type = text_of(body, "type");
  if (type != "web_hook" && type != "webhook")
    return failed(400, "channelUnknownType", "Unknown channel type");
  if (!is_callback(fresh.address))
    return failed(401, "unauthorizedWebhookCallback", "Unauthorized WebHook callback channel");
  if (fresh.token.size() > 256)
    return failed(400, "invalid", "The token is too long");
  if (state.channel_ids.contains(fresh.id))
    return failed(400, "channelIdNotUnique", "Channel id " + fresh.id + " not unique");
  fresh.expires_at = from.now + usual_life;
  if (auto asked = parse_integer(text_of(body, "expiration")))
    fresh.expires_at = from_ms(*asked);
  else if (body.contains("params") && body["params"].is_object())
    if (auto ttl = parse_integer(text_of(body["params"], "ttl")))
      fresh.expires_at = from.now + seconds{*ttl};
  if (fresh.expires_at <= from.now)
    return failed(400, "invalid", "The expiration is in the past");
  fresh.expires_at = std::min(fresh.expires_at, from.now + longest_life);
  fresh.resource_id =
    base62(state.persons.account_of(from.person, platform::calendar).seed, 27);
  auto number = state.take_number();
  state.channel_ids.emplace(fresh.id, number);
  state.channels_of[from.person].push_back(number);
  auto& channel = state.channels.emplace(number, std::move(fresh)).first->second;
  json_writer out;
  out.field("kind", "api#channel").field("id", channel.id);
  out.field("resourceId", channel.resource_id).field("resourceUri", resource_uri(state, channel));
  if (!channel.token.empty())
    out.field("token", channel.token);
  out.field("expiration", std::to_string(to_ms(channel.expires_at)));
  send(state, number, channel, delivery_kind::calendar_sync);
  return json_answer(200, out.text());
}

http_response stop(world_state& state, call& from) {
  auto body = json::parse(from.request->body, nullptr, false);
  if (!body.is_object())
    return failed(400, "parseError", "Parse Error");
  auto known = state.channel_ids.find(text_of(body, "id"));
  auto found = known == state.channel_ids.end() ? state.channels.end()
                                                : state.channels.find(known->second);
  if (found == state.channels.end() || found->second.resource_id != text_of(body, "resourceId")
      || found->second.expires_at <= from.now || found->second.person != from.person
      || found->second.application != state.grants.at(from.grant).application)
    return failed(404, "notFound", "Channel not found for project.");
  remove(state, known->second);
  return empty_answer(204);
}

std::size_t forget_channels(world_state& state, std::uint32_t person) {
  auto all = state.channels_of[person];
  for (auto number : all)
    remove(state, number);
  return all.size();
}

void notify(world_state& state, const account& which) {
  auto found = state.channels_of.find(which.person);
  if (found == state.channels_of.end())
    return;
  auto all = found->second;
  for (auto number : all) {
    auto& channel = state.channels.at(number);
    if (channel.expires_at <= state.now)
      remove(state, number);
    else
      send(state, number, channel, delivery_kind::calendar_change);
  }
}

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  auto found = state.channels.find(what.target);
  if (found == state.channels.end())
    return std::nullopt;
  const auto& channel = found->second;
  http_request out;
  out.method = "POST";
  out.url = channel.address;
  out.headers = {
    {"Accept", "*/*"},
    {"User-Agent", "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"},
    {"X-Goog-Channel-ID", channel.id},
    {"X-Goog-Message-Number", std::to_string(what.message)},
    {"X-Goog-Resource-ID", channel.resource_id},
    {"X-Goog-Resource-State", what.kind == delivery_kind::calendar_sync ? "sync" : "exists"},
    {"X-Goog-Resource-URI", resource_uri(state, channel)},
    {"X-Goog-Channel-Expiration", http_date(channel.expires_at)}};
  if (!channel.token.empty())
    out.headers.emplace_back("X-Goog-Channel-Token",
                             channel.token + (what.bad_signature ? "?" : ""));
  return out;
}

void finished(world_state& state, const pending_delivery& what, const http_response* answer) {
  auto status = answer == nullptr ? 503 : answer->status;
  bool again = status == 500 || status == 502 || status == 503 || status == 504;
  if (!again || what.copy || what.attempt + 1 >= attempts_max)
    return;
  auto next = what;
  ++next.attempt;
  state.deliver(next, seconds{5} * (1u << what.attempt));
}

} // namespace lapwing::sim::calendar
