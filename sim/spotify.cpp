#include "sim/spotify.hpp"

#include <algorithm>

#include "sim/json_writer.hpp"

namespace lapwing::sim::spotify {
namespace {

constexpr std::size_t plays_kept = 50;
constexpr std::int64_t play_ms = 180'000;

std::string track_id(const account& which, std::size_t index) {
  // Some hundred tracks a person: the same one is played again.
  return base62(mix(which.seed, 1'000'000 + which.item_seed(index) % 300), 22);
}

void add_track(json_writer& json, const account& which, std::size_t index) {
  auto id = track_id(which, index);
  json.field("id", id)
    .field("name", "Track " + id.substr(0, 4))
    .field("type", "track")
    .field("uri", "spotify:track:" + id)
    .field("duration_ms", play_ms);
  json.array("artists").object().field("id", base62(hash_of(id), 22));
  json.field("name", "Artist " + id.substr(0, 2)).end().end();
}

/// Per application, over 30 seconds; Spotify shows no quota, it only says when to come again.
std::optional<http_response> over_limit(world_state& state, const call& from) {
  auto& calls = state.spotify_calls[state.grants.at(from.grant).application];
  if (calls.take(from.now, std::chrono::seconds{30}, state.options.spotify_calls_per_30s))
    return std::nullopt;
  auto out = failed(429, "API rate limit exceeded");
  auto wait = std::chrono::ceil<std::chrono::seconds>(calls.end() - from.now);
  out.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  return out;
}

} // namespace

http_response failed(int status, std::string_view message) {
  json_writer json;
  json.object("error").field("status", status).field("message", message);
  return json_answer(status, json.text());
}

http_response recently_played(world_state& state, call& from) {
  if (auto limited = over_limit(state, from))
    return *limited;
  auto limit = from.query.has("limit") ? parse_integer(from.query.get("limit")) : 20;
  if (!limit || *limit < 1 || *limit > 50)
    return failed(400, "Invalid limit");
  if (from.query.has("after") && from.query.has("before"))
    return failed(400, "Only one of 'after' and 'before' may be given");
  auto after = from.query.has("after") ? parse_integer(from.query.get("after")) : INT64_MIN;
  auto before = from.query.has("before") ? parse_integer(from.query.get("before")) : INT64_MAX;
  if (!after || !before)
    return failed(400, "Invalid cursor");
  const auto& which = state.persons.account_of(from.person, platform::spotify);
  auto oldest = which.times.size() > plays_kept ? which.times.size() - plays_kept : 0;
  json_writer json;
  json.array("items");
  std::int64_t newest_ms = 0;
  std::int64_t oldest_ms = 0;
  bool more = false;
  std::int64_t count = 0;
  for (auto i = which.times.size(); i-- > oldest;) {
    auto at = which.times[i];
    if (at <= *after || at >= *before)
      continue;
    if (count == *limit) {
      more = true;
      break;
    }
    json.object().object("track");
    add_track(json, which, i);
    json.end().field("played_at", to_rfc3339(from_ms(at))).null("context").end();
    newest_ms = count == 0 ? at : newest_ms;
    oldest_ms = at;
    ++count;
  }
  json.end();
  auto self = state.origin("api.spotify.com") + "/v1/me/player/recently-played";
  if (count == 0) {
    json.null("next").null("cursors");
  } else {
    if (more)
      json.field("next", self + "?before=" + std::to_string(oldest_ms)
                           + "&limit=" + std::to_string(*limit));
    else
      json.null("next");
    json.object("cursors")
      .field("after", std::to_string(newest_ms))
      .field("before", std::to_string(oldest_ms))
      .end();
  }
  json.field("limit", *limit).field("href", self);
  return json_answer(200, json.text());
}

http_response currently_playing(world_state& state, call& from) {
  if (auto limited = over_limit(state, from))
    return *limited;
  const auto& which = state.persons.account_of(from.person, platform::spotify);
  auto now = to_ms(from.now);
  // A play is reported when it ends: the next one is under way in the three minutes before.
  if (which.next == INT64_MAX || which.next - play_ms > now)
    return empty_answer(204);
  auto begin = which.next - play_ms;
  json_writer json;
  json.field("timestamp", begin).field("progress_ms", now - begin).field("is_playing", true);
  json.field("currently_playing_type", "track").object("item");
  add_track(json, which, which.times.size());
  json.end().null("context");
  return json_answer(200, json.text());
}

http_response me(world_state& state, call& from) {
  if (auto limited = over_limit(state, from))
    return *limited;
  std::string name{state.name_of_person(from.person)};
  json_writer json;
  json.field("id", name).field("display_name", name).field("type", "user");
  json.field("uri", "spotify:user:" + name);
  return json_answer(200, json.text());
}

void truth(const account& which, std::vector<produced_item>& out) {
  for (std::size_t i = 0; i < which.times.size(); ++i) {
    auto at = from_ms(which.times[i]);
    out.push_back({"recently_played", {to_rfc3339(at), track_id(which, i)}, at});
  }
}

} // namespace lapwing::sim::spotify
