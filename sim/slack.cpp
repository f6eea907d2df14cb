#include "sim/slack.hpp"

#include <algorithm>

#include "sim/json_writer.hpp"

namespace lapwing::sim::slack {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t channel_count = 2;

std::string channel_id(const account& which, std::uint64_t number) {
  return "C0" + base62(mix(which.seed, 500 + number), 9);
}

std::int64_t ts_number(const account& which, std::size_t index) {
  // Microseconds; the last three digits tell messages of a millisecond apart.
  return which.times[index] * 1000 + static_cast<std::int64_t>(which.item_seed(index) % 1000);
}

/// "sec.micro" as microseconds; whole seconds are understood too.
std::optional<std::int64_t> parse_ts(std::string_view text) {
  auto dot = text.find('.');
  auto seconds = parse_integer(text.substr(0, dot));
  if (!seconds || *seconds < 0)
    return std::nullopt;
  std::int64_t micros = 0;
  if (dot != std::string_view::npos) {
    auto fraction = std::string{text.substr(dot + 1)};
    fraction.resize(6, '0');
    auto parsed = parse_integer(fraction);
    if (!parsed || *parsed < 0)
      return std::nullopt;
    micros = *parsed;
  }
  return *seconds * 1'000'000 + micros;
}

std::string ts_text(std::int64_t micros) {
  auto fraction = std::to_string(micros % 1'000'000);
  return std::to_string(micros / 1'000'000) + '.' + std::string(6 - fraction.size(), '0')
         + fraction;
}

/// Slack takes arguments in the query and in a form.
std::optional<std::string_view> argument(const call& from, std::string_view name) {
  auto value = from.query.find(name);
  return value ? value : from.form.find(name);
}

/// Per method, workspace and application; each person here has a workspace of their own.
std::optional<http_response> over_limit(world_state& state, const call& from,
                                        std::string_view method, std::uint32_t maximum) {
  auto app = state.grants.at(from.grant).application;
  auto& calls = state.slack_calls[mix(mix(hash_of(method), from.person), app)];
  if (calls.take(from.now, minutes{1}, maximum))
    return std::nullopt;
  auto out = refused("ratelimited");
  out.status = 429;
  auto wait = std::chrono::ceil<std::chrono::seconds>(calls.end() - from.now);
  out.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  return out;
}

} // namespace

http_response refused(std::string_view error) {
  json_writer json;
  json.field("ok", false).field("error", error);
  return json_answer(200, json.text());
}

http_response history(world_state& state, call& from) {
  if (auto limited =
        over_limit(state, from, "conversations.history", state.options.slack_history_per_minute))
    return *limited;
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::slack)];
  auto channel = argument(from, "channel").value_or(std::string_view{});
  bool found = false;
  for (std::uint64_t i = 0; i < channel_count; ++i)
    found = found || channel == channel_id(which, i);
  if (!found)
    return refused("channel_not_found");
  std::int64_t limit = 100;
  if (auto text = argument(from, "limit"))
    limit = parse_integer(*text).value_or(0);
  if (limit < 1 || limit > 999)
    return refused("invalid_limit");
  if (state.options.slack_history_limit != 0)
    limit = std::min<std::int64_t>(limit, state.options.slack_history_limit);
  auto oldest = parse_ts(argument(from, "oldest").value_or("0"));
  if (!oldest)
    return refused("invalid_ts_oldest");
  auto latest_text = argument(from, "latest");
  auto latest = latest_text ? parse_ts(*latest_text) : INT64_MAX;
  if (!latest)
    return refused("invalid_ts_latest");
  bool inclusive = argument(from, "inclusive") == "true" || argument(from, "inclusive") == "1";
  auto below = INT64_MAX; // Where the page before ended.
  if (auto cursor = argument(from, "cursor"); cursor && !cursor->empty()) {
    auto plain = base64_decoded(*cursor);
    auto number = plain && plain->starts_with("next_ts:")
                    ? parse_integer(std::string_view{*plain}.substr(8))
                    : std::nullopt;
    if (!number)
      return refused("invalid_cursor");
    below = *number;
  }
  json_writer json;
  json.field("ok", true).array("messages");
  std::int64_t count = 0;
  std::int64_t last = 0;
  bool more = false;
  for (auto i = which.times.size(); i-- > 0;) {
    auto number = ts_number(which, i);
    bool in_range = inclusive ? number >= *oldest && number <= *latest
                              : number > *oldest && number < *latest;
    if (number < *oldest)
      break;
    if (!in_range || number >= below || channel_of(which, i) != channel)
      continue;
    if (count == limit) {
      more = true;
      break;
    }
    json.value_raw(message_json(who, i, false));
    last = number;
    ++count;
  }
  json.end().field("has_more", more).field("pin_count", 0);
  if (more)
    json.object("response_metadata")
      .field("next_cursor", base64("next_ts:" + std::to_string(last)))
      .end();
  return json_answer(200, json.text());
}

http_response list_channels(world_state& state, call& from) {
  if (auto limited = over_limit(state, from, from.endpoint, state.options.slack_list_per_minute))
    return *limited;
  const auto& which = state.persons.account_of(from.person, platform::slack);
  auto types = argument(from, "types").value_or("public_channel");
  json_writer json;
  json.field("ok", true).array("channels");
  if (types.find("public_channel") != std::string_view::npos)
    for (std::uint64_t i = 0; i < channel_count; ++i)
      json.object()
        .field("id", channel_id(which, i))
        .field("name", i == 0 ? "general" : "random")
        .field("is_channel", true)
        .field("is_archived", false)
        .field("is_member", true)
        .field("is_private", false)
        .end();
  json.end().object("response_metadata").field("next_cursor", "").end();
  return json_answer(200, json.text());
}

http_response auth_test(world_state& state, call& from) {
  const auto& who = state.persons.at(from.person);
  json_writer json;
  json.field("ok", true)
    .field("url", "https://" + who.login + ".slack.com/")
    .field("team", who.name)
    .field("user", who.login)
    .field("team_id", team_id(who))
    .field("user_id", user_id(who));
  return json_answer(200, json.text());
}

std::string team_id(const person& who) {
  return "T0" + base62(who.accounts[index_of(platform::slack)].seed, 9);
}

std::string user_id(const person& who) {
  return "U0" + base62(mix(who.accounts[index_of(platform::slack)].seed, 2), 9);
}

std::string bot_id(const person& who) {
  return "U0" + base62(mix(who.accounts[index_of(platform::slack)].seed, 3), 9);
}

std::vector<std::string> channels(const person& who) {
  std::vector<std::string> out;
  for (std::uint64_t i = 0; i < channel_count; ++i)
    out.push_back(channel_id(who.accounts[index_of(platform::slack)], i));
  return out;
}

std::string channel_of(const account& which, std::size_t index) {
  return channel_id(which, which.item_seed(index) / 1000 % channel_count);
}

std::string ts_of(const account& which, std::size_t index) {
  return ts_text(ts_number(which, index));
}

std::string message_json(const person& who, std::size_t index, bool as_event) {
  const auto& which = who.accounts[index_of(platform::slack)];
  auto ts = ts_of(which, index);
  json_writer json;
  json.field("type", "message")
    .field("user", "U0" + base62(which.item_seed(index), 9))
    .field("text", "Message " + std::to_string(index))
    .field("ts", ts)
    .field("team", team_id(who));
  if (as_event)
    json.field("channel", channel_of(which, index))
      .field("event_ts", ts)
      .field("channel_type", "channel");
  return json.text();
}

void truth(const account& which, std::vector<produced_item>& out) {
  for (std::size_t i = 0; i < which.times.size(); ++i)
    out.push_back(
      {"history", {channel_of(which, i), ts_of(which, i)}, from_ms(which.times[i])});
}

} // namespace lapwing::sim::slack
