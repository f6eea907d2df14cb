#define CAF_SUITE webhook_github
#include "tests/support/caf_test.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "net/webhook/payloads.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

const std::string delivery_id = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

test_request github(const std::string& event, const std::string& body) {
  test_request request{body};
  request.set("X-GitHub-Event", event)
    .set("X-GitHub-Delivery", delivery_id)
    .set("Content-Type", "application/json");
  return request;
}

/// `members` with the repository and the sender that every payload has.
std::string payload(const std::string& members) {
  return R"({"repository":{"id":1,"full_name":"octo/repo","stargazers_count":42,"forks_count":3},)"
         R"("sender":{"login":"alice"})"
         + (members.empty() ? "}" : "," + members + "}");
}

std::string message(const std::string& event, const std::string& members) {
  return delivery_of(read_github(github(event, payload(members)))).draft.message;
}

nlohmann::json data(const std::string& event, const std::string& members) {
  auto text = delivery_of(read_github(github(event, payload(members)))).draft.data;
  return nlohmann::json::parse(text, nullptr, false);
}

std::string percent_encoded(const std::string& text) {
  std::string out;
  for (char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out += "%" + to_hex({&c, 1});
  }
  return out;
}

} // namespace

CAF_TEST(a push becomes an event with message and summary and the whole payload) {
  auto body = payload(R"("ref":"refs/heads/main","before":"aa","after":"bb","created":false,
    "deleted":false,"forced":false,"compare":"https://github.com/octo/repo/compare/aa...bb",
    "commits":[{"id":"1"},{"id":"2"},{"id":"3"}],"head_commit":{"message":"Fix\nall"})");
  auto delivery = delivery_of(read_github(github("push", body)));
  CAF_CHECK_EQUAL(delivery.draft.type, "webhook_received");
  CAF_CHECK_EQUAL(delivery.draft.platform, "github");
  CAF_CHECK_EQUAL(delivery.draft.message, "push to octo/repo by alice (3 commits)");
  CAF_CHECK(delivery.draft.payload == body);
  CAF_CHECK_EQUAL(delivery.source, "github");
  CAF_CHECK_EQUAL(delivery.delivery_id, delivery_id);
  CAF_CHECK(!delivery.owner);
  CAF_CHECK_EQUAL(delivery.status, 200u);
  auto data = nlohmann::json::parse(delivery.draft.data);
  CAF_CHECK(data["event"] == "push");
  CAF_CHECK(data["deliveryId"] == delivery_id);
  CAF_CHECK(!data.contains("action"));
  auto summary = data["summary"];
  CAF_CHECK(summary["repository"] == "octo/repo");
  CAF_CHECK(summary["sender"] == "alice");
  CAF_CHECK(summary["branch"] == "main");
  CAF_CHECK(summary["commits"] == 3);
  CAF_CHECK(summary["title"] == "Fix all");
}

CAF_TEST(pushes of every kind read as what they did) {
  auto push = [](const std::string& members) { return message("push", members); };
  CAF_CHECK_EQUAL(push(R"("ref":"refs/heads/main","commits":[{}])"),
                  "push to octo/repo by alice (1 commit)");
  CAF_CHECK_EQUAL(push(R"("ref":"refs/heads/main","commits":[],"forced":true)"),
                  "force push to octo/repo by alice (0 commits)");
  CAF_CHECK_EQUAL(push(R"("ref":"refs/heads/a/b","commits":[],"created":true)"),
                  "branch a/b created in octo/repo by alice");
  CAF_CHECK_EQUAL(push(R"("ref":"refs/heads/a","commits":[{},{}],"created":true)"),
                  "branch a created in octo/repo by alice (2 commits)");
  CAF_CHECK_EQUAL(push(R"("ref":"refs/heads/a","commits":[],"deleted":true,"head_commit":null)"),
                  "branch a deleted in octo/repo by alice");
  CAF_CHECK_EQUAL(push(R"("ref":"refs/tags/v1","commits":[],"created":true)"),
                  "tag v1 created in octo/repo by alice");
  CAF_CHECK_EQUAL(push(R"("ref":"refs/tags/v1","commits":[],"deleted":true)"),
                  "tag v1 deleted in octo/repo by alice");
}

CAF_TEST(issues and pull requests tell number and title and what happened) {
  CAF_CHECK_EQUAL(message("issues", R"("action":"opened","issue":{"number":7,"title":"It breaks"})"),
                  "issue #7 opened in octo/repo by alice: It breaks");
  CAF_CHECK_EQUAL(message("pull_request", R"("action":"closed","number":8,
    "pull_request":{"number":8,"title":"Fix","merged":true})"),
                  "pull request #8 merged in octo/repo by alice: Fix");
  CAF_CHECK_EQUAL(message("pull_request", R"("action":"closed","number":8,
    "pull_request":{"number":8,"title":"Fix","merged":false})"),
                  "pull request #8 closed in octo/repo by alice: Fix");
  CAF_CHECK_EQUAL(message("pull_request", R"("action":"ready_for_review",
    "pull_request":{"number":8,"title":"Fix"})"),
                  "pull request #8 ready for review in octo/repo by alice: Fix");
  CAF_CHECK_EQUAL(message("issue_comment", R"("action":"created","comment":{},
    "issue":{"number":8,"title":"Fix","pull_request":{}})"),
                  "comment created on pull request #8 in octo/repo by alice: Fix");
  auto summary = data("pull_request", R"("action":"closed","pull_request":{"number":8,"title":"Fix",
    "state":"closed","merged":true,"html_url":"https://x/8"})");
  CAF_CHECK(summary["action"] == "closed");
  CAF_CHECK(summary["summary"]["merged"] == true);
  CAF_CHECK(summary["summary"]["number"] == 8);
  CAF_CHECK(summary["summary"]["url"] == "https://x/8");
}

CAF_TEST(releases and stars and forks and refs are readable) {
  CAF_CHECK_EQUAL(message("release", R"("action":"published","release":{"tag_name":"v1.2"})"),
                  "release v1.2 published in octo/repo by alice");
  CAF_CHECK_EQUAL(message("star", R"("action":"created")"),
                  "octo/repo starred by alice (42 stars)");
  CAF_CHECK_EQUAL(message("star", R"("action":"deleted")"),
                  "octo/repo unstarred by alice (42 stars)");
  CAF_CHECK_EQUAL(message("watch", R"("action":"started")"), "octo/repo watched by alice");
  CAF_CHECK_EQUAL(message("fork", R"("forkee":{"full_name":"alice/repo"})"),
                  "octo/repo forked to alice/repo by alice");
  CAF_CHECK_EQUAL(message("create", R"("ref":"x","ref_type":"branch")"),
                  "branch x created in octo/repo by alice");
  CAF_CHECK_EQUAL(message("delete", R"("ref":"v1","ref_type":"tag")"),
                  "tag v1 deleted in octo/repo by alice");
  CAF_CHECK_EQUAL(message("workflow_run", R"("action":"completed",
    "workflow_run":{"name":"CI","conclusion":"timed_out"})"),
                  "workflow CI completed (timed out) in octo/repo by alice");
  CAF_CHECK_EQUAL(message("check_run", R"("action":"created","check_run":{"name":"lint"})"),
                  "check lint created in octo/repo by alice");
}

CAF_TEST(an event that nobody knows is kept and reads generically) {
  CAF_CHECK_EQUAL(message("brand_new", R"("action":"happened")"),
                  "brand_new happened in octo/repo by alice");
  auto bare = delivery_of(read_github(github("brand_new", "{}")));
  CAF_CHECK_EQUAL(bare.draft.message, "brand_new");
  auto org = delivery_of(read_github(
    github("organization", R"({"action":"renamed","organization":{"login":"octo"}})")));
  CAF_CHECK_EQUAL(org.draft.message, "organization renamed in octo");
}

CAF_TEST(members of unexpected types never disturb) {
  for (const auto* event : {"push", "issues", "pull_request", "release", "star", "fork", "create",
                            "check_run", "status", "member", "other"})
    for (const auto* body :
         {R"({"repository":7,"sender":[],"action":{},"ref":null,"commits":{},"issue":"x",
             "pull_request":1,"release":[],"forkee":false})",
          R"({"repository":{"full_name":1},"sender":{"login":null},"commits":[1,2],
             "issue":{"number":"7","title":9},"head_commit":[]})"})
      CAF_CHECK_EQUAL(kind_of(read_github(github(event, body))), "deliver");
}

CAF_TEST(titles are cut between characters and never hold control characters) {
  std::string long_title;
  for (int i = 0; i < 200; ++i)
    long_title += "\xc3\xa9";
  auto text = message("issues", R"("action":"opened","issue":{"number":1,"title":")" + long_title
                                  + "\"}");
  CAF_CHECK(text.ends_with("\xc3\xa9\xe2\x80\xa6"));
  CAF_CHECK(text.size() < 200);
  CAF_CHECK_EQUAL(message("issues", R"("issue":{"number":1,"title":"a\nb\u0000c\u007f"})"),
                  std::string("issue #1 in octo/repo by alice: a b c "));
}

CAF_TEST(a ping is answered and no event) {
  auto outcome = read_github(github("ping", R"({"zen":"Keep it","hook_id":30,"hook":{}})"));
  CAF_CHECK_EQUAL(kind_of(outcome), "answer 200");
  auto answer = nlohmann::json::parse(answer_of(outcome).body);
  CAF_CHECK(answer["received"] == true);
  CAF_CHECK(answer["event"] == "ping");
}

CAF_TEST(form bodies give the same event as JSON bodies) {
  auto body = payload(R"("ref":"refs/heads/\u00e4 &=+%","commits":[])");
  auto request = github("push", "payload=" + percent_encoded(body));
  request.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  auto form = delivery_of(read_github(request));
  auto json = delivery_of(read_github(github("push", body)));
  CAF_CHECK(form.draft.payload == body);
  CAF_CHECK(form.draft.data == json.draft.data);
  CAF_CHECK(form.draft.message == json.draft.message);
}

CAF_TEST(broken forms are refused) {
  for (const auto* body : {"", "payload", "other=1", "payload=%", "payload=%7", "payload=%zz",
                           "payload={}&payload={}", "payload=%7B%7D%2", "payload%3D{}"}) {
    auto request = github("push", body);
    request.set("Content-Type", "Application/X-WWW-Form-Urlencoded");
    CAF_CHECK_EQUAL(kind_of(read_github(request)), "bad_request");
  }
  for (const auto* body : {"payload=", "payload={", "payload=%ff", "payload=%00"}) {
    auto request = github("push", body);
    request.set("Content-Type", "application/x-www-form-urlencoded");
    CAF_CHECK_EQUAL(kind_of(read_github(request)), "malformed_json");
  }
}

CAF_TEST(event name and delivery id are needed and must look like it) {
  auto with = [](const char* header, const std::string& value) {
    auto request = github("push", "{}");
    return kind_of(read_github(request.set(header, value)));
  };
  CAF_CHECK_EQUAL(with("X-GitHub-Event", "push"), "deliver");
  for (const std::string& value : {std::string{}, std::string{"Push"}, std::string{"pu sh"},
                                   std::string{"p\"ush"}, std::string(65, 'a')})
    CAF_CHECK_EQUAL(with("X-GitHub-Event", value), "bad_request");
  for (const std::string& value :
       {std::string{}, std::string{"a b"}, std::string{"\xff"}, std::string(129, 'a')})
    CAF_CHECK_EQUAL(with("X-GitHub-Delivery", value), "bad_request");
}

CAF_TEST(what is no JSON object is refused) {
  auto code = [](const std::string& body) { return kind_of(read_github(github("push", body))); };
  for (const std::string& body :
       {std::string{}, std::string{" "}, std::string{"{"}, std::string{"{}}"}, std::string{"{} {}"},
        std::string{"{'a':1}"}, std::string{"{\"a\":01}"}, std::string{"{\"a\":\"\x01\"}"},
        std::string{"{\"a\":\"\xff\"}"}, std::string{"{\"a\":\"\xed\xa0\x80\"}"},
        std::string{"{\"a\":\"\xc0\xaf\"}"}, std::string{"{\"a\":\"\\x\"}"},
        std::string{"{\"a\":1e999}"}, std::string{"{\"a\":99999999999999999999999}"},
        std::string{"{\"a\":nul}"}, std::string{"\xef\xbb\xbf{}"}, std::string("{}\0", 3),
        std::string{"NaN"}, std::string(100'000, '['),
        "{\"a\":" + std::string(200, '[') + std::string(200, ']') + "}"})
    CAF_CHECK_EQUAL(code(body), "malformed_json");
  for (const auto* body : {"[]", "1", "\"x\"", "null", "true"})
    CAF_CHECK_EQUAL(code(body), "bad_request");
  CAF_CHECK_EQUAL(code("{\"a\":" + std::string(120, '[') + std::string(120, ']') + "}"), "deliver");
}

CAF_TEST(large and small payloads may follow one another) {
  for (std::size_t size : {10, 300'000, 10, 2'000'000, 1000}) {
    auto body = payload(R"("commits":[{"message":")" + std::string(size, 'x') + "\"}]");
    auto delivery = delivery_of(read_github(github("push", body)));
    CAF_CHECK_EQUAL(delivery.draft.message, "push to octo/repo by alice (1 commit)");
    CAF_CHECK(delivery.draft.payload == body);
  }
}
