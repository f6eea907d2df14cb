#include "sim/youtube.hpp"

#include <optional>

#include "sim/google.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::youtube {
namespace {

using google::failed;

/// Every call costs a unit, wrong ones and 304 as well; the day ends at midnight in California.
std::optional<http_response> over_quota(world_state& state, const call& from) {
  auto& [day, used] = state.youtube_units[state.grants.at(from.grant).application];
  if (auto today = pacific_day(from.now); today != day) {
    day = today;
    used = 0;
  }
  auto maximum = state.options.youtube_units_per_day;
  if (maximum != 0 && used >= maximum)
    return failed(403, "quotaExceeded",
                  "The request cannot be completed because you have exceeded your quota.",
                  "youtube.quota");
  ++used;
  return std::nullopt;
}

std::optional<http_response> refused(world_state& state, const call& from) {
  if (auto limited = over_quota(state, from))
    return limited;
  if (!from.query.has("part"))
    return failed(400, "missingRequiredParameter", "No filter selected: part is missing.",
                  "youtube.parameter");
  if (google::max_results(from, 5, 50) == 0)
    return failed(400, "invalidParameter", "Invalid value for maxResults.", "youtube.parameter");
  if (!google::page_offset(from))
    return failed(400, "invalidPageToken", "The request specifies an invalid page token.",
                  "youtube.parameter");
  return std::nullopt;
}

std::string playlist_item_id(std::string_view playlist, std::string_view video) {
  return base64url(std::string{playlist.substr(0, 8)} + '.' + std::string{video});
}

std::string activity_id(const account& which, std::size_t index) {
  return base62(mix(which.item_seed(index), 77), 30);
}

void add_snippet(json_writer& json, const person& who, const account& which, std::size_t index) {
  json.object("snippet")
    .field("publishedAt", to_rfc3339(from_ms(which.times[index])))
    .field("channelId", channel_id(who))
    .field("channelTitle", who.name)
    .field("title", "Video " + video_id(which, index));
}

/// A list of the account's items, newest first: those that `belongs` takes, written by `write`.
template <class Belongs, class Write>
http_response list(const call& from, const account& which, std::string_view kind, Belongs belongs,
                   Write write) {
  auto maximum = static_cast<std::size_t>(google::max_results(from, 5, 50));
  auto offset = *google::page_offset(from);
  json_writer json;
  json.field("kind", kind).array("items");
  std::size_t seen = 0;
  bool more = false;
  for (auto i = which.times.size(); i-- > 0;) {
    if (!belongs(i) || seen++ < offset)
      continue;
    if (seen > offset + maximum) {
      more = true;
      break;
    }
    json.object();
    write(json, i);
    json.end();
  }
  json.end();
  if (more)
    json.field("nextPageToken", google::page_token(offset + maximum));
  json.object("pageInfo").field("resultsPerPage", maximum).end();
  return google::tagged(from, json.text());
}

} // namespace

http_response videos(world_state& state, call& from) {
  if (auto wrong = refused(state, from))
    return *wrong;
  if (from.query.get("myRating") != "like")
    return failed(400, "missingRequiredParameter", "No filter selected.", "youtube.parameter");
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::youtube)];
  return list(
    from, which, "youtube#videoListResponse", [&](std::size_t i) { return !is_upload(which, i); },
    [&](json_writer& json, std::size_t i) {
      json.field("kind", "youtube#video").field("id", video_id(which, i));
      add_snippet(json, who, which, i);
      json.end().object("contentDetails").field("duration", "PT3M").end();
    });
}

http_response channels(world_state& state, call& from) {
  if (auto wrong = refused(state, from))
    return *wrong;
  if (from.query.get("mine") != "true")
    return failed(400, "missingRequiredParameter", "No filter selected.", "youtube.parameter");
  const auto& who = state.persons.at(from.person);
  auto id = channel_id(who);
  json_writer json;
  json.field("kind", "youtube#channelListResponse").array("items").object();
  json.field("kind", "youtube#channel").field("id", id);
  json.object("snippet").field("title", who.name).end();
  json.object("contentDetails").object("relatedPlaylists");
  json.field("likes", "LL").field("uploads", "UU" + id.substr(2));
  json.field("watchHistory", "HL").field("watchLater", "WL");
  return google::tagged(from, json.text());
}

http_response playlist_items(world_state& state, call& from) {
  if (auto wrong = refused(state, from))
    return *wrong;
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::youtube)];
  auto playlist = from.query.get("playlistId");
  bool uploads = playlist == "UU" + channel_id(who).substr(2);
  if (!uploads && playlist != "LL")
    return failed(404, "playlistNotFound",
                  "The playlist identified with the request's playlistId parameter cannot be "
                  "found.",
                  "youtube.playlistItem");
  return list(
    from, which, "youtube#playlistItemListResponse",
    [&](std::size_t i) { return is_upload(which, i) == uploads; },
    [&](json_writer& json, std::size_t i) {
      auto video = video_id(which, i);
      json.field("kind", "youtube#playlistItem").field("id", playlist_item_id(playlist, video));
      add_snippet(json, who, which, i);
      json.field("playlistId", playlist).end();
      json.object("contentDetails").field("videoId", video);
      json.field("videoPublishedAt", to_rfc3339(from_ms(which.times[i]))).end();
    });
}

http_response activities(world_state& state, call& from) {
  if (auto wrong = refused(state, from))
    return *wrong;
  if (from.query.get("mine") != "true")
    return failed(400, "missingRequiredParameter", "No filter selected.", "youtube.parameter");
  std::int64_t after = INT64_MIN;
  if (auto text = from.query.find("publishedAfter")) {
    auto at = parse_rfc3339(*text);
    if (!at)
      return failed(400, "invalidParameter", "Invalid value for publishedAfter.",
                    "youtube.parameter");
    after = to_ms(*at);
  }
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::youtube)];
  return list(
    from, which, "youtube#activityListResponse",
    [&](std::size_t i) { return which.times[i] >= after; },
    [&](json_writer& json, std::size_t i) {
      auto kind = is_upload(which, i) ? "upload" : "like";
      json.field("kind", "youtube#activity").field("id", activity_id(which, i));
      add_snippet(json, who, which, i);
      json.field("type", kind).end().object("contentDetails").object(kind);
      if (is_upload(which, i))
        json.field("videoId", video_id(which, i));
      else
        json.object("resourceId").field("videoId", video_id(which, i)).end();
      json.end().end();
    });
}

bool is_upload(const account& which, std::size_t index) noexcept {
  return which.item_seed(index) % 10 >= 7;
}

std::string video_id(const account& which, std::size_t index) {
  return base62(mix(which.item_seed(index), 11), 11);
}

std::string channel_id(const person& who) {
  return "UC" + base62(who.accounts[index_of(platform::youtube)].seed, 22);
}

void truth(const account& which, std::vector<produced_item>& out) {
  auto channel = "UC" + base62(which.seed, 22);
  for (std::size_t i = 0; i < which.times.size(); ++i) {
    auto at = from_ms(which.times[i]);
    auto video = video_id(which, i);
    if (is_upload(which, i))
      out.push_back({"playlist_items", {playlist_item_id("UU" + channel.substr(2), video)}, at});
    else
      out.push_back({"liked_videos", {video}, at});
    out.push_back({"activities", {activity_id(which, i)}, at});
  }
}

} // namespace lapwing::sim::youtube
