#define CAF_SUITE webhook_gate
#include "tests/support/caf_test.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "net/webhook/webhook_gate.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/auth/signing_key.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

struct fixture {
  fixture() {
    config.github = {"gh", "gh-old"};
    config.slack = {"sl", ""};
    config.linkedin = {"li", ""};
    config.youtube = {"yt", ""};
    config.calendar = {"cal", ""};
    config.supabase = {"sup", ""};
    config.gmail.service_account = "push@p.iam.gserviceaccount.com";
    config.custom["billing"].secret.current = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    auto& other = config.custom["other"];
    other.scheme = "hmac-sha256";
    other.secret.current = "oth";
    other.header = "X-Other-Signature";
    other.prefix = "sha256=";
  }

  webhook_gate gate() const { return {config, "https://us.example/api/webhooks/gmail", google}; }

  static result<webhook_outcome> receive(const webhook_gate& gate, const char* platform,
                                         const test_request& request) {
    result<webhook_outcome> told = error{errc::internal, "not told"};
    gate.receive(platform, request, at_second(1000),
                 [&](result<webhook_outcome> outcome) { told = std::move(outcome); });
    return told;
  }
  std::string kind(const char* platform, const test_request& request) const {
    return kind_of(receive(gate(), platform, request));
  }

  webhooks_config config;
  std::function<void(result<fetched_text>)> asked;
  std::shared_ptr<remote_jwks> google = std::make_shared<remote_jwks>(
    "https://keys.example", [this](std::string, auto done) { asked = std::move(done); });
};

test_request github_push(const std::string& secret) {
  test_request request{"{}"};
  request.set("X-GitHub-Event", "push")
    .set("X-GitHub-Delivery", "1")
    .set("X-Hub-Signature-256", "sha256=" + hmac_hex(secret, "{}"));
  return request;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(gate_tests, fixture)

CAF_TEST(the gate knows the shipped platforms and the configured ones) {
  for (const auto* name : {"github", "slack", "gmail", "calendar", "youtube", "discord", "linkedin",
                           "billing", "other"})
    CAF_CHECK(gate().knows(name));
  CAF_CHECK(!gate().knows("spotify"));
  CAF_CHECK(!gate().knows(""));
  CAF_CHECK_EQUAL(kind("spotify", test_request{"{}"}), "not_found");
}

CAF_TEST(a delivery is read only after its signature held) {
  CAF_CHECK_EQUAL(kind("github", github_push("gh")), "deliver");
  CAF_CHECK_EQUAL(kind("github", github_push("gh-old")), "deliver");
  CAF_CHECK_EQUAL(kind("github", github_push("x")), "signature_mismatch");
  auto broken = github_push("gh");
  broken.body() = "{";
  CAF_CHECK_EQUAL(kind("github", broken), "signature_mismatch");
  broken.set("X-Hub-Signature-256", "sha256=" + hmac_hex("gh", "{"));
  CAF_CHECK_EQUAL(kind("github", broken), "malformed_json");
  config.github = {};
  CAF_CHECK_EQUAL(kind("github", github_push("gh")), "not_configured");
  CAF_CHECK_EQUAL(kind("discord", test_request{"{}"}), "not_configured");
}

CAF_TEST(the challenge of Slack is answered only when signed) {
  std::string body = R"({"type":"url_verification","challenge":"c"})";
  test_request request{body};
  request.set("X-Slack-Request-Timestamp", "1000")
    .set("X-Slack-Signature", "v0=" + hmac_hex("sl", "v0:1000:" + body));
  CAF_CHECK_EQUAL(kind("slack", request), "answer 200");
  request.remove("X-Slack-Signature");
  CAF_CHECK_EQUAL(kind("slack", request), "missing_signature");
}

CAF_TEST(a feed is read when its signature holds) {
  test_request request{"<feed/>"};
  CAF_CHECK_EQUAL(kind("youtube", request), "missing_signature");
  request.set("X-Hub-Signature", "sha1=00");
  CAF_CHECK_EQUAL(kind("youtube", request), "signature_mismatch");
  request.set("X-Hub-Signature", "sha1=" + to_hex(hmac(hash_method::sha1, "yt", "<feed/>")));
  CAF_CHECK_EQUAL(kind("youtube", request), "bad_request");
}

CAF_TEST(configured platforms use their scheme) {
  test_request other{R"({"event":"x"})"};
  other.set("X-Other-Signature", "sha256=" + hmac_hex("oth", other.body()));
  CAF_CHECK_EQUAL(kind("other", other), "deliver");
  CAF_CHECK_EQUAL(kind("billing", other), "missing_signature");
  config.custom["other"].scheme = "rot13";
  CAF_CHECK_EQUAL(kind("other", other), "not_configured");
  auto key = signing_key::ed25519();
  auto& edwards = config.custom["edwards"];
  edwards.scheme = "ed25519";
  edwards.secret.current = to_hex(key.raw_public());
  test_request request{"{}"};
  request.set("X-Signature-Timestamp", "5").set("X-Signature-Ed25519", to_hex(key.sign("5{}")));
  CAF_CHECK_EQUAL(kind("edwards", request), "deliver");
  auto& plain = config.custom["plain"];
  plain.scheme = "channel-token";
  plain.secret.current = "p";
  plain.header = "X-Token";
  request.set("X-Token", "p");
  CAF_CHECK_EQUAL(kind("plain", request), "deliver");
}

CAF_TEST(Gmail waits for the keys of Google and then decides) {
  auto key = signing_key::rsa();
  auto claims = [](const char* audience) {
    return nlohmann::json{{"aud", audience},
                          {"email", "push@p.iam.gserviceaccount.com"},
                          {"email_verified", true},
                          {"exp", 4600},
                          {"iat", 1000},
                          {"iss", "https://accounts.google.com"}}
      .dump();
  };
  auto body = nlohmann::json{
    {"message",
     {{"messageId", "m1"},
      {"data", to_base64(R"({"emailAddress":"ann@example.com","historyId":"7"})")}}}}
                .dump();
  auto gate = std::make_unique<webhook_gate>(this->gate());
  std::string told = "?";
  auto tell = [&](result<webhook_outcome> outcome) { told = kind_of(outcome); };
  {
    test_request request{body};
    request.set("Authorization",
                "Bearer " + key.token(claims("https://us.example/api/webhooks/gmail"), "k"));
    gate->receive("gmail", request, at_second(1000), tell);
  }
  gate.reset(); // A reload, and the request's memory is gone as well.
  CAF_CHECK_EQUAL(told, "?");
  CAF_REQUIRE(asked);
  std::exchange(asked, nullptr)(fetched_text{R"({"keys":[)" + key.jwk("k") + "]}", {}});
  CAF_CHECK_EQUAL(told, "deliver");
  // Now the keys are there.
  test_request request{body};
  request.set("Authorization", "Bearer " + key.token(claims("https://other"), "k"));
  CAF_CHECK_EQUAL(kind("gmail", request), "signature_mismatch");
  request.set("Authorization",
              "Bearer " + key.token(claims("https://us.example/api/webhooks/gmail"), "k"));
  CAF_CHECK_EQUAL(kind("gmail", request), "deliver");
  request.body() = "junk";
  CAF_CHECK_EQUAL(kind("gmail", request), "ignore");
  CAF_CHECK(!asked);
}

CAF_TEST(strangers cannot make Gmail fetch keys) {
  test_request request{"{}"};
  CAF_CHECK_EQUAL(kind("gmail", request), "missing_signature");
  request.set("Authorization", "Bearer a.b.c");
  CAF_CHECK_EQUAL(kind("gmail", request), "signature_mismatch");
  request.set("Authorization", "Bearer " + signing_key::ed25519().token("{}", "k"));
  CAF_CHECK_EQUAL(kind("gmail", request), "signature_mismatch");
  request.body() = std::string(64 * 1024 + 1, ' ');
  CAF_CHECK_EQUAL(kind("gmail", request), "payload_too_large");
  CAF_CHECK(!asked);
  config.gmail.service_account.clear();
  CAF_CHECK_EQUAL(kind("gmail", request), "not_configured");
}

CAF_TEST(the challenge of LinkedIn is answered and is no oracle) {
  auto vector = golden("linkedin-webhook");
  config.linkedin.current = vector["inputs"]["client_secret"].get<std::string>();
  auto code = vector["inputs"]["challengeCode"].get<std::string>();
  auto answer = gate().answer_get("linkedin", "applicationId=1&challengeCode=" + code);
  CAF_REQUIRE(answer);
  auto body = nlohmann::json::parse(answer->body);
  CAF_CHECK(body["challengeCode"] == code);
  CAF_CHECK(body["challengeResponse"] == vector["expected"]["challengeResponse"]);
  // The signed text of a delivery is no challenge: our answer would be its signature.
  for (const auto* query : {"", "challengeCode=", "challengeCode=hmacsha256%3D%7B%7D",
                            "challengeCode=a&challengeCode=b", "challengeCode=%"})
    CAF_CHECK_EQUAL(code_of(gate().answer_get("linkedin", query)), "bad_request");
}

CAF_TEST(only the platforms with challenges answer a GET) {
  auto get = [&](const char* platform, const char* query) {
    return code_of(gate().answer_get(platform, query));
  };
  CAF_CHECK_EQUAL(get("github", ""), "method_not_allowed");
  CAF_CHECK_EQUAL(get("spotify", ""), "not_found");
  CAF_CHECK_EQUAL(get("youtube", ""), "none");
  auto wanted = gate().answer_get(
    "youtube", "hub.mode=subscribe&hub.challenge=c&hub.topic="
               "https%3A%2F%2Fwww.youtube.com%2Fxml%2Ffeeds%2Fvideos.xml%3Fchannel_id%3DX");
  CAF_REQUIRE(wanted);
  CAF_CHECK_EQUAL(wanted->status, 200u);
  auto other = gate().answer_get("youtube", "hub.mode=subscribe");
  CAF_REQUIRE(other);
  CAF_CHECK_EQUAL(other->status, 404u);
}

CAF_TEST(submissions pass with the secret and not without) {
  test_request request{R"({"type":"INSERT","table":"submissions","record":{"id":1}})"};
  auto code = [&] { return code_of(gate().receive_submission(request, at_second(1000))); };
  CAF_CHECK_EQUAL(code(), "missing_signature");
  request.set("X-Webhook-Secret", "sup");
  CAF_CHECK_EQUAL(code(), "none");
  request.set("X-Webhook-Secret", "x");
  CAF_CHECK_EQUAL(code(), "signature_mismatch");
  config.supabase = {};
  CAF_CHECK_EQUAL(code(), "not_configured");
}

CAF_TEST_FIXTURE_SCOPE_END()
