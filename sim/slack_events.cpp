#include <algorithm>
#include <array>

#include "sim/callback.hpp"
#include "sim/json_writer.hpp"
#include "sim/slack.hpp"

namespace lapwing::sim::slack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// After the first try: nearly at once, after a minute, after five.
constexpr std::array<seconds, 3> retry_after{seconds{1}, seconds{60}, seconds{300}};

bool installed(const world_state& state, std::uint32_t person) {
  // An application hears of a workspace only while it is installed there.
  for (std::uint32_t app = 0; app < state.applications.size(); ++app) {
    auto found = state.grants_of.find(std::uint64_t{person} << 32 | app);
    if (found == state.grants_of.end())
      continue;
    for (auto index : found->second)
      if (state.grants.at(index).at == provider::slack && !state.grants.at(index).revoked)
        return true;
  }
  return false;
}

std::string challenge_of(const world_state& state, const pending_delivery& what) {
  return base62(mix(state.options.seed, what.message), 30);
}

void send(world_state& state, delivery_kind kind, std::uint32_t person, std::size_t item) {
  if (state.options.slack_events_url.empty())
    return;
  pending_delivery what;
  what.kind = kind;
  what.where = platform::slack;
  what.person = person;
  what.item = item;
  what.message = state.next_message++;
  state.deliver(what, state.delivery_delay());
}

std::string body_of(const world_state& state, const pending_delivery& what) {
  const auto& who = state.persons.at(what.person);
  json_writer json;
  json.field("token", "deprecated");
  if (what.kind == delivery_kind::slack_verification)
    return json.field("challenge", challenge_of(state, what))
      .field("type", "url_verification")
      .text();
  json.field("team_id", team_id(who)).field("api_app_id", "A0SIMULATOR");
  if (what.kind == delivery_kind::slack_revoked)
    json.object("event")
      .field("type", "tokens_revoked")
      .object("tokens")
      .array("oauth")
      .value(user_id(who))
      .end()
      .array("bot")
      .value(bot_id(who))
      .end()
      .end()
      .field("event_ts", std::to_string(to_seconds(what.first_due)) + ".000001")
      .end();
  else
    json.raw("event", message_json(who, what.item, true));
  json.field("type", "event_callback")
    .field("event_id", "Ev0" + base62(mix(state.options.seed, what.message), 9))
    .field("event_time", to_seconds(what.first_due));
  json.array("authorizations")
    .object()
    .null("enterprise_id")
    .field("team_id", team_id(who))
    .field("user_id", bot_id(who))
    .field("is_bot", true)
    .end()
    .end();
  json.field("is_ext_shared_channel", false).field("event_context", "4-sim");
  return json.text();
}

} // namespace

void produced(world_state& state, const account& which, std::size_t index) {
  if (!state.options.slack_events_url.empty() && installed(state, which.person))
    send(state, delivery_kind::slack_event, which.person, index);
}

void tell_of_revocation(world_state& state, const grant& which) {
  if (which.at == provider::slack)
    send(state, delivery_kind::slack_revoked, which.person, 0);
}

void verify_address(world_state& state, std::uint32_t person) {
  send(state, delivery_kind::slack_verification, person, 0);
}

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  const auto& url = state.options.slack_events_url;
  if (url.empty())
    return std::nullopt;
  http_request out;
  out.method = "POST";
  out.url = with_user(url, state.name_of_person(what.person));
  out.body = body_of(state, what);
  auto time = std::to_string(to_seconds(state.now));
  auto key = state.options.slack_signing_secret + (what.bad_signature ? "?" : "");
  out.headers = {
    {"Content-Type", "application/json"},
    {"User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)"},
    {"X-Slack-Request-Timestamp", time},
    {"X-Slack-Signature", "v0=" + lower_hex(hmac_sha256(key, "v0:" + time + ':' + out.body))}};
  if (what.attempt != 0) {
    out.headers.emplace_back("X-Slack-Retry-Num", std::to_string(what.attempt));
    out.headers.emplace_back("X-Slack-Retry-Reason", "http_error");
  }
  out.timeout = seconds{3};
  return out;
}

void finished(world_state& state, const pending_delivery& what, const http_response* answer) {
  bool taken = answer != nullptr && answer->status >= 200 && answer->status < 300;
  if (what.kind == delivery_kind::slack_verification) {
    if (!taken || answer->body.find(challenge_of(state, what)) == std::string::npos)
      state.options.slack_events_url.clear();
    return;
  }
  bool give_up = answer != nullptr && answer->header("X-Slack-No-Retry") == "1";
  if (taken || give_up || what.attempt >= retry_after.size())
    return;
  auto again = what;
  ++again.attempt;
  state.deliver(again, retry_after[what.attempt]);
}

} // namespace lapwing::sim::slack
