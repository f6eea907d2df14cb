#define CAF_SUITE webhook_youtube
#include "tests/support/caf_test.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "net/webhook/atom.hpp"
#include "net/webhook/payloads.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

/// After the sample of YouTube's guide to push notifications.
const std::string feed = R"(<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
  <link rel="hub" href="https://pubsubhubbub.appspot.com"/>
  <link rel="self" href="https://www.youtube.com/xml/feeds/videos.xml?channel_id=CHANNEL_ID"/>
  <title>YouTube video feed</title>
  <updated>2015-04-01T19:05:24.552394234+00:00</updated>
  <!-- a <comment> & more -->
  <entry>
    <id>yt:video:VIDEO_ID</id>
    <yt:videoId>VIDEO_ID</yt:videoId>
    <yt:channelId>CHANNEL_ID</yt:channelId>
    <title>Video &amp; title &#x1F600; <![CDATA[<b>]]></title>
    <link rel="alternate" href="http://www.youtube.com/watch?v=VIDEO_ID&amp;x=1"/>
    <author>
     <name>Channel title</name>
     <uri>http://www.youtube.com/channel/CHANNEL_ID</uri>
    </author>
    <published>2015-03-06T21:40:57+00:00</published>
    <updated>2015-03-09T19:05:24.552394234+00:00</updated>
  </entry>
</feed>)";

} // namespace

CAF_TEST(a video feed becomes an event of its first entry) {
  auto delivery = delivery_of(read_youtube(test_request{feed}));
  CAF_CHECK_EQUAL(delivery.delivery_id, "VIDEO_ID:2015-03-09T19:05:24.552394234+00:00");
  CAF_CHECK_EQUAL(delivery.draft.message,
                  "video Video & title \xf0\x9f\x98\x80 <b> by Channel title");
  auto data = nlohmann::json::parse(delivery.draft.data);
  CAF_CHECK(data["event"] == "video");
  CAF_CHECK(data["summary"]["channelId"] == "CHANNEL_ID");
  CAF_CHECK(data["summary"]["url"] == "http://www.youtube.com/watch?v=VIDEO_ID&x=1");
  CAF_CHECK(nlohmann::json::parse(delivery.draft.payload) == feed);
}

CAF_TEST(a tombstone becomes the deletion of its video) {
  auto delivery = delivery_of(read_youtube(test_request{
    R"(<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">
    <at:deleted-entry ref="yt:video:V1" when="2026-01-01T00:00:00Z"><at:by/></at:deleted-entry>
    </feed>)"}));
  CAF_CHECK_EQUAL(delivery.delivery_id, "V1:2026-01-01T00:00:00Z");
  CAF_CHECK_EQUAL(delivery.draft.message, "video V1 deleted");
  CAF_CHECK(nlohmann::json::parse(delivery.draft.data)["event"] == "video_deleted");
}

CAF_TEST(names are told apart by namespace and not by prefix) {
  auto other = read_atom(R"(<a:feed xmlns:a="http://www.w3.org/2005/Atom"
    xmlns:b="http://www.youtube.com/xml/schemas/2015" xmlns:c="urn:other"><a:entry>
    <c:videoId>wrong</c:videoId><b:videoId>right</b:videoId><b:videoId xmlns:b="urn:other">wrong
    </b:videoId><a:updated>now</a:updated></a:entry></a:feed>)");
  CAF_REQUIRE(other.has_value());
  CAF_CHECK_EQUAL(other->video_id, "right");
  CAF_CHECK_EQUAL(other->updated, "now");
}

CAF_TEST(a feed cut anywhere is refused) {
  for (std::size_t size = 0; size + 1 < feed.size(); ++size)
    CAF_CHECK(!read_atom(feed.substr(0, size)));
}

CAF_TEST(what is not well formed or not plain is refused) {
  auto in_feed = [](const std::string& inside) {
    return R"(<feed xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015"><entry>)"
           + inside + "</entry></feed>";
  };
  CAF_CHECK(read_atom(in_feed("")));
  for (const auto* inside :
       {"<a>", "</a>", "<a></b>", "&nbsp;", "&#0;", "&#xD800;", "&#x110000;", "&amp", "&;", "&#;",
        "<a b/>", "<a b=c/>", "<a b='<'/>", "<a b='1' b='2'/>", "<a b='1'c='2'/>", "<x:a/>", "<:a/>",
        "<yt:/>", "<yt:a:b/>", "]]>", "<![CDATA[", "<!-- ", "< a/>", "<a/ >", "<>", "<!ENTITY x 'y'>"})
    CAF_CHECK(!read_atom(in_feed(inside)));
  CAF_CHECK(!read_atom(""));
  CAF_CHECK(!read_atom("x" + in_feed("")));
  CAF_CHECK(!read_atom(in_feed("") + "x"));
  CAF_CHECK(!read_atom(in_feed("") + "<a/>"));
  CAF_CHECK(!read_atom(R"(<!DOCTYPE feed [<!ENTITY a "b">]>)" + in_feed("&a;")));
  CAF_CHECK(!read_atom("<feed><entry/></feed>")); // Of no namespace.
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += "<a>";
  CAF_CHECK(!read_atom(in_feed(deep)));
  for (const auto& body : {in_feed(""), std::string{"{}"}, std::string{}, std::string{"\xff"},
                           in_feed("<yt:videoId>a b</yt:videoId><updated>x</updated>")})
    CAF_CHECK_EQUAL(kind_of(read_youtube(test_request{body})), "bad_request");
}

CAF_TEST(an intent is verified only for what was wanted) {
  auto wanted = [](std::string_view mode, std::string_view topic) {
    return mode == "subscribe" && topic == "https://topic/x?a=1";
  };
  auto status = [&](const char* query) { return answer_websub(query, wanted).status; };
  auto good = answer_websub("hub.mode=subscribe&hub.topic=https%3A%2F%2Ftopic%2Fx%3Fa%3D1"
                            "&hub.challenge=abc-123&hub.lease_seconds=432000",
                            wanted);
  CAF_CHECK_EQUAL(good.status, 200u);
  CAF_CHECK_EQUAL(good.body, "abc-123");
  CAF_CHECK_EQUAL(status("hub.mode=unsubscribe&hub.topic=https%3A%2F%2Ftopic%2Fx%3Fa%3D1"
                         "&hub.challenge=abc"),
                  404u);
  CAF_CHECK_EQUAL(status("hub.mode=subscribe&hub.topic=other&hub.challenge=abc"), 404u);
  CAF_CHECK_EQUAL(status("hub.mode=subscribe&hub.topic=https%3A%2F%2Ftopic%2Fx%3Fa%3D1"), 404u);
  CAF_CHECK_EQUAL(status("hub.mode=subscribe&hub.topic=https%3A%2F%2Ftopic%2Fx%3Fa%3D1"
                         "&hub.challenge=%zz"),
                  404u);
  CAF_CHECK_EQUAL(status(""), 404u);
  CAF_CHECK_EQUAL(status("hub.mode=denied&hub.topic=x&hub.reason=no"), 200u);
}
