// The polled APIs: cursors, pages, ETags, limits, and that paging them brings out the truth.
#define CAF_SUITE sim_polled
#include "tests/support/caf_test.hpp"

#include <set>

#include <nlohmann/json.hpp>

#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

namespace {

const std::string spotify_url = "https://api.spotify.com/v1/me/player/recently-played";
const std::string youtube_url = "https://www.googleapis.com/youtube/v3/";
const std::string gmail_url = "https://gmail.googleapis.com/gmail/v1/users/me/";
const std::string events_url = "https://www.googleapis.com/calendar/v3/calendars/primary/events";

json parsed(const http_response& answer) { return json::parse(answer.body); }

/// The first part of the natural keys of one endpoint.
std::set<std::string> truth(fixture& in, platform where, std::string_view endpoint,
                            std::size_t part = 0) {
  std::set<std::string> out;
  for (const auto& item : in.at.produced(where, "alice"))
    if (item.endpoint == endpoint)
      out.insert(item.key[part]);
  return out;
}

} // namespace

CAF_TEST(Spotify shows the newest fifty after a cursor and keeps quiet without news) {
  fixture in;
  auto token = in.at.grant(platform::spotify, "alice").access;
  in.at.make_items(platform::spotify, "alice", 60);
  auto page = parsed(in.get(spotify_url + "?limit=50", token));
  CAF_CHECK_EQUAL(page["items"].size(), 50u);
  std::string after = page["cursors"]["after"];
  auto empty = parsed(in.get(spotify_url + "?limit=50&after=" + after, token));
  CAF_CHECK(empty["items"].empty());
  CAF_CHECK(empty["cursors"].is_null());
  in.pass(1h - 1s);
  in.at.make_items(platform::spotify, "alice", 2);
  page = parsed(in.get(spotify_url + "?limit=50&after=" + after, token));
  CAF_CHECK_EQUAL(page["items"].size(), 2u);
  CAF_CHECK(truth(in, platform::spotify, "recently_played")
              .contains(page["items"][0]["played_at"].get<std::string>()));
  CAF_CHECK_EQUAL(in.get(spotify_url + "?after=1&before=2", token).status, 400);
  CAF_CHECK_EQUAL(in.get(spotify_url + "?limit=51", token).status, 400);
  CAF_CHECK_EQUAL(
    in.get("https://api.spotify.com/v1/me/player/currently-playing", token).status, 204);
}

CAF_TEST(Spotify limits an application over thirty seconds) {
  fixture in;
  auto token = in.at.grant(platform::spotify, "alice").access;
  for (int i = 0; i < 180; ++i)
    CAF_REQUIRE_EQUAL(in.get(spotify_url, token).status, 200);
  auto limited = in.get(spotify_url, token);
  CAF_CHECK_EQUAL(limited.status, 429);
  CAF_CHECK_EQUAL(limited.header("Retry-After"), "30");
  in.pass(30s);
  CAF_CHECK_EQUAL(in.get(spotify_url, token).status, 200);
}

CAF_TEST(YouTube pages give every like and upload and spend the quota of a Pacific day) {
  auto options = fixture::quiet();
  options.youtube_units_per_day = 20;
  fixture in{options};
  auto token = in.at.grant(platform::youtube, "alice").access;
  in.at.make_items(platform::youtube, "alice", 40);
  std::set<std::string> likes;
  std::string next;
  int pages = 0;
  do {
    auto page = parsed(in.get(youtube_url + "videos?part=snippet&myRating=like&maxResults=10"
                                + (next.empty() ? "" : "&pageToken=" + next),
                              token));
    for (const auto& video : page["items"])
      likes.insert(video["id"].get<std::string>());
    next = page.value("nextPageToken", "");
    ++pages;
  } while (!next.empty());
  CAF_CHECK_EQUAL(likes, truth(in, platform::youtube, "liked_videos"));
  auto mine = parsed(in.get(youtube_url + "channels?part=contentDetails&mine=true", token));
  auto lists = mine["items"][0]["contentDetails"]["relatedPlaylists"];
  CAF_CHECK_EQUAL(lists["watchHistory"].get<std::string>(), "HL");
  CAF_CHECK_EQUAL(
    in.get(youtube_url + "playlistItems?part=snippet&playlistId=HL", token).status, 404);
  auto url = youtube_url + "playlistItems?part=snippet&maxResults=50&playlistId="
             + lists["uploads"].get<std::string>();
  auto uploads = in.get(url, token);
  CAF_CHECK_EQUAL(parsed(uploads)["items"].size(),
                  truth(in, platform::youtube, "playlist_items").size());
  auto same =
    in.get(url, token, {{"If-None-Match", std::string{uploads.header("ETag")}}});
  CAF_CHECK_EQUAL(same.status, 304);
  CAF_CHECK_EQUAL(in.get(youtube_url + "videos?myRating=like", token).status, 400);
  for (int used = pages + 5; used < 20; ++used)
    CAF_CHECK_EQUAL(in.get(url, token).status, 200);
  auto over = in.get(url, token);
  CAF_CHECK_EQUAL(over.status, 403);
  CAF_CHECK_EQUAL(parsed(over)["error"]["errors"][0]["reason"].get<std::string>(),
                  "quotaExceeded");
  // The world begins at midnight UTC; California's day ends at 08:00.
  in.pass(8h - 1s);
  token = in.at.grant(platform::youtube, "alice").access;
  CAF_CHECK_EQUAL(in.get(url, token).status, 403);
  in.pass(1s);
  CAF_CHECK_EQUAL(in.get(url, token).status, 200);
}

CAF_TEST(GitHub events have ETags that cost nothing and pages that are linked) {
  fixture in;
  auto token = in.at.grant(platform::github, "alice").access;
  in.at.make_items(platform::github, "alice", 250);
  in.pass(1min);
  std::set<std::string> seen;
  std::string url = "https://api.github.com/users/alice/events?per_page=100";
  std::string tag;
  int pages = 0;
  while (!url.empty()) {
    auto page = in.get(url, token);
    CAF_REQUIRE_EQUAL(page.status, 200);
    CAF_CHECK_EQUAL(page.header("X-Poll-Interval"), "60");
    if (pages++ == 0)
      tag = page.header("ETag");
    for (const auto& event : parsed(page))
      seen.insert(event["id"].get<std::string>());
    auto link = std::string{page.header("Link")};
    auto end = link.find(">; rel=\"next\"");
    url = end == std::string::npos ? "" : link.substr(1, end - 1);
  }
  CAF_CHECK_EQUAL(pages, 3);
  CAF_CHECK_EQUAL(seen, truth(in, platform::github, "user_events"));
  url = "https://api.github.com/users/alice/events?per_page=100";
  auto before = in.get(url, token);
  auto same = in.get(url, token, {{"If-None-Match", tag}});
  CAF_CHECK_EQUAL(same.status, 304);
  CAF_CHECK_EQUAL(same.header("X-RateLimit-Remaining"), before.header("X-RateLimit-Remaining"));
  in.at.make_items(platform::github, "alice", 1);
  CAF_CHECK_EQUAL(in.get(url, token, {{"If-None-Match", tag}}).status, 304); // The feed lags.
  in.pass(31s);
  CAF_CHECK_EQUAL(in.get(url, token, {{"If-None-Match", tag}}).status, 200);
  CAF_CHECK_EQUAL(in.get(url + "&page=4", token).status, 422);
}

CAF_TEST(GitHub shows at most 300 events of thirty days) {
  fixture in;
  in.at.make_items(platform::github, "alice", 400);
  in.pass(1min);
  auto token = in.at.grant(platform::github, "alice").access;
  std::size_t count = 0;
  for (auto page : {"1", "2", "3"})
    count += parsed(in.get("https://api.github.com/users/alice/events?per_page=100&page="
                             + std::string{page},
                           token))
               .size();
  CAF_CHECK_EQUAL(count, 300u);
  in.pass(31 * 24h);
  token = in.at.grant(platform::github, "alice").access;
  CAF_CHECK(parsed(in.get("https://api.github.com/users/alice/events", token)).empty());
}

CAF_TEST(the hourly limit of GitHub answers 403 with nothing remaining) {
  auto options = fixture::quiet();
  options.github_calls_per_hour = 3;
  fixture in{options};
  auto token = in.at.grant(platform::github, "alice").access;
  for (int i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(in.get("https://api.github.com/user", token).status, 200);
  auto limited = in.get("https://api.github.com/user", token);
  CAF_CHECK_EQUAL(limited.status, 403);
  CAF_CHECK_EQUAL(limited.header("X-RateLimit-Remaining"), "0");
  CAF_CHECK_EQUAL(limited.header("X-RateLimit-Reset"),
                  std::to_string(to_seconds(in.at.now() + 1h)));
  CAF_CHECK_EQUAL(in.at.stats().of(platform::github, "user").limited, 1u);
  in.pass(1h);
  CAF_CHECK_EQUAL(in.get("https://api.github.com/user", token).status, 200);
}

CAF_TEST(Discord lists all guilds and tells of its buckets) {
  fixture in;
  auto token = in.at.grant(platform::discord, "alice").access;
  in.at.make_items(platform::discord, "alice", 12);
  const char* url = "https://discord.com/api/v10/users/@me/guilds?limit=200";
  auto answer = in.get(url, token);
  std::set<std::string> seen;
  for (const auto& guild : parsed(answer))
    seen.insert(guild["id"].get<std::string>());
  CAF_CHECK_EQUAL(seen, truth(in, platform::discord, "guilds"));
  CAF_CHECK_EQUAL(answer.header("X-RateLimit-Remaining"), "4");
  CAF_CHECK_EQUAL(answer.header("X-RateLimit-Reset-After"), "5.000");
  for (int i = 0; i < 4; ++i)
    in.get(url, token);
  auto limited = in.get(url, token);
  CAF_CHECK_EQUAL(limited.status, 429);
  CAF_CHECK_EQUAL(limited.header("X-RateLimit-Scope"), "user");
  CAF_CHECK_EQUAL(parsed(limited)["retry_after"].get<double>(), 5.0);
  CAF_CHECK(!parsed(limited)["global"].get<bool>());
  auto other = in.at.grant(platform::discord, "bob").access;
  CAF_CHECK_EQUAL(in.get(url, other).status, 200);
  in.pass(5s);
  CAF_CHECK_EQUAL(in.get(url, token).status, 200);
}

CAF_TEST(Discord bans an address after ten thousand refused calls) {
  fixture in;
  auto token = in.at.grant(platform::discord, "alice").access;
  for (int i = 0; i < 10'000; ++i)
    in.get("https://discord.com/api/v10/users/@me", "wrong");
  CAF_CHECK_EQUAL(in.get("https://discord.com/api/v10/users/@me", token).status, 429);
  in.pass(10min);
  CAF_CHECK_EQUAL(in.get("https://discord.com/api/v10/users/@me", token).status, 200);
}

CAF_TEST(the history of Gmail continues from an id and is forgotten after a week) {
  fixture in;
  auto token = in.at.grant(platform::gmail, "alice").access;
  auto start = parsed(in.get(gmail_url + "profile", token))["historyId"].get<std::string>();
  auto nothing = parsed(in.get(gmail_url + "history?startHistoryId=" + start, token));
  CAF_CHECK(!nothing.contains("history"));
  in.at.make_items(platform::gmail, "alice", 25);
  std::set<std::string> seen;
  std::string next;
  std::string last;
  do {
    auto page = parsed(in.get(gmail_url + "history?maxResults=10&historyTypes=messageAdded"
                                          "&startHistoryId="
                                + start + (next.empty() ? "" : "&pageToken=" + next),
                              token));
    for (const auto& record : page["history"])
      seen.insert(record["messagesAdded"][0]["message"]["id"].get<std::string>());
    next = page.value("nextPageToken", "");
    last = page["historyId"];
  } while (!next.empty());
  CAF_CHECK_EQUAL(seen, truth(in, platform::gmail, "history"));
  auto first = gmail_url + "messages/" + *seen.begin() + "?format=metadata";
  CAF_CHECK_EQUAL(in.get(first, token).status, 200);
  CAF_CHECK_EQUAL(in.get(gmail_url + "messages/0123456789abcdef", token).status, 404);
  auto listed = parsed(in.get(gmail_url + "messages?maxResults=100&q=newer_than:7d", token));
  CAF_CHECK_EQUAL(listed["messages"].size(), 25u);
  in.pass(7 * 24h + 1s);
  token = in.at.grant(platform::gmail, "alice").access;
  CAF_CHECK_EQUAL(in.get(gmail_url + "history?startHistoryId=" + start, token).status, 404);
  CAF_CHECK_EQUAL(in.get(gmail_url + "history?startHistoryId=" + last, token).status, 200);
  in.at.expire_cursors(platform::gmail, "alice");
  CAF_CHECK_EQUAL(in.get(gmail_url + "history?startHistoryId=" + last, token).status, 404);
  last = parsed(in.get(gmail_url + "profile", token))["historyId"].get<std::string>();
  CAF_CHECK_EQUAL(in.get(gmail_url + "history?startHistoryId=" + last, token).status, 200);
}

CAF_TEST(Calendar syncs by token and each change is shown once) {
  fixture in;
  std::set<std::pair<std::string, std::string>> seen;
  std::string sync;
  for (int day = 0; day < 20; ++day) {
    in.at.make_items(platform::calendar, "alice", 6);
    auto token = in.at.grant(platform::calendar, "alice").access;
    std::string page_token;
    do {
      auto url = events_url + "?maxResults=4&showDeleted=true";
      if (!sync.empty())
        url += "&syncToken=" + sync;
      if (!page_token.empty())
        url += "&pageToken=" + page_token;
      auto answer = in.get(url, token);
      CAF_REQUIRE_EQUAL(answer.status, 200);
      auto page = parsed(answer);
      for (const auto& event : page["items"])
        CAF_CHECK(seen.emplace(event["id"], event["updated"]).second);
      page_token = page.value("nextPageToken", "");
      if (page_token.empty())
        sync = page["nextSyncToken"];
    } while (!page_token.empty());
    in.pass(24h);
  }
  std::set<std::pair<std::string, std::string>> all;
  bool cancelled = false;
  for (const auto& item : in.at.produced(platform::calendar, "alice"))
    all.emplace(item.key[0], item.key[1]);
  CAF_CHECK_EQUAL(all.size(), 120u);
  CAF_CHECK(seen == all);
  auto token = in.at.grant(platform::calendar, "alice").access;
  auto whole = parsed(in.get(events_url + "?showDeleted=true", token));
  for (const auto& event : whole["items"])
    cancelled = cancelled || event["status"] == "cancelled";
  CAF_CHECK(cancelled);
  auto with = [&](const std::string& more) {
    return in.get(events_url + "?syncToken=" + sync + more, token).status;
  };
  CAF_CHECK_EQUAL(with("&showDeleted=true"), 200);
  CAF_CHECK_EQUAL(with("&showDeleted=true&timeMin=2026-11-21T00%3A00%3A00Z"), 400);
  CAF_CHECK_EQUAL(with("&showDeleted=false"), 400);
  in.at.expire_cursors(platform::calendar, "alice");
  CAF_CHECK_EQUAL(with("&showDeleted=true"), 410);
  CAF_CHECK_EQUAL(in.get(events_url + "?syncToken=nonsense", token).status, 410);
  sync = parsed(in.get(events_url + "?showDeleted=true", token))["nextSyncToken"];
  CAF_CHECK_EQUAL(with("&showDeleted=true"), 200);
  in.pass(29 * 24h);
  token = in.at.grant(platform::calendar, "alice").access;
  CAF_CHECK_EQUAL(with("&showDeleted=true"), 410);
}

CAF_TEST(Slack shows fifteen messages a minute and pages backwards) {
  fixture in;
  auto token = in.at.grant(platform::slack, "alice").access;
  in.at.make_items(platform::slack, "alice", 80);
  auto channels = parsed(in.get("https://slack.com/api/conversations.list?limit=200", token));
  std::set<std::string> seen;
  for (const auto& channel : channels["channels"]) {
    std::string cursor;
    do {
      in.pass(1min);
      auto page = parsed(in.get("https://slack.com/api/conversations.history?limit=100&channel="
                                  + channel["id"].get<std::string>() + "&cursor="
                                  + percent_encoded(cursor),
                                token));
      CAF_REQUIRE(page["ok"].get<bool>());
      CAF_CHECK(page["messages"].size() <= 15);
      for (const auto& message : page["messages"])
        seen.insert(message["ts"].get<std::string>());
      cursor.clear();
      if (page["has_more"].get<bool>())
        cursor = page["response_metadata"]["next_cursor"];
    } while (!cursor.empty());
  }
  CAF_CHECK_EQUAL(seen, truth(in, platform::slack, "history", 1));
  auto url = "https://slack.com/api/conversations.history?channel="
             + channels["channels"][0]["id"].get<std::string>();
  auto limited = in.get(url, token);
  CAF_CHECK_EQUAL(limited.status, 429);
  CAF_CHECK_EQUAL(limited.header("Retry-After"), "60");
  in.pass(1min);
  auto none = parsed(in.get(url + "&oldest=" + *seen.rbegin(), token));
  for (const auto& message : none["messages"])
    CAF_CHECK(message["ts"] > *seen.rbegin());
  in.pass(1min);
  CAF_CHECK_EQUAL(
    parsed(in.get("https://slack.com/api/conversations.history?channel=C0", token))
      .value("error", ""),
    "channel_not_found");
}

CAF_TEST(the page of LinkedIn changes only in the address of its picture between changes) {
  fixture in;
  auto token = in.at.grant(platform::linkedin, "alice").access;
  const char* url = "https://api.linkedin.com/v2/userinfo";
  auto first = parsed(in.get(url, token));
  in.pass(2h);
  auto second = parsed(in.get(url, token));
  CAF_CHECK_NOT_EQUAL(first["picture"], second["picture"]);
  first.erase("picture");
  second.erase("picture");
  CAF_CHECK_EQUAL(first, second);
  in.at.make_items(platform::linkedin, "alice", 1);
  auto change = in.at.produced(platform::linkedin, "alice").at(0);
  CAF_CHECK_EQUAL(parsed(in.get(url, token))["name"].get<std::string>(), change.key[1]);
}

CAF_TEST(a token without the scope is refused as each provider does) {
  fixture in;
  auto gmail = in.at.grant(platform::gmail, "alice").access;
  auto wrong = in.get(events_url, gmail);
  CAF_CHECK_EQUAL(wrong.status, 403);
  CAF_CHECK_EQUAL(parsed(wrong)["error"]["errors"][0]["reason"].get<std::string>(),
                  "insufficientPermissions");
  auto spotify = in.at.grant(platform::spotify, "alice").access;
  CAF_CHECK_EQUAL(in.get(gmail_url + "profile", spotify).status, 401);
  CAF_CHECK_EQUAL(parsed(in.get("https://slack.com/api/conversations.list")).value("error", ""),
                  "not_authed");
  CAF_CHECK_EQUAL(in.at.stats().of(platform::slack).invalid_tokens, 1u);
}

CAF_TEST(the same seed lives the same life) {
  world_options options;
  options.seed = 7;
  fixture first{options};
  fixture second{options};
  first.pass(72h);
  for (int i = 0; i < 72; ++i) {
    second.pass(1h);
    second.get("https://api.github.com/users/alice/events");
  }
  for (auto where : all_platforms) {
    auto a = first.at.produced(where, "alice");
    auto b = second.at.produced(where, "alice");
    CAF_CHECK_EQUAL(a.size(), b.size());
    CAF_CHECK(a.empty() || a.back().key == b.back().key);
  }
  CAF_CHECK(first.at.produced_count(platform::gmail, "alice") > 60);
}
