#define CAF_SUITE webhook_signatures
#include "tests/support/caf_test.hpp"

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "net/webhook/signatures.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/auth/signing_key.hpp"
#include "tests/net/webhook/requests.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

constexpr std::chrono::milliseconds tolerance = std::chrono::seconds{300};

std::string text(const nlohmann::json& value) {
  return value.get<std::string>();
}

using verifier = std::function<result<void>(const webhook_request&)>;

/// Every byte of the header, and of the body, changed by each of three bits is refused, and so is
/// every shorter header.
void check_flips(const char* header, test_request request, const verifier& verify) {
  CAF_CHECK_EQUAL(code_of(verify(request)), "none");
  std::string value{request(header)};
  for (int bit : {0x01, 0x20, 0x80}) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto changed = value;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      CAF_CHECK_EQUAL(code_of(verify(request.set(header, changed))), "signature_mismatch");
    }
    request.set(header, value);
    for (std::size_t i = 0; i < request.body().size(); ++i) {
      request.body()[i] = static_cast<char>(request.body()[i] ^ bit);
      CAF_CHECK_EQUAL(code_of(verify(request)), "signature_mismatch");
      request.body()[i] = static_cast<char>(request.body()[i] ^ bit);
    }
  }
  for (std::size_t size = 1; size < value.size(); ++size)
    CAF_CHECK_EQUAL(code_of(verify(request.set(header, value.substr(0, size)))),
                    "signature_mismatch");
  CAF_CHECK_EQUAL(code_of(verify(request.set(header, value + "0"))), "signature_mismatch");
  CAF_CHECK_EQUAL(code_of(verify(request.set(header, ""))), "missing_signature");
  CAF_CHECK_EQUAL(code_of(verify(request.remove(header))), "missing_signature");
  request.set(header, value);
  request.body() += ' ';
  CAF_CHECK_EQUAL(code_of(verify(request)), "signature_mismatch");
}

} // namespace

CAF_TEST(the published GitHub signature holds and no change of it does) {
  auto vector = golden("github-signature");
  test_request request{text(vector["inputs"]["body_utf8"])};
  request.set("x-hub-signature-256", text(vector["expected"]["X-Hub-Signature-256"]));
  hmac_secrets secrets{{text(vector["inputs"]["secret"]), {}}};
  check_flips("x-hub-signature-256", request,
              [&](const webhook_request& r) { return verify_github(secrets, r); });
  // The old sha1 header alone is not enough.
  test_request old{text(vector["inputs"]["body_utf8"])};
  old.set("X-Hub-Signature", text(vector["also_computed_not_published"]["X-Hub-Signature"]));
  CAF_CHECK_EQUAL(code_of(verify_github(secrets, old)), "missing_signature");
}

CAF_TEST(two secrets are good at once and without one nothing is) {
  auto vector = golden("github-signature");
  test_request request{text(vector["inputs"]["body_utf8"])};
  request.set("X-Hub-Signature-256", text(vector["expected"]["X-Hub-Signature-256"]));
  auto secret = text(vector["inputs"]["secret"]);
  auto code = [&](secret_pair pair) { return code_of(verify_github(hmac_secrets{pair}, request)); };
  CAF_CHECK_EQUAL(code({"other", secret}), "none");
  CAF_CHECK_EQUAL(code({secret, "other"}), "none");
  CAF_CHECK_EQUAL(code({"", secret}), "none");
  CAF_CHECK_EQUAL(code({"other", "another"}), "signature_mismatch");
  CAF_CHECK_EQUAL(code({"", ""}), "not_configured");
}

CAF_TEST(the published Slack signature holds within five minutes both ways) {
  auto vector = golden("slack-signature");
  auto header = [&](const char* name) { return text(vector["inputs"][name]); };
  test_request request{header("body_utf8")};
  request.set("X-Slack-Request-Timestamp", header("X-Slack-Request-Timestamp"))
    .set("X-Slack-Signature", text(vector["expected"]["X-Slack-Signature"]));
  hmac_secrets secrets{{header("signing_secret"), {}}};
  auto code = [&](std::int64_t second) {
    return code_of(verify_slack(secrets, request, at_second(second), tolerance));
  };
  constexpr std::int64_t signed_at = 1531420618;
  CAF_CHECK_EQUAL(code(signed_at), "none");
  CAF_CHECK_EQUAL(code(signed_at + 300), "none");
  CAF_CHECK_EQUAL(code(signed_at - 300), "none");
  CAF_CHECK_EQUAL(code(signed_at + 301), "stale_timestamp");
  CAF_CHECK_EQUAL(code(signed_at - 301), "stale_timestamp");
  check_flips("X-Slack-Signature", request, [&](const webhook_request& r) {
    return verify_slack(secrets, r, at_second(signed_at), tolerance);
  });
  for (const auto* time : {"1531420618.0", "x", "-1531420618", "+1531420618", " 1531420618",
                           "0x5b47a00a", "99999999999999999999", "1531420618 "}) {
    request.set("X-Slack-Request-Timestamp", time);
    CAF_CHECK_EQUAL(code(signed_at), "signature_mismatch");
  }
  request.set("X-Slack-Request-Timestamp", "1531420619"); // Signed with the body.
  CAF_CHECK_EQUAL(code(signed_at), "signature_mismatch");
  request.remove("X-Slack-Request-Timestamp");
  CAF_CHECK_EQUAL(code(signed_at), "missing_signature");
}

CAF_TEST(the published Standard Webhooks signature holds alone and in a list) {
  auto vector = golden("standard-webhooks");
  constexpr std::int64_t signed_at = 1614265330;
  test_request request{text(vector["inputs"]["body_utf8"])};
  request.set("webhook-id", text(vector["inputs"]["webhook-id"]))
    .set("webhook-timestamp", std::to_string(signed_at))
    .set("webhook-signature", text(vector["expected"]["webhook-signature"]));
  auto secret = text(vector["inputs"]["secret"]);
  standard_webhooks_keys keys{{secret, {}}};
  auto code = [&](const standard_webhooks_keys& k, std::int64_t second) {
    return code_of(verify_standard_webhooks(k, request, at_second(second), tolerance));
  };
  CAF_CHECK_EQUAL(code(keys, signed_at + 300), "none");
  CAF_CHECK_EQUAL(code(keys, signed_at + 301), "stale_timestamp");
  CAF_CHECK_EQUAL(code(keys, signed_at - 301), "stale_timestamp");
  check_flips("webhook-signature", request, [&](const webhook_request& r) {
    return verify_standard_webhooks(keys, r, at_second(signed_at), tolerance);
  });
  request.set("webhook-signature", text(vector["multi_signature_header"]));
  CAF_CHECK_EQUAL(code(keys, signed_at), "none");
  request.set("webhook-signature", text(vector["negative"]["wrong_signature"]));
  CAF_CHECK_EQUAL(code(keys, signed_at), "signature_mismatch");
  request.set("webhook-signature",
              "v1a,AAAA  v2 ,, v1,=== " + text(vector["expected"]["webhook-signature"]));
  CAF_CHECK_EQUAL(code(keys, signed_at), "none");
  // The three ways to write the secret.
  for (const auto& form : {secret.substr(6), "v1," + secret})
    CAF_CHECK_EQUAL(code(standard_webhooks_keys{{form, {}}}, signed_at), "none");
  CAF_CHECK_EQUAL(code(standard_webhooks_keys{{"no base64!", secret}}, signed_at), "none");
  CAF_CHECK_EQUAL(code(standard_webhooks_keys{{"no base64!", {}}}, signed_at), "signature_mismatch");
  CAF_CHECK_EQUAL(code({}, signed_at), "not_configured");
  for (const auto* header : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
    auto less = request;
    less.remove(header);
    CAF_CHECK_EQUAL(code_of(verify_standard_webhooks(keys, less, at_second(signed_at), tolerance)),
                    "missing_signature");
  }
}

CAF_TEST(an Ed25519 key verifies v1a entries and no v1 entry) {
  auto key = signing_key::ed25519();
  standard_webhooks_keys keys{{"whpk_" + to_base64(key.raw_public()), {}}};
  CAF_REQUIRE(keys.configured());
  test_request request{"{}"};
  auto signature = to_base64(key.sign("msg_1.1000.{}"));
  request.set("webhook-id", "msg_1").set("webhook-timestamp", "1000");
  auto code = [&](const std::string& list) {
    request.set("webhook-signature", list);
    return code_of(verify_standard_webhooks(keys, request, at_second(1000), tolerance));
  };
  CAF_CHECK_EQUAL(code("v1,AAAA v1a," + signature), "none");
  CAF_CHECK_EQUAL(code("v1," + signature), "signature_mismatch");
  request.set("webhook-id", "msg_2");
  CAF_CHECK_EQUAL(code("v1a," + signature), "signature_mismatch");
}

CAF_TEST(a header with prefix and digest is checked in hex and base64) {
  hmac_secrets secrets{{"secret", {}}};
  auto digest = hmac_sha256_key{"secret"}.digest({"body"});
  test_request request{"body"};
  request.set("X-Sig", "v=" + to_hex(bytes_of(digest)));
  check_flips("X-Sig", request, [&](const webhook_request& r) {
    return verify_hmac_header(secrets, r, "x-sig", "v=", digest_encoding::hex);
  });
  request.set("X-Sig", to_base64(bytes_of(digest)));
  check_flips("X-Sig", request, [&](const webhook_request& r) {
    return verify_hmac_header(secrets, r, "x-sig", "", digest_encoding::base64);
  });
  CAF_CHECK_EQUAL(code_of(verify_hmac_header(secrets, request, "", "", digest_encoding::hex)),
                  "not_configured");
}

CAF_TEST(the golden Discord signature holds and no change of it does) {
  auto vector = golden("discord-ed25519")["self_made"];
  auto key = public_key::ed25519(from_hex(text(vector["public_key_hex"])).value_or(""));
  CAF_REQUIRE(key);
  std::vector<public_key> keys{*key};
  test_request request{text(vector["body_utf8"])};
  request.set("X-Signature-Timestamp", text(vector["X-Signature-Timestamp"]))
    .set("X-Signature-Ed25519", text(vector["X-Signature-Ed25519"]));
  check_flips("X-Signature-Ed25519", request,
              [&](const webhook_request& r) { return verify_ed25519(keys, r); });
  CAF_CHECK_EQUAL(code_of(verify_ed25519({}, request)), "not_configured");
  request.set("X-Signature-Timestamp", "1700000001");
  CAF_CHECK_EQUAL(code_of(verify_ed25519(keys, request)), "signature_mismatch");
  request.remove("X-Signature-Timestamp");
  CAF_CHECK_EQUAL(code_of(verify_ed25519(keys, request)), "missing_signature");
}

CAF_TEST(WebSub signatures hold with every method of the specification) {
  auto vector = golden("websub-signature");
  secret_pair secrets{"other", text(vector["inputs"]["hub_secret"])};
  for (const auto* method : {"sha1", "sha256", "sha384", "sha512"}) {
    test_request request{text(vector["inputs"]["body_utf8"])};
    request.set("X-Hub-Signature", text(vector["expected"][method]));
    check_flips("X-Hub-Signature", request,
                [&](const webhook_request& r) { return verify_websub(secrets, r); });
  }
  test_request request{"x"};
  for (const auto* value : {"md5=00", "sha1", "=", "sha1=", "00"}) {
    request.set("X-Hub-Signature", value);
    CAF_CHECK_EQUAL(code_of(verify_websub(secrets, request)), "signature_mismatch");
  }
  CAF_CHECK_EQUAL(code_of(verify_websub({}, request)), "not_configured");
}

CAF_TEST(the LinkedIn signature covers its prefix and may carry it) {
  auto vector = golden("linkedin-webhook");
  hmac_secrets secrets{{text(vector["inputs"]["client_secret"]), {}}};
  auto signature = text(vector["expected"]["X-LI-Signature"]);
  test_request request{text(vector["inputs"]["body_utf8"])};
  request.set("X-LI-Signature", signature);
  check_flips("X-LI-Signature", request,
              [&](const webhook_request& r) { return verify_linkedin(secrets, r); });
  request.set("X-LI-Signature", "hmacsha256=" + signature);
  CAF_CHECK_EQUAL(code_of(verify_linkedin(secrets, request)), "none");
  request.set("X-LI-Signature", hmac_hex(text(vector["inputs"]["client_secret"]), request.body()));
  CAF_CHECK_EQUAL(code_of(verify_linkedin(secrets, request)), "signature_mismatch");
}

CAF_TEST(a channel token is one of the secrets) {
  test_request request;
  request.set("X-Goog-Channel-Token", "token-of-channel");
  CAF_CHECK_EQUAL(code_of(verify_channel_token({"token-of-channel", ""}, request)), "none");
  CAF_CHECK_EQUAL(code_of(verify_channel_token({"new", "token-of-channel"}, request)), "none");
  CAF_CHECK_EQUAL(code_of(verify_channel_token({"new", ""}, request)), "signature_mismatch");
  CAF_CHECK_EQUAL(code_of(verify_channel_token({"", ""}, request)), "not_configured");
  CAF_CHECK_EQUAL(code_of(verify_channel_token({"token", ""}, test_request{})),
                  "missing_signature");
}

CAF_TEST(Supabase may prove itself in four ways and fails in each) {
  std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  supabase_keys keys{{secret, ""}, "X-Webhook-Secret"};
  std::string body = R"({"type":"INSERT"})";
  auto code = [&](const char* header, const std::string& value) {
    test_request request{body};
    request.set(header, value);
    return code_of(verify_supabase(keys, request, at_second(1000), tolerance));
  };
  CAF_CHECK_EQUAL(code("X-Webhook-Secret", secret), "none");
  CAF_CHECK_EQUAL(code("X-Webhook-Secret", secret + "x"), "signature_mismatch");
  CAF_CHECK_EQUAL(code("Authorization", "Bearer " + secret), "none");
  CAF_CHECK_EQUAL(code("Authorization", "Bearer x"), "signature_mismatch");
  CAF_CHECK_EQUAL(code("Authorization", secret), "missing_signature");
  CAF_CHECK_EQUAL(code("X-Webhook-Signature", hmac_hex(secret, body)), "none");
  CAF_CHECK_EQUAL(code("X-Webhook-Signature", "sha256=" + hmac_hex(secret, body)), "none");
  CAF_CHECK_EQUAL(code("X-Webhook-Signature", hmac_hex("x", body)), "signature_mismatch");
  CAF_CHECK_EQUAL(code("X-Other", secret), "missing_signature");

  test_request standard{body};
  auto key = from_base64(secret.substr(6)).value_or("");
  standard.set("webhook-id", "m1")
    .set("webhook-timestamp", "1000")
    .set("webhook-signature",
         "v1," + to_base64(bytes_of(hmac_sha256_key{key}.digest({"m1.1000." + body}))));
  CAF_CHECK_EQUAL(code_of(verify_supabase(keys, standard, at_second(1000), tolerance)), "none");
  CAF_CHECK_EQUAL(code_of(verify_supabase(keys, standard, at_second(2000), tolerance)),
                  "stale_timestamp");
  // A way that was chosen must hold: the secret beside it does not help.
  standard.set("webhook-signature", "v1,AAAA").set("X-Webhook-Secret", secret);
  CAF_CHECK_EQUAL(code_of(verify_supabase(keys, standard, at_second(1000), tolerance)),
                  "signature_mismatch");
  CAF_CHECK_EQUAL(code_of(verify_supabase({}, standard, at_second(1000), tolerance)),
                  "not_configured");
}

CAF_TEST(the bearer token of Google must say everything that is asked) {
  auto key = signing_key::rsa();
  auto edwards = signing_key::ed25519();
  auto keys = jwk_set::parse(R"({"keys":[)" + key.jwk("k1") + "," + edwards.jwk("k2") + "]}");
  CAF_REQUIRE(keys);
  google_oidc_rules rules{"https://us.example/api/webhooks/gmail", "push@p.iam.gserviceaccount.com"};
  auto claims = [](const char* name, nlohmann::json value) {
    nlohmann::json all{{"aud", "https://us.example/api/webhooks/gmail"},
                       {"azp", "113774264463038321964"},
                       {"email", "push@p.iam.gserviceaccount.com"},
                       {"email_verified", true},
                       {"exp", 4600},
                       {"iat", 1000},
                       {"iss", "https://accounts.google.com"},
                       {"sub", "113774264463038321964"}};
    if (value.is_null())
      all.erase(name);
    else
      all[name] = std::move(value);
    return all.dump();
  };
  auto code = [&](const std::string& token, std::int64_t second) {
    return code_of(verify_google_oidc(rules, *keys, token, at_second(second)));
  };
  auto good = claims("azp", "x");
  CAF_CHECK_EQUAL(code(key.token(good, "k1"), 1000), "none");
  CAF_CHECK_EQUAL(code(key.token(good, "k1"), 700), "none");
  CAF_CHECK_EQUAL(code(key.token(good, "k1"), 4900), "none");
  CAF_CHECK_EQUAL(code(key.token(good, "k1"), 699), "stale_timestamp");
  CAF_CHECK_EQUAL(code(key.token(good, "k1"), 4901), "stale_timestamp");
  CAF_CHECK_EQUAL(code(key.token(claims("iss", "accounts.google.com"), "k1"), 1000), "none");
  CAF_CHECK_EQUAL(code("", 1000), "missing_signature");
  CAF_CHECK_EQUAL(code("a.b.c", 1000), "signature_mismatch");
  CAF_CHECK_EQUAL(code(key.token(good, "k3"), 1000), "signature_mismatch");
  CAF_CHECK_EQUAL(code(key.token(good, ""), 1000), "signature_mismatch");
  CAF_CHECK_EQUAL(code(edwards.token(good, "k2"), 1000), "signature_mismatch");
  CAF_CHECK_EQUAL(code(signing_key::rsa().token(good, "k1"), 1000), "signature_mismatch");
  auto confused = to_base64url(R"({"alg":"HS256","kid":"k1"})") + '.' + to_base64url(good);
  confused += '.' + to_base64url(bytes_of(hmac_sha256_key{key.jwk("k1")}.digest({confused})));
  CAF_CHECK_EQUAL(code(confused, 1000), "signature_mismatch");
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, nlohmann::json>>{
         {"iss", "https://accounts.google.com.evil.example"},
         {"iss", nullptr},
         {"aud", "https://us.example/other"},
         {"aud", nullptr},
         {"email", "other@p.iam.gserviceaccount.com"},
         {"email", nullptr},
         {"email_verified", false},
         {"email_verified", "true"},
         {"email_verified", nullptr},
         {"iat", nullptr},
         {"exp", nullptr},
         {"exp", 1000 + 86401}})
    CAF_CHECK_EQUAL(code(key.token(claims(name, value), "k1"), 1000), "signature_mismatch");
  CAF_CHECK_EQUAL(code_of(verify_google_oidc({"", ""}, *keys, "x", at_second(0))),
                  "not_configured");
}
