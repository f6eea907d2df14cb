#define CAF_SUITE webhook_payloads
#include "tests/support/caf_test.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "net/webhook/payloads.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

nlohmann::json summary_of(const webhook_delivery& delivery) {
  auto data = nlohmann::json::parse(delivery.draft.data, nullptr, false);
  return data.is_object() ? data["summary"] : nlohmann::json{};
}

const std::string slack_event = R"({"token":"xyz","team_id":"T1","api_app_id":"A1",
  "event":{"type":"message","channel":"C1","user":"U1","text":"hello \"token\":\"xyz\"",
  "ts":"1.2","event_ts":"1.2","channel_type":"channel"},
  "type":"event_callback","event_id":"Ev1","event_time":1700000000})";

test_request pubsub(const std::string& notice) {
  return test_request{nlohmann::json{{"message",
                                      {{"data", to_base64url(notice)}, {"messageId", "m1"}}},
                                     {"subscription", "projects/p/subscriptions/s"}}
                        .dump()};
}

} // namespace

// Slack

CAF_TEST(the url verification of Slack gets its challenge back) {
  test_request request{R"({"token":"t","challenge":"3eZbrw1a\"B","type":"url_verification"})"};
  auto answer = answer_of(read_slack(request));
  CAF_CHECK_EQUAL(answer.status, 200u);
  CAF_CHECK_EQUAL(answer.content_type, "application/json");
  CAF_CHECK_EQUAL(answer.body, R"({"challenge":"3eZbrw1a\"B"})");
}

CAF_TEST(a Slack event keeps its payload without the token and its text short) {
  test_request request{slack_event};
  request.set("X-Slack-Retry-Num", "2").set("X-Slack-Retry-Reason", "http_timeout");
  auto delivery = delivery_of(read_slack(request));
  CAF_CHECK_EQUAL(delivery.delivery_id, "T1:Ev1");
  CAF_CHECK_EQUAL(delivery.draft.message, "message in C1 by U1: hello \"token\":\"xyz\"");
  auto expected = slack_event;
  expected.replace(expected.find("\"xyz\""), 5, "\"\"");
  CAF_CHECK(delivery.draft.payload == expected);
  CAF_CHECK(nlohmann::json::parse(delivery.draft.data)["event"] == "message");
  auto summary = summary_of(delivery);
  CAF_CHECK(summary["channel"] == "C1");
  CAF_CHECK(summary["retry"] == "2");
  CAF_CHECK(summary["retryReason"] == "http_timeout");
  CAF_CHECK(!summary.contains("token"));

  auto body = nlohmann::json::parse(slack_event);
  body["event"]["text"] = std::string(5000, 'x');
  auto long_one = delivery_of(read_slack(test_request{body.dump()}));
  CAF_CHECK(long_one.draft.message.size() < 180);
  CAF_CHECK(summary_of(long_one)["text"].get<std::string>().size() < 130);
}

CAF_TEST(the token of Slack is blanked however it is written) {
  auto payload = [](const std::string& token_members) {
    test_request request{R"({"a":{"token":"inner"},)" + token_members
                         + R"(,"team_id":"T1","event_id":"E","type":"event_callback",)"
                           R"("event":{"type":"x","token":"inner"}})"};
    return delivery_of(read_slack(request)).draft.payload;
  };
  for (const std::string& written :
       {std::string{R"("token":"secret")"}, std::string{R"("token" : "se\"cr\\et" )"},
        std::string{"\n\"token\"\n:\n[\"secret\",{\"x\":\"}\"}]"}, std::string{R"("token":12345)"},
        std::string{R"("\u0074oken":"secret")"}, std::string{R"("t\u006fken":"secret")"},
        std::string{R"("token":"secret","b":1,"token":"secret2")"},
        std::string{R"("token":{"a":"secret"})"}}) {
    auto stored = payload(written);
    auto json = nlohmann::json::parse(stored, nullptr, false);
    CAF_REQUIRE(json.is_object());
    CAF_CHECK(json["token"] == "");
    CAF_CHECK(stored.find("secret") == stored.npos);
    CAF_CHECK(stored.find("12345") == stored.npos);
    CAF_CHECK(json["a"]["token"] == "inner");
    CAF_CHECK(json["event"]["token"] == "inner");
  }
}

CAF_TEST(Slack events with objects for ids and reactions are readable) {
  test_request reaction{R"({"type":"event_callback","team_id":"T","event_id":"E","event":
    {"type":"reaction_added","user":"U1","reaction":"thumbsup","item":{"channel":"C9"}}})"};
  CAF_CHECK_EQUAL(delivery_of(read_slack(reaction)).draft.message,
                  "reaction_added :thumbsup: in C9 by U1");
  test_request channel{R"({"type":"event_callback","team_id":"T","event_id":"E","event":
    {"type":"channel_created","channel":{"id":"C7","name":"x"}}})"};
  CAF_CHECK_EQUAL(delivery_of(read_slack(channel)).draft.message, "channel_created in C7");
}

CAF_TEST(a rate limit of Slack is an event of its minute) {
  test_request request{R"({"token":"t","type":"app_rate_limited","team_id":"T1",
    "minute_rate_limited":1518467820,"api_app_id":"A1"})"};
  auto delivery = delivery_of(read_slack(request));
  CAF_CHECK_EQUAL(delivery.delivery_id, "T1:rate-limited:1518467820");
  CAF_CHECK(delivery.draft.payload.find("\"t\"") == std::string::npos);
}

CAF_TEST(what Slack does not send is refused) {
  for (const auto* body :
       {"{}", "[]", R"({"type":"other"})", R"({"type":"url_verification"})",
        R"({"type":"url_verification","challenge":7})", R"({"type":"event_callback"})",
        R"({"type":"event_callback","team_id":"T","event_id":"E","event":{}})",
        R"({"type":"event_callback","team_id":"T T","event_id":"E","event":{"type":"x"}})",
        R"({"type":"app_rate_limited","team_id":"T"})"})
    CAF_CHECK_EQUAL(kind_of(read_slack(test_request{body})), "bad_request");
  for (const auto* body : {"", "token=x&team_id=T", "{\"type\":\"\xff\"}"})
    CAF_CHECK_EQUAL(kind_of(read_slack(test_request{body})), "malformed_json");
}

// Gmail

CAF_TEST(the published Gmail envelope names mailbox and history) {
  auto vector = golden("gmail-pubsub-envelope");
  test_request request{vector["inputs"]["envelope"].dump()};
  auto delivery = delivery_of(read_gmail(request));
  CAF_CHECK_EQUAL(delivery.delivery_id, "2070443601311540");
  CAF_CHECK_EQUAL(delivery.source, "gmail");
  CAF_REQUIRE(delivery.owner.has_value());
  CAF_CHECK_EQUAL(delivery.owner->platform.str(), "gmail");
  CAF_CHECK_EQUAL(delivery.owner->name, "user@example.com");
  CAF_CHECK_EQUAL(delivery.draft.message, "mailbox user@example.com changed");
  CAF_CHECK(summary_of(delivery)["historyId"] == "1234567890");
}

CAF_TEST(Gmail data may be base64 of any kind and the history a number) {
  std::string notice = R"({"emailAddress":"a>b?c@example.com","historyId":9876543210})";
  for (const auto& data : {to_base64(notice), to_base64url(notice)}) {
    test_request request{
      nlohmann::json{{"message", {{"data", data}, {"message_id", "7"}}}}.dump()};
    auto delivery = delivery_of(read_gmail(request));
    CAF_REQUIRE(delivery.owner.has_value());
    CAF_CHECK_EQUAL(delivery.owner->name, "a>b?c@example.com");
    CAF_CHECK(summary_of(delivery)["historyId"] == "9876543210");
    CAF_CHECK_EQUAL(delivery.delivery_id, "7");
  }
}

CAF_TEST(a Gmail message that will never be good is acknowledged and forgotten) {
  for (const auto* body : {"", "{", "{}", "[]", R"({"message":{}})", R"({"message":{"data":"e30="}})",
                           R"({"message":{"data":"!","messageId":"1"}})",
                           R"({"message":{"data":"","messageId":"1"}})",
                           R"({"message":{"data":7,"messageId":"1"}})"})
    CAF_CHECK_EQUAL(kind_of(read_gmail(test_request{body})), "ignore");
  for (const auto* notice :
       {"{", "{}", "x", R"({"emailAddress":"a@b"})", R"({"historyId":"1"})",
        R"({"emailAddress":"a b","historyId":"1"})", R"({"emailAddress":"a@b","historyId":[]})",
        "{\"emailAddress\":\"\xff\",\"historyId\":\"1\"}"})
    CAF_CHECK_EQUAL(kind_of(read_gmail(pubsub(notice))), "ignore");
  CAF_CHECK_EQUAL(kind_of(read_gmail(pubsub(R"({"emailAddress":"a@b","historyId":"1"})"))),
                  "deliver");
}

// Calendar

CAF_TEST(a calendar notice is made of its headers and sync is only answered) {
  test_request request;
  request.set("X-Goog-Channel-ID", "chan-1")
    .set("X-Goog-Message-Number", "10")
    .set("X-Goog-Resource-ID", "res")
    .set("X-Goog-Resource-State", "exists")
    .set("X-Goog-Resource-URI", "https://www.googleapis.com/calendar/v3/x")
    .set("X-Goog-Channel-Token", "secret");
  auto delivery = delivery_of(read_calendar(request));
  CAF_CHECK_EQUAL(delivery.delivery_id, "chan-1:10");
  CAF_CHECK(nlohmann::json::parse(delivery.draft.payload)["resourceId"] == "res");
  CAF_CHECK(delivery.draft.payload.find("secret") == std::string::npos);
  CAF_CHECK(nlohmann::json::parse(delivery.draft.data)["event"] == "exists");
  request.set("X-Goog-Resource-State", "sync");
  CAF_CHECK_EQUAL(kind_of(read_calendar(request)), "answer 200");
  request.set("X-Goog-Resource-State", "a b");
  CAF_CHECK_EQUAL(kind_of(read_calendar(request)), "bad_request");
  CAF_CHECK_EQUAL(kind_of(read_calendar(test_request{})), "bad_request");
}

// Discord

CAF_TEST(both pings of Discord are answered in their own way) {
  auto webhook = answer_of(read_discord(
    test_request{R"({"version":1,"application_id":"1234560123453231555","type":0})"}));
  CAF_CHECK_EQUAL(webhook.status, 204u);
  CAF_CHECK_EQUAL(webhook.body, "");
  auto interaction = answer_of(read_discord(test_request{R"({"id":"1","type":1,"version":1})"}));
  CAF_CHECK_EQUAL(interaction.status, 200u);
  CAF_CHECK_EQUAL(interaction.body, R"({"type":1})");
}

CAF_TEST(a Discord event is delivered and wants an empty answer) {
  std::string body = R"({"version":1,"application_id":"1","type":1,"event":{
    "type":"APPLICATION_AUTHORIZED","timestamp":"2024-10-18T14:42:53.064834",
    "data":{"user":{"id":"9","username":"ann"},"guild":{"id":"8"}}}})";
  auto delivery = delivery_of(read_discord(test_request{body}));
  CAF_CHECK_EQUAL(delivery.status, 204u);
  CAF_CHECK_EQUAL(delivery.draft.message, "application authorized by ann");
  CAF_CHECK_EQUAL(delivery.delivery_id.size(), 40u);
  CAF_CHECK(summary_of(delivery)["guild"] == "8");
  body[12] = '2';
  CAF_CHECK(delivery_of(read_discord(test_request{body})).delivery_id != delivery.delivery_id);
  CAF_CHECK_EQUAL(kind_of(read_discord(test_request{R"({"type":2,"token":"t"})"})), "ignore");
  for (const auto* bad : {"{}", "[]", R"({"type":"1"})", R"({"type":1,"event":{}})"})
    CAF_CHECK_EQUAL(kind_of(read_discord(test_request{bad})), "bad_request");
}

// LinkedIn and any other platform

CAF_TEST(LinkedIn notifications are counted) {
  auto vector = golden("linkedin-webhook");
  auto delivery
    = delivery_of(read_linkedin(test_request{vector["inputs"]["body_utf8"].get<std::string>()}));
  CAF_CHECK_EQUAL(delivery.draft.message, "0 notifications");
  test_request one{R"({"type":"X","notifications":[{"action":"LIKE"}]})"};
  CAF_CHECK_EQUAL(delivery_of(read_linkedin(one)).draft.message, "1 notification (LIKE)");
  CAF_CHECK_EQUAL(kind_of(read_linkedin(test_request{"{}"})), "bad_request");
}

CAF_TEST(any JSON of any platform becomes an event) {
  test_request request{R"({"type":"invoice.paid","timestamp":"2026-01-01T00:00:00Z",
    "data":{"id":"i1"}})"};
  request.set("webhook-id", "msg_1");
  auto delivery = delivery_of(read_generic("myplatform", request));
  CAF_CHECK_EQUAL(delivery.delivery_id, "msg_1");
  CAF_CHECK_EQUAL(delivery.source, "myplatform");
  CAF_CHECK_EQUAL(delivery.draft.platform, "myplatform");
  CAF_CHECK_EQUAL(delivery.draft.message, "invoice.paid from myplatform");
  CAF_CHECK(summary_of(delivery)["id"] == "i1");
  auto list = delivery_of(read_generic("p", test_request{"[1,2]"}));
  CAF_CHECK_EQUAL(list.draft.message, "webhook from p");
  CAF_CHECK_EQUAL(list.delivery_id.size(), 40u);
  CAF_CHECK_EQUAL(kind_of(read_generic("p", test_request{""})), "malformed_json");
}

// Supabase

CAF_TEST(a changed submission goes to the admin and to its artist) {
  std::string body = R"( {"type":"UPDATE","table":"submissions","schema":"public",
    "record":{"id":42,"artist_id":"ann","status":"approved","amount":1.10,
    "updated_at":"2026-01-01"},"old_record":{"id":42,"status":"pending"}} )";
  auto update = read_submission(test_request{body}, at_second(1000));
  CAF_REQUIRE(update);
  CAF_CHECK_EQUAL(update->draft.type, "submission_update");
  CAF_CHECK_EQUAL(update->draft.message, "submission 42 updated (approved)");
  CAF_CHECK_EQUAL(update->operation, "UPDATE");
  CAF_CHECK_EQUAL(update->source, "supabase");
  CAF_CHECK_EQUAL(update->rooms.size(), 2u);
  CAF_CHECK_EQUAL(update->rooms.at(0).str(), "admin");
  CAF_CHECK_EQUAL(update->rooms.at(1).str(), "artist:ann");
  CAF_CHECK(update->draft.data == body.substr(1, body.size() - 2));
}

CAF_TEST(rows without an artist go to the admin only and odd ids make no room) {
  auto rooms = [](const std::string& record) {
    auto update = read_submission(
      test_request{R"({"type":"INSERT","table":"submissions","record":)" + record + "}"},
      at_second(1));
    return update ? update->rooms.size() : 0;
  };
  CAF_CHECK_EQUAL(rooms(R"({"id":1})"), 1u);
  CAF_CHECK_EQUAL(rooms(R"({"id":1,"artist_id":null,"user_id":"u1"})"), 2u);
  CAF_CHECK_EQUAL(rooms(R"({"id":1,"user_id":7})"), 2u);
  CAF_CHECK_EQUAL(rooms(R"({"id":1,"user_id":"a b"})"), 1u);
  CAF_CHECK_EQUAL(rooms(R"({"id":1,"user_id":"\ud83d\ude00"})"), 1u);
  auto deleted = read_submission(
    test_request{
      R"({"type":"DELETE","table":"songs","record":null,"old_record":{"id":"x","user_id":"bob"}})"},
    at_second(1));
  CAF_REQUIRE(deleted);
  CAF_CHECK_EQUAL(deleted->draft.message, "songs x deleted");
  CAF_CHECK_EQUAL(deleted->rooms.at(1).str(), "artist:bob");
}

CAF_TEST(equal changes are one delivery only if the row says so or within a minute) {
  auto id = [](const std::string& members, std::int64_t second) {
    test_request request{R"({"type":"UPDATE","table":"t","record":{"id":1)" + members + "}}"};
    auto update = read_submission(request, at_second(second));
    return update ? update->delivery_id : std::string{};
  };
  std::string versioned = R"(,"updated_at":"2026-01-01T00:00:00Z")";
  CAF_CHECK_EQUAL(id(versioned, 60), id(versioned, 6000));
  CAF_CHECK(id(versioned, 60) != id(R"(,"updated_at":"2026-01-02T00:00:00Z")", 60));
  CAF_CHECK_EQUAL(id("", 60), id("", 119));
  CAF_CHECK(id("", 60) != id("", 120));
  test_request signed_one{R"({"type":"INSERT","table":"t","record":{}})"};
  signed_one.set("webhook-id", "m1");
  auto update = read_submission(signed_one, at_second(1));
  CAF_REQUIRE(update);
  CAF_CHECK_EQUAL(update->delivery_id, "m1");
}

CAF_TEST(what Supabase does not send is refused) {
  for (const auto* body :
       {"{}", "[]", R"({"type":"MERGE","table":"t","record":{}})", R"({"type":"INSERT","record":{}})",
        R"({"type":"INSERT","table":"t","record":null})", R"({"type":"INSERT","table":"t"})",
        R"({"type":"INSERT","table":"t","record":[]})",
        R"({"type":"INSERT","table":"t","record":{},"old_record":7})"})
    CAF_CHECK_EQUAL(code_of(read_submission(test_request{body}, at_second(1))), "bad_request");
  CAF_CHECK_EQUAL(code_of(read_submission(test_request{"{"}, at_second(1))), "malformed_json");
}
