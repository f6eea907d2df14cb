#define CAF_SUITE poll_run
#include "tests/support/caf_test.hpp"

#include <string>
#include <vector>

#include "platforms/poll/instant.hpp"
#include "platforms/poll/poll_run.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

const timestamp now = parse_instant("2026-11-21T09:00:00Z")->second;
const rate_limit_spec limits;

http_response answer(std::string body, int status = 200, http_headers headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

/// Plays answers to one run and keeps the URLs that were asked for.
struct played {
  poll_outcome outcome;
  std::vector<std::string> urls;
  std::vector<http_request> requests;
  std::optional<extraction_numbers> extraction;

  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const auto& item : outcome.items)
      out.push_back(item.key);
    return out;
  }
};

played play(const endpoint_spec& endpoint, const poll_progress& from,
            std::vector<result<http_response>> answers, timestamp when = now,
            std::string resource = {}) {
  poll_run run{{&endpoint, &limits, "ann", std::move(resource)}, from, when};
  played out;
  std::size_t at = 0;
  while (auto request = run.next()) {
    CAF_REQUIRE(at < answers.size());
    out.urls.push_back(request->url);
    out.requests.push_back(*request);
    run.take(answers[at++]);
  }
  CAF_CHECK_EQUAL(at, answers.size());
  out.extraction = run.extraction();
  out.outcome = run.take_outcome();
  return out;
}

/// The next poll, an hour after the last one.
played again(const endpoint_spec& endpoint, const played& before,
             std::vector<result<http_response>> answers) {
  return play(endpoint, before.outcome.progress, std::move(answers), now + 1h);
}

poll_progress progress_at(std::string cursor, std::string etag = {}) {
  poll_progress out;
  out.endpoint = "e";
  out.cursor = std::move(cursor);
  out.etag = std::move(etag);
  out.last_poll = now - 1h;
  return out;
}

using texts = std::vector<std::string>;

std::string joined(const texts& list) {
  std::string out;
  for (const auto& text : list)
    out += (out.empty() ? "" : " ") + text;
  return out;
}

endpoint_spec spotify() {
  endpoint_spec e;
  e.id = "recently_played";
  e.url = "https://api.spotify.com/v1/me/player/recently-played";
  e.params = {{"limit", "50"}};
  e.items = "items";
  e.key = {"played_at", "track.id"};
  e.cursor = cursor_style::value;
  e.next_cursor = "cursors.after";
  e.cursor_param = "after";
  return e;
}

endpoint_spec github() {
  endpoint_spec e;
  e.id = "user_events";
  e.url = "https://api.github.com/users/{account}/events";
  e.params = {{"per_page", "100"}};
  e.headers = {{"Accept", "application/vnd.github+json"}};
  e.key = {"id"};
  e.cursor = cursor_style::newest_key;
  e.pages = page_style::link_header;
  e.pages_max = 3;
  e.etag = true;
  return e;
}

endpoint_spec gmail() {
  endpoint_spec e;
  e.id = "messages";
  e.url = "https://gmail.googleapis.com/gmail/v1/users/me/history";
  e.params = {{"historyTypes", "messageAdded"}};
  e.items = "history[].messagesAdded[].message";
  e.key = {"id"};
  e.cursor = cursor_style::value;
  e.next_cursor = "historyId";
  e.cursor_param = "startHistoryId";
  e.pages = page_style::token;
  e.next_page = "nextPageToken";
  e.page_param = "pageToken";
  e.resync_status = 404;
  e.start_url = "https://gmail.googleapis.com/gmail/v1/users/me/profile";
  e.start_cursor = "historyId";
  e.first_sync_url = "https://gmail.googleapis.com/gmail/v1/users/me/messages";
  e.first_sync_items = "messages";
  e.first_sync_params = {{"maxResults", "100"}, {"q", "newer_than:7d"}};
  e.first_sync_items_max = 3;
  return e;
}

endpoint_spec calendar() {
  endpoint_spec e;
  e.id = "events";
  e.url = "https://www.googleapis.com/calendar/v3/calendars/primary/events";
  e.params = {{"maxResults", "250"}};
  e.items = "items";
  e.key = {"id", "updated"};
  e.cursor = cursor_style::value;
  e.next_cursor = "nextSyncToken";
  e.cursor_param = "syncToken";
  e.pages = page_style::token;
  e.next_page = "nextPageToken";
  e.page_param = "pageToken";
  e.resync_status = 410;
  return e;
}

endpoint_spec slack() {
  endpoint_spec e;
  e.id = "history";
  e.url = "https://slack.com/api/conversations.history?channel={resource}";
  e.params = {{"limit", "15"}};
  e.items = "messages";
  e.key = {"ts"};
  e.cursor = cursor_style::newest_field;
  e.next_cursor = "ts";
  e.cursor_param = "oldest";
  e.pages = page_style::token;
  e.next_page = "response_metadata.next_cursor";
  e.page_param = "cursor";
  return e;
}

} // namespace

CAF_TEST(Spotify reads after its cursor and keeps it when there is none) {
  auto first = play(spotify(), {},
                    {answer(R"({"items":[{"played_at":"2026-11-21T08:00:00.1Z","track":{"id":"t1"}},
      {"played_at":"2026-11-21T07:00:00.1Z","track":{"id":"t2"}}],
      "cursors":{"after":"1795251600100","before":"1"}})")});
  CAF_CHECK_EQUAL(first.urls[0], "https://api.spotify.com/v1/me/player/recently-played?limit=50");
  CAF_CHECK_EQUAL(joined(first.keys()), "2026-11-21T08:00:00.1Z|t1 2026-11-21T07:00:00.1Z|t2");
  CAF_CHECK_EQUAL(first.outcome.items[1].json,
                  R"({"played_at":"2026-11-21T07:00:00.1Z","track":{"id":"t2"}})");
  CAF_CHECK_EQUAL(first.outcome.progress.cursor, "1795251600100");
  CAF_CHECK(first.outcome.progress.last_poll == now);
  auto second = again(spotify(), first, {answer(R"({"items":[],"cursors":null})")});
  CAF_CHECK_EQUAL(second.urls[0], "https://api.spotify.com/v1/me/player/recently-played?limit=50"
                                  "&after=1795251600100");
  CAF_CHECK_EQUAL(second.outcome.progress.cursor, "1795251600100");
  CAF_CHECK(second.outcome.items.empty());
  CAF_CHECK(!second.outcome.problem);
  // Also for somebody who has never listened: that they were asked is remembered.
  auto nothing = play(spotify(), {}, {answer(R"({"items":[],"cursors":null})")});
  CAF_CHECK_EQUAL(nothing.outcome.progress.cursor, "{}");
  auto later = again(spotify(), nothing, {answer(R"({"items":[]})")});
  CAF_CHECK_EQUAL(later.urls[0], first.urls[0]);
  CAF_CHECK(!later.extraction);
}

CAF_TEST(an empty answer is nothing new and no mistake) {
  endpoint_spec playing;
  playing.id = "currently_playing";
  playing.url = "https://api.spotify.com/v1/me/player/currently-playing";
  playing.key = {"item.id", "timestamp"};
  playing.empty_status = 204;
  for (auto& empty : {answer("", 204), answer("", 200), answer(" \n", 200)}) {
    auto run = play(playing, progress_at("{}"), {empty});
    CAF_CHECK(!run.outcome.problem);
    CAF_CHECK(run.outcome.unchanged);
    CAF_CHECK(run.outcome.items.empty());
  }
  auto song = play(playing, progress_at("{}"),
                   {answer(R"({"timestamp":17,"item":{"id":"t1"},"is_playing":true})")});
  CAF_CHECK_EQUAL(joined(song.keys()), "t1|17");
  auto advert = play(playing, progress_at("{}"), {answer(R"({"timestamp":18,"item":null})")});
  CAF_CHECK_EQUAL(joined(advert.keys()), "|18");
}

CAF_TEST(GitHub sends its ETag and a 304 changes nothing) {
  auto first = play(github(), {}, {answer(R"([{"id":"3"},{"id":"2"},{"id":"1"}])", 200,
                                          {{"etag", "W/\"a\""}})});
  CAF_CHECK_EQUAL(first.urls[0], "https://api.github.com/users/ann/events?per_page=100");
  CAF_CHECK_EQUAL(first.requests[0].headers.size(), 1u);
  CAF_CHECK_EQUAL(first.outcome.progress.etag, "W/\"a\"");
  auto second = again(github(), first, {answer("", 304)});
  CAF_CHECK_EQUAL(second.requests[0].headers.at(1).first, "If-None-Match");
  CAF_CHECK_EQUAL(second.requests[0].headers.at(1).second, "W/\"a\"");
  CAF_CHECK(second.outcome.unchanged);
  CAF_CHECK_EQUAL(second.outcome.progress.etag, "W/\"a\"");
  CAF_CHECK_EQUAL(second.outcome.progress.cursor, first.outcome.progress.cursor);
  CAF_CHECK(second.outcome.progress.last_poll == now + 1h);
  // Stops at the first key that is known, on whatever page.
  auto third = again(github(), second,
                     {answer(R"([{"id":"6"},{"id":"5"}])", 200,
                             {{"ETag", "\"b\""},
                              {"Link", "<https://api.github.com/user/9/events?page=2>; "
                                       "rel=\"next\", "
                                       "<https://api.github.com/user/9/events?page=3>; "
                                       "rel=\"last\""}}),
                      answer(R"([{"id":"4"},{"id":"3"},{"id":"2"}])", 200,
                             {{"Link", "<https://api.github.com/user/9/events?page=3>; "
                                       "rel=\"next\""}})});
  CAF_CHECK_EQUAL(third.urls[1], "https://api.github.com/user/9/events?page=2");
  CAF_CHECK_EQUAL(third.requests[1].headers.size(), 1u);
  CAF_CHECK_EQUAL(joined(third.keys()), "6 5 4");
  CAF_CHECK_EQUAL(third.outcome.progress.etag, "\"b\"");
  CAF_CHECK(!third.outcome.more);
  // 304 without a question is a mistake.
  auto wrong = play(github(), progress_at("{}"), {answer("", 304)});
  CAF_REQUIRE(wrong.outcome.problem);
  CAF_CHECK(wrong.outcome.problem->kind == answer_failure::broken_answer);
}

CAF_TEST(only links to the same server are followed) {
  const char* links[] = {
    "<https://evil.example/users/ann/events?page=2>; rel=\"next\"",
    "<http://api.github.com/users/ann/events?page=2>; rel=\"next\"",
    "<https://api.github.com:8443/x>; rel=next",
    "<https://api.github.com@evil.example/x>; rel=next",
    "<//evil.example/x>; rel=\"next\"",
    "<javascript:1>; rel=next",
  };
  for (const char* link : links) {
    auto run = play(github(), progress_at(R"({"k":["1"]})"),
                    {answer(R"([{"id":"2"}])", 200, {{"Link", link}})});
    CAF_REQUIRE(run.outcome.problem);
    CAF_CHECK(run.outcome.problem->kind == answer_failure::broken_answer);
    CAF_CHECK(run.outcome.items.empty());
    CAF_CHECK_EQUAL(run.outcome.progress.cursor, R"({"k":["1"]})");
    CAF_CHECK_EQUAL(run.outcome.progress.failure_count, 1u);
  }
  auto same = play(github(), progress_at(R"({"k":["1"]})"),
                   {answer(R"([{"id":"2"}])", 200,
                           {{"Link", "</page/2>; title=\"a;b\"; REL=\"last NEXT\""}}),
                    answer(R"([{"id":"1"}])")});
  CAF_CHECK_EQUAL(same.urls[1], "https://api.github.com/page/2");
  auto other = play(github(), progress_at(R"({"k":["1"]})"),
                    {answer(R"([{"id":"2"}])", 200,
                            {{"Link", "<https://x/>; rel=prev; rel=next, <https://y/>; "
                                      "anchor=\"#a\"; rel=next"}})});
  CAF_CHECK(!other.outcome.problem);
}

CAF_TEST(a poll goes on where the page bound stopped it) {
  auto link = [](int page) {
    return http_headers{{"ETag", "\"e\""},
                        {"Link", "<https://api.github.com/p?page=" + std::to_string(page)
                                   + ">; rel=next"}};
  };
  auto first = play(github(), progress_at(R"({"k":["1"]})"),
                    {answer(R"([{"id":"9"}])", 200, link(2)),
                     answer(R"([{"id":"8"}])", 200, link(3)),
                     answer(R"([{"id":"7"}])", 200, link(4))});
  CAF_CHECK(first.outcome.more);
  CAF_CHECK_EQUAL(joined(first.keys()), "9 8 7");
  CAF_CHECK_EQUAL(first.outcome.progress.etag, "");
  auto second = again(github(), first,
                      {answer(R"([{"id":"6"},{"id":"1"},{"id":"0"}])", 200, link(5))});
  CAF_CHECK_EQUAL(second.urls[0], "https://api.github.com/p?page=4");
  CAF_CHECK_EQUAL(joined(second.keys()), "6");
  CAF_CHECK(!second.outcome.more);
  // From now on the newest of the whole chain is known.
  CAF_CHECK_EQUAL(second.outcome.progress.cursor, R"({"k":["9","8","7","6","1"]})");
  CAF_CHECK_EQUAL(second.outcome.progress.etag, "");
  // A chain of another server, or one that is a day old, is begun anew.
  auto old = play(github(), first.outcome.progress, {answer(R"([{"id":"1"}])")}, now + 25h);
  CAF_CHECK_EQUAL(old.urls[0], "https://api.github.com/users/ann/events?per_page=100");
  auto forged = first.outcome.progress;
  forged.cursor = R"({"k":["1"],"p":"https://evil.example/p?page=4","c":3})";
  auto refused = play(github(), forged, {answer(R"([{"id":"1"}])")});
  CAF_CHECK_EQUAL(refused.urls[0], "https://api.github.com/users/ann/events?per_page=100");
}

CAF_TEST(Gmail asks its profile before it lists and stays within the bound) {
  auto first = play(gmail(), {},
                    {answer(R"({"emailAddress":"ann@example.com","historyId":"900"})"),
                     answer(R"({"messages":[{"id":"m5"},{"id":"m4"}],"nextPageToken":"p2"})"),
                     answer(R"({"messages":[{"id":"m3"},{"id":"m2"}],"nextPageToken":"p3"})")});
  CAF_CHECK_EQUAL(first.urls[0], "https://gmail.googleapis.com/gmail/v1/users/me/profile");
  CAF_CHECK_EQUAL(first.urls[1], "https://gmail.googleapis.com/gmail/v1/users/me/messages"
                                 "?maxResults=100&q=newer_than%3A7d");
  CAF_CHECK_EQUAL(first.urls[2], first.urls[1] + "&pageToken=p2");
  CAF_CHECK_EQUAL(joined(first.keys()), "m5 m4 m3");
  CAF_CHECK_EQUAL(first.outcome.progress.cursor, R"({"v":"900","k":["m5","m4","m3"]})");
  CAF_REQUIRE(first.extraction);
  CAF_CHECK_EQUAL(first.extraction->percentage, 100u);
  CAF_CHECK_EQUAL(first.extraction->total, 3u);
  // History: no items at all, then two pages whose last id counts.
  auto quiet = again(gmail(), first, {answer(R"({"historyId":"905"})")});
  CAF_CHECK_EQUAL(quiet.urls[0], "https://gmail.googleapis.com/gmail/v1/users/me/history"
                                 "?historyTypes=messageAdded&startHistoryId=900");
  auto busy = again(gmail(), quiet,
                    {answer(R"({"history":[{"id":"906","messagesAdded":[{"message":{"id":"m6"}},
                       {"message":{"id":"m7"}}]},{"id":"907","labelsAdded":[{}]}],
                       "nextPageToken":"q2","historyId":"920"})"),
                     answer(R"({"history":[{"messagesAdded":[{"message":{"id":"m8"}}]}],
                       "historyId":921})")});
  CAF_CHECK_EQUAL(busy.urls[1], "https://gmail.googleapis.com/gmail/v1/users/me/history"
                                "?historyTypes=messageAdded&startHistoryId=905&pageToken=q2");
  CAF_CHECK_EQUAL(joined(busy.keys()), "m6 m7 m8");
  CAF_CHECK_EQUAL(busy.outcome.progress.cursor,
                  R"({"v":"921","k":["m8","m7","m6","m5","m4","m3"]})");
  // The id is gone: everything up to what is known, without the bound of a first sync.
  auto resync = again(gmail(), busy,
                      {answer(R"({"error":{"code":404}})", 404), answer(R"({"historyId":"990"})"),
                       answer(R"({"messages":[{"id":"m12"},{"id":"m11"},{"id":"m10"},{"id":"m9"},
                         {"id":"m8"},{"id":"m7"}],"nextPageToken":"x"})")});
  CAF_CHECK(resync.outcome.resynced);
  CAF_CHECK(!resync.outcome.problem);
  CAF_CHECK_EQUAL(joined(resync.keys()), "m12 m11 m10 m9");
  CAF_CHECK_EQUAL(std::string{decoded_cursor(resync.outcome.progress.cursor)->value}, "990");
}

CAF_TEST(a first sync that fails at its second page goes on there) {
  auto first = play(gmail(), {},
                    {answer(R"({"historyId":"900"})"),
                     answer(R"({"messages":[{"id":"m5"}],"nextPageToken":"p2"})"),
                     answer("{}", 429, {{"Retry-After", "30"}})});
  CAF_REQUIRE(first.outcome.problem);
  CAF_CHECK(first.outcome.problem->kind == answer_failure::rate_limited);
  CAF_CHECK_EQUAL(first.outcome.progress.failure_count, 0u);
  CAF_CHECK_EQUAL(joined(first.keys()), "m5");
  CAF_CHECK_EQUAL(first.extraction->done, 1u);
  CAF_CHECK_EQUAL(first.extraction->percentage, 33u);
  auto second = again(gmail(), first,
                      {answer(R"({"messages":[{"id":"m4"},{"id":"m3"},{"id":"m2"}]})")});
  CAF_CHECK_EQUAL(second.urls[0], "https://gmail.googleapis.com/gmail/v1/users/me/messages"
                                  "?maxResults=100&q=newer_than%3A7d&pageToken=p2");
  CAF_CHECK_EQUAL(joined(second.keys()), "m4 m3");
  CAF_CHECK_EQUAL(second.outcome.progress.cursor, R"({"v":"900","k":["m5","m4","m3"]})");
}

CAF_TEST(Calendar takes its token from the last page only) {
  auto first = play(calendar(), {},
                    {answer(R"({"items":[{"id":"a","updated":"u1"}],"nextPageToken":"p2"})"),
                     answer(R"({"items":[{"id":"b","updated":"u2"}],"nextSyncToken":"s1"})")});
  CAF_CHECK_EQUAL(first.outcome.progress.cursor, "s1");
  CAF_CHECK_EQUAL(joined(first.keys()), "a|u1 b|u2");
  // The chain breaks: what was read is kept, the token stays the old one.
  auto broken = again(calendar(), first,
                      {answer(R"({"items":[{"id":"c","updated":"u3"}],"nextPageToken":"p9"})"),
                       result<http_response>{error{errc::upstream_unavailable, "x"}}});
  CAF_CHECK_EQUAL(joined(broken.keys()), "c|u3");
  CAF_CHECK(broken.outcome.problem->kind == answer_failure::transient);
  CAF_CHECK_EQUAL(std::string{decoded_cursor(broken.outcome.progress.cursor)->value}, "s1");
  CAF_CHECK_EQUAL(broken.outcome.progress.failure_count, 1u);
  // The page's token is lost meanwhile: the chain begins again from the old sync token.
  auto anew = again(calendar(), broken,
                    {answer(R"({"error":{"code":400}})", 400),
                     answer(R"({"items":[{"id":"c","updated":"u3"},{"id":"d","updated":"u4"}],
                       "nextSyncToken":"s2"})")});
  CAF_CHECK(anew.urls[0].ends_with("syncToken=s1&pageToken=p9"));
  CAF_CHECK(anew.urls[1].ends_with("maxResults=250&syncToken=s1"));
  CAF_CHECK_EQUAL(anew.outcome.progress.cursor, "s2");
  CAF_CHECK(!anew.outcome.resynced);
  // 410: all over again, without the token.
  auto gone = again(calendar(), anew,
                    {answer("{}", 410),
                     answer(R"({"items":[{"id":"e","status":"cancelled","updated":"u5"}],
                       "nextSyncToken":"s3"})")});
  CAF_CHECK(gone.outcome.resynced);
  CAF_CHECK(gone.urls[1].ends_with("events?maxResults=250"));
  CAF_CHECK_EQUAL(gone.outcome.progress.cursor, "s3");
  // Gone twice in a row is a problem, not a loop.
  auto twice = again(calendar(), gone, {answer("{}", 410), answer("{}", 410)});
  CAF_CHECK(twice.outcome.problem);
  CAF_CHECK_EQUAL(twice.outcome.progress.cursor, "s3");
}

CAF_TEST(a bounded first sync of Calendar reads to the token and keeps no more than its bound) {
  auto endpoint = calendar();
  endpoint.first_sync_items_max = 1;
  endpoint.first_sync_params = {{"timeMin", "{now-7d}"}};
  auto run = play(endpoint, {},
                  {answer(R"({"items":[{"id":"a","updated":"1"},{"id":"b","updated":"1"}],
                     "nextPageToken":"p2"})"),
                   answer(R"({"items":[{"id":"c","updated":"1"}],"nextSyncToken":"s1"})")});
  CAF_CHECK_EQUAL(run.urls[0], "https://www.googleapis.com/calendar/v3/calendars/primary/events"
                               "?maxResults=250&timeMin=2026-11-14T09%3A00%3A00Z");
  CAF_CHECK_EQUAL(joined(run.keys()), "a|1");
  CAF_CHECK_EQUAL(run.outcome.progress.cursor, "s1");
}

CAF_TEST(Slack compares its times as decimal text) {
  auto first = play(slack(), {},
                    {answer(R"({"ok":true,"messages":[{"ts":"1355517523.000005"},
                       {"ts":"1355517523.000004"}],"has_more":true,
                       "response_metadata":{"next_cursor":"bmV4"}})"),
                     answer(R"({"ok":true,"messages":[{"ts":"999999999.999999"}],
                       "response_metadata":{"next_cursor":""}})")},
                    now, "C1");
  CAF_CHECK_EQUAL(first.urls[0],
                  "https://slack.com/api/conversations.history?channel=C1&limit=15");
  CAF_CHECK_EQUAL(first.urls[1], first.urls[0] + "&cursor=bmV4");
  CAF_CHECK_EQUAL(first.outcome.progress.cursor, "1355517523.000005");
  CAF_CHECK_EQUAL(joined(first.keys()),
                  "C1|1355517523.000005 C1|1355517523.000004 C1|999999999.999999");
  auto second = play(slack(), first.outcome.progress,
                     {answer(R"({"ok":true,"messages":[]})")}, now, "C1");
  CAF_CHECK(second.urls[0].ends_with("&oldest=1355517523.000005"));
  CAF_CHECK_EQUAL(second.outcome.progress.cursor, "1355517523.000005");
  CAF_CHECK(compare_cursors("1355517523.000005", "1355517523.00001") < 0);
  CAF_CHECK(compare_cursors("1355517523.1", "1355517523.100") == 0);
  CAF_CHECK(compare_cursors("99", "100") < 0);
  CAF_CHECK(compare_cursors("12345678901234567890.1", "12345678901234567890.2") < 0);
  CAF_CHECK(compare_cursors("2026-11-21T09:00:00Z", "2026-11-21T09:00:00.5Z") < 0);
  CAF_CHECK(compare_cursors("2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z") == 0);
}

CAF_TEST(times as cursors overlap a little) {
  auto endpoint = slack();
  endpoint.url = "https://www.googleapis.com/youtube/v3/activities";
  endpoint.items = "items";
  endpoint.key = {"id"};
  endpoint.next_cursor = "snippet.publishedAt";
  endpoint.cursor_param = "publishedAfter";
  auto run = play(endpoint, progress_at("2026-11-21T08:00:02Z"),
                  {answer(R"({"items":[
                     {"id":"a","snippet":{"publishedAt":"2026-11-21T08:30:00Z"}},
                     {"id":"b","snippet":{"publishedAt":"2026-11-21T08:10:00.5Z"}},
                     {"id":"c"}]})")});
  CAF_CHECK(run.urls[0].ends_with("publishedAfter=2026-11-21T07%3A59%3A57Z"));
  CAF_CHECK_EQUAL(joined(run.keys()), "a b c");
  CAF_CHECK_EQUAL(run.outcome.progress.cursor, "2026-11-21T08:30:00Z");
}

CAF_TEST(newest first lists without a parameter end at older times) {
  auto endpoint = slack();
  endpoint.url = "https://www.googleapis.com/youtube/v3/playlistItems";
  endpoint.cursor_param.clear();
  auto run = play(endpoint, progress_at("50"),
                  {answer(R"({"messages":[{"ts":"60"},{"ts":"50"},{"ts":"49"}],
                     "response_metadata":{"next_cursor":"n"}})"),
                   answer(R"({"messages":[{"ts":"48"}],
                     "response_metadata":{"next_cursor":"m"}})")});
  CAF_CHECK_EQUAL(joined(run.keys()), "60 50");
  CAF_CHECK_EQUAL(run.outcome.progress.cursor, "60");
}

CAF_TEST(the same digest is nothing new) {
  endpoint_spec userinfo;
  userinfo.id = "userinfo";
  userinfo.url = "https://api.linkedin.com/v2/userinfo";
  userinfo.cursor = cursor_style::digest;
  userinfo.ignored = {"picture", "images[].url"};
  auto first = play(userinfo, {},
                    {answer(R"({"sub":"1","name":"Ann","picture":"a",
                       "images":[{"url":"x","w":1}]})")});
  CAF_CHECK_EQUAL(first.outcome.items.size(), 1u);
  CAF_CHECK(first.outcome.items[0].key.starts_with("digest:"));
  auto same = again(userinfo, first,
                    {answer(R"({ "images":[{"w":1,"url":"z"}], "name":"Ann","sub":"1",
                       "picture":"b"})")});
  CAF_CHECK(same.outcome.unchanged);
  CAF_CHECK(same.outcome.items.empty());
  CAF_CHECK_EQUAL(same.outcome.progress.cursor, first.outcome.progress.cursor);
  auto changed = again(userinfo, same, {answer(R"({"sub":"1","name":"Anne","images":[{"w":1}]})")});
  CAF_CHECK_EQUAL(changed.outcome.items.size(), 1u);
  CAF_CHECK(changed.outcome.items[0].key != first.outcome.items[0].key);
  // A list in another order is the same list.
  endpoint_spec guilds = userinfo;
  guilds.key = {"id"};
  auto list = play(guilds, {}, {answer(R"([{"id":"1"},{"id":"2"}])")});
  auto turned = again(guilds, list, {answer(R"([{"id":"2"},{"id":"1"}])")});
  CAF_CHECK(turned.outcome.unchanged);
  auto left = again(guilds, list, {answer(R"([{"id":"2"}])")});
  CAF_CHECK(!left.outcome.unchanged);
}

CAF_TEST(items without a key get a digest and doubles count once) {
  auto run = play(github(), progress_at("{}"),
                  {answer(R"([{"id":"1","a":1},{"id":null,"b":1},{"b":1},{"id":"1","a":2},{"id":7},
                     {"id":{"x":1}}, {"id":"a\u0000b"}])")});
  auto keys = run.keys();
  CAF_CHECK_EQUAL(keys.size(), 6u);
  CAF_CHECK_EQUAL(keys[0], "1");
  CAF_CHECK(keys[1].starts_with("digest:"));
  CAF_CHECK(keys[2].starts_with("digest:"));
  CAF_CHECK_EQUAL(keys[3], "7");
  CAF_CHECK(keys[4].starts_with("digest:"));
  CAF_CHECK(keys[5].starts_with("digest:"));
  CAF_CHECK_EQUAL(run.outcome.items[5].json, R"({"id":"a\ufffdb"})");
  // Parts cannot be mistaken for one another.
  auto endpoint = spotify();
  endpoint.cursor = cursor_style::none;
  auto two = play(endpoint, progress_at("{}"),
                  {answer(R"({"items":[{"played_at":"a|b","track":{"id":"c"}},
                     {"played_at":"a","track":{"id":"b|c"}}]})")});
  CAF_CHECK_EQUAL(joined(two.keys()), "a%7Cb|c a|b%7Cc");
}

CAF_TEST(numbers keep every digit) {
  auto run = play(github(), progress_at("{}"),
                  {answer(R"([ { "id" : 12345678901234567890123 , "n" : 1.10 } ])")});
  CAF_CHECK_EQUAL(run.outcome.items[0].key, "12345678901234567890123");
  CAF_CHECK_EQUAL(run.outcome.items[0].json, R"({"id":12345678901234567890123,"n":1.10})");
}

CAF_TEST(answers that are not what they should be change nothing) {
  auto deep = std::string(70, '[') + std::string(70, ']');
  const std::string bodies[] = {
    "nonsense", "{", "[1]", "[[]]", "\"text\"", "17", "null", "true", "[{\"id\":\"1\"}", deep,
    "[{\"id\":\"\xff\"}]", "{\"items\":[]} x", "[\"text\"]", "[null]",
  };
  for (const auto& body : bodies) {
    auto run = play(github(), progress_at(R"({"k":["0"]})", "\"e\""), {answer(body)});
    CAF_MESSAGE(body.substr(0, 40));
    CAF_REQUIRE(run.outcome.problem);
    CAF_CHECK(run.outcome.problem->kind == answer_failure::broken_answer);
    CAF_CHECK(run.outcome.items.empty());
    CAF_CHECK_EQUAL(run.outcome.progress.cursor, R"({"k":["0"]})");
    CAF_CHECK_EQUAL(run.outcome.progress.etag, "\"e\"");
    CAF_CHECK(run.outcome.progress.last_poll == now - 1h);
    CAF_CHECK(run.outcome.problem->detail.starts_with("user_events: "));
  }
  const char* wrong_types[] = {
    R"({"items":"x"})", R"({"items":17})", R"({"items":[1]})", R"([{"played_at":"1"}])",
    R"({"items":[],"cursors":{"after":true}})", R"({"items":[],"cursors":{"after":{}}})",
    R"({"items":[],"cursors":{"after":"a\u0000"}})",
  };
  for (const char* body : wrong_types) {
    auto run = play(spotify(), progress_at("5"), {answer(body)});
    CAF_MESSAGE(body);
    CAF_REQUIRE(run.outcome.problem);
    CAF_CHECK_EQUAL(run.outcome.progress.cursor, "5");
  }
}

CAF_TEST(pages that lead in a circle end) {
  auto endpoint = calendar();
  auto page = answer(R"({"items":[{"id":"a","updated":"1"}],"nextPageToken":"p"})");
  auto run = play(endpoint, progress_at("s"), {page, page});
  CAF_REQUIRE(run.outcome.problem);
  CAF_CHECK(run.outcome.problem->kind == answer_failure::broken_answer);
  // After three failures the chain is not gone on with.
  auto from = run.outcome.progress;
  from.failure_count = 3;
  auto anew = play(endpoint, from, {answer(R"({"items":[],"nextSyncToken":"t"})")});
  CAF_CHECK(anew.urls[0].ends_with("syncToken=s"));
}

CAF_TEST(failures are told apart) {
  struct row {
    int status;
    const char* body;
    http_headers headers;
    answer_failure kind;
  };
  const row rows[] = {
    {401, "{}", {}, answer_failure::unauthorised},
    {403, "{}", {}, answer_failure::forbidden},
    {403, R"({"error":{"errors":[{"reason":"insufficientPermissions"}]}})", {},
     answer_failure::forbidden},
    {403, "{}", {{"X-RateLimit-Remaining", "0"}}, answer_failure::rate_limited},
    {403, "{}", {{"Retry-After", "60"}}, answer_failure::rate_limited},
    {403, R"({"error":{"errors":[{"reason":"quotaExceeded"}]}})", {},
     answer_failure::rate_limited},
    {403, R"({"message":"You have exceeded a secondary rate limit."})", {},
     answer_failure::rate_limited},
    {429, "", {}, answer_failure::rate_limited},
    {404, "{}", {}, answer_failure::not_found},
    {500, "", {}, answer_failure::transient},
    {503, "<html>", {}, answer_failure::transient},
    {408, "", {}, answer_failure::transient},
    {400, "{}", {}, answer_failure::refused},
    {302, "", {}, answer_failure::refused},
    {200, R"({"ok":false,"error":"invalid_auth"})", {}, answer_failure::unauthorised},
    {200, R"({"ok":false,"error":"missing_scope"})", {}, answer_failure::forbidden},
    {200, R"({"ok":false,"error":"ratelimited"})", {}, answer_failure::rate_limited},
    {200, R"({"ok":false,"error":"internal_error"})", {}, answer_failure::transient},
    {200, R"({"ok":false,"error":"channel_not_found"})", {}, answer_failure::not_found},
    {200, R"({"ok":false})", {}, answer_failure::refused},
  };
  for (const auto& row : rows) {
    auto run = play(slack(), progress_at("5"), {answer(row.body, row.status, row.headers)}, now,
                    "C1");
    CAF_MESSAGE(row.status << ' ' << row.body);
    CAF_REQUIRE(run.outcome.problem);
    CAF_CHECK_EQUAL(to_string_view(run.outcome.problem->kind), to_string_view(row.kind));
    CAF_CHECK_EQUAL(run.outcome.progress.cursor, "5");
    bool is_counted = row.kind != answer_failure::unauthorised
                      && row.kind != answer_failure::rate_limited;
    CAF_CHECK_EQUAL(run.outcome.progress.failure_count, is_counted ? 1u : 0u);
  }
  auto hidden = problem_of(answer(R"({"error":"token ya29.secret with spaces"})", 403), limits);
  CAF_CHECK(hidden->detail.find("ya29") == std::string::npos);
}

CAF_TEST(nothing is asked for nobody) {
  auto endpoint = github();
  poll_run run{{&endpoint, &limits, "", ""}, {}, now};
  CAF_CHECK(run.is_done());
  CAF_CHECK(!run.next());
  CAF_CHECK(run.take_outcome().problem->kind == answer_failure::refused);
}

CAF_TEST(what is written into URLs cannot leave its place) {
  auto endpoint = slack();
  endpoint.params = {{"q", "{account} & {resource}"}};
  poll_run run{{&endpoint, &limits, "a/b", "C1&x=../{account}"}, {}, now};
  CAF_CHECK_EQUAL(std::string{run.next()->url},
                  "https://slack.com/api/conversations.history?channel="
                  "C1%26x%3D..%2F%7Baccount%7D&q=a%2Fb%20%26%20C1%26x%3D..%2F%7Baccount%7D");
}

CAF_TEST(a path keeps the slashes of a name but nothing climbs) {
  const std::pair<const char*, const char*> rows[] = {
    {"octo/repo", "https://x.example/octo/repo/hooks?r=octo%2Frepo"},
    {"../../admin", "https://x.example/..%2F..%2Fadmin/hooks?r=..%2F..%2Fadmin"},
    {"a//b", "https://x.example/a%2F%2Fb/hooks?r=a%2F%2Fb"},
    {"a?b#c", "https://x.example/a%3Fb%23c/hooks?r=a%3Fb%23c"},
    {"", "https://x.example//hooks?r="},
  };
  for (const auto& [resource, url] : rows)
    CAF_CHECK_EQUAL(filled_url("https://x.example/{resource}/hooks?r={resource}",
                               {"", resource, now}),
                    url);
}

CAF_TEST(cursors survive being written down) {
  cursor_state full;
  full.value = "{odd\"";
  full.known = {"a", "b\n"};
  full.page = "p";
  full.pending = "n";
  full.head = {"h"};
  full.first = true;
  full.resync = true;
  full.kept = 17;
  CAF_CHECK(decoded_cursor(encoded(full)) == full);
  CAF_CHECK(!decoded_cursor(""));
  CAF_CHECK(!decoded_cursor("{broken"));
  CAF_CHECK_EQUAL(std::string{decoded_cursor("plain")->value}, "plain");
  CAF_CHECK_EQUAL(encoded({}), "{}");
}
