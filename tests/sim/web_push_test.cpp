// The Web Push service: what it takes and refuses, and what the browsers behind it can read.
#define CAF_SUITE sim_web_push
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "sim/control.hpp"
#include "sim/push_crypto.hpp"
#include "tests/sim/sim_fixture.hpp"

using namespace lapwing;
using namespace lapwing::sim;
using namespace lapwing::sim::testing;
using nlohmann::json;

namespace {

// RFC 8291 5 and appendix A.
constexpr std::string_view receiver_scalar = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
constexpr std::string_view receiver_point =
  "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
constexpr std::string_view auth_secret = "BTBZMqHH6r4Tts7J_aSIgg";
constexpr std::string_view rfc_body =
  "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
  "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
constexpr std::string_view rfc_text = "When I grow up, I want to be a watermelon";
// RFC 8292 2.4: good until 2016-01-23T04:36:08Z, for https://push.example.net.
constexpr std::string_view vapid_token =
  "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1"
  "MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiU"
  "fnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
constexpr std::string_view vapid_point =
  "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
constexpr timestamp vapid_end{std::chrono::seconds{1'453'523'768}};

std::string bytes(std::string_view base64url_text) { return base64_decoded(base64url_text).value(); }

std::string vapid(std::string_view token = vapid_token, std::string_view point = vapid_point) {
  return "vapid t=" + std::string{token} + ", k=" + std::string{point};
}

world_options in_2016(std::chrono::seconds before_end = 1h) {
  auto out = fixture::quiet();
  out.start = vapid_end - before_end;
  return out;
}

struct pushing : fixture {
  explicit pushing(world_options options = in_2016()) : fixture(std::move(options)) {}

  http_response order(const json& body) {
    http_request request;
    request.method = "POST";
    request.url = "/_control";
    request.body = body.dump();
    return control(at, request);
  }
  /// A browser with the keys of RFC 8291.
  json subscribe(std::string_view sender = {}) {
    auto made = order({{"do", "push_subscribe"},
                       {"user", "alice"},
                       {"private_key", receiver_scalar},
                       {"auth_secret", auth_secret},
                       {"vapid_public_key", sender}});
    CAF_REQUIRE_EQUAL(made.status, 200);
    auto out = json::parse(made.body);
    endpoint = out["endpoint"];
    id = out["id"];
    return out;
  }
  http_response push(http_headers more = {}, std::string body = bytes(rfc_body)) {
    http_headers headers{{"TTL", "60"}, {"Content-Encoding", "aes128gcm"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return send("POST", endpoint, {}, std::move(body), std::move(headers));
  }
  http_response push_signed(const std::string& authorization) {
    return push({{"Authorization", authorization}});
  }
  json report() {
    http_request request;
    request.method = "GET";
    request.url = "/_push?subscription=" + id;
    return json::parse(control(at, request).body);
  }
  json messages() { return report()["subscriptions"][0]["messages"]; }

  std::string endpoint;
  std::string id;
};

} // namespace

CAF_TEST(the example of RFC 8291 decrypts and nothing that was changed does) {
  auto key = p256_key::from_scalar(bytes(receiver_scalar));
  CAF_REQUIRE(key.has_value());
  CAF_CHECK_EQUAL(base64url(key->public_point()), receiver_point);
  auto body = bytes(rfc_body);
  auto text = decrypt_push(*key, bytes(auth_secret), body);
  CAF_REQUIRE(text.has_value());
  CAF_CHECK_EQUAL(*text, rfc_text);
  for (std::size_t i = 0; i < body.size(); ++i) {
    auto changed = body;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    // Of the record size only that it is large enough can be seen.
    auto harmless = i >= 16 && i < 20;
    CAF_CHECK_EQUAL(decrypt_push(*key, bytes(auth_secret), changed).has_value(), harmless);
    CAF_CHECK(!decrypt_push(*key, bytes(auth_secret), body.substr(0, i)));
  }
  CAF_CHECK(!decrypt_push(*key, std::string(16, 'x'), body));
}

CAF_TEST(the example of RFC 8292 verifies and only as it is) {
  auto dot = vapid_token.rfind('.');
  auto data = vapid_token.substr(0, dot);
  auto signature = bytes(vapid_token.substr(dot + 1));
  CAF_CHECK(verify_es256(bytes(vapid_point), data, signature));
  CAF_CHECK(!verify_es256(bytes(receiver_point), data, signature));
  CAF_CHECK(!verify_es256(bytes(vapid_point), vapid_token.substr(0, dot - 1), signature));
  CAF_CHECK(!verify_es256("", data, signature));
  CAF_CHECK(!verify_es256(bytes(vapid_point), data, signature.substr(1)));
  signature[5] = static_cast<char>(signature[5] ^ 4);
  CAF_CHECK(!verify_es256(bytes(vapid_point), data, signature));
}

CAF_TEST(a key is a number on the curve) {
  CAF_CHECK(!p256_key::from_scalar(std::string(32, '\0')));
  CAF_CHECK(!p256_key::from_scalar(std::string(32, '\xff')));
  CAF_CHECK(!p256_key::from_scalar("short"));
  auto key = p256_key::from_scalar(bytes(receiver_scalar));
  auto off_curve = bytes(receiver_point);
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  CAF_CHECK(!key->agree(off_curve));
  CAF_CHECK(!key->agree(""));
}

CAF_TEST(a message reaches the browser decrypted) {
  pushing in;
  auto made = in.subscribe();
  CAF_CHECK_EQUAL(made["keys"]["p256dh"], receiver_point);
  CAF_CHECK_EQUAL(made["keys"]["auth"], auth_secret);
  CAF_CHECK(in.endpoint.starts_with("https://push.example.net/wpush/"));
  auto answer = in.push({{"Urgency", "high"}, {"Topic", "greeting"}});
  CAF_CHECK_EQUAL(answer.status, 201);
  CAF_CHECK(answer.header("Location").starts_with("https://push.example.net/message/"));
  auto got = in.messages();
  CAF_REQUIRE_EQUAL(got.size(), 1u);
  CAF_CHECK_EQUAL(got[0]["text"], rfc_text);
  CAF_CHECK_EQUAL(got[0]["urgency"], "high");
  CAF_CHECK_EQUAL(got[0]["topic"], "greeting");
}

CAF_TEST(what the browser cannot read is accepted by the service and shown as a problem) {
  pushing in;
  in.subscribe();
  auto body = bytes(rfc_body);
  body.back() = static_cast<char>(body.back() ^ 1);
  CAF_CHECK_EQUAL(in.push({}, body).status, 201);
  auto got = in.messages();
  CAF_REQUIRE_EQUAL(got.size(), 1u);
  CAF_CHECK(!got[0].contains("text"));
  CAF_CHECK(got[0]["problem"].get<std::string>().find("does not decrypt") != std::string::npos);
  auto report = in.report();
  CAF_CHECK_EQUAL(report["unreadable"], 1);
}

CAF_TEST(a message that breaks the rules is refused) {
  pushing in;
  in.subscribe();
  auto status_of = [&](const http_headers& headers, std::string body) {
    return in.send("POST", in.endpoint, {}, std::move(body), headers).status;
  };
  auto body = bytes(rfc_body);
  CAF_CHECK_EQUAL(status_of({{"Content-Encoding", "aes128gcm"}}, body), 400);
  CAF_CHECK_EQUAL(status_of({{"TTL", "soon"}, {"Content-Encoding", "aes128gcm"}}, body), 400);
  CAF_CHECK_EQUAL(status_of({{"TTL", "60"}}, body), 400);
  CAF_CHECK_EQUAL(status_of({{"TTL", "60"}, {"Content-Encoding", "aesgcm"}}, body), 400);
  CAF_CHECK_EQUAL(in.push({{"Urgency", "urgent"}}).status, 400);
  CAF_CHECK_EQUAL(in.push({{"Topic", std::string(33, 'x')}}).status, 400);
  CAF_CHECK_EQUAL(in.push({{"Topic", "no spaces"}}).status, 400);
  CAF_CHECK_EQUAL(in.push({}, std::string(4097, 'x')).status, 413);
  CAF_CHECK_EQUAL(in.push({}, std::string(4096, 'x')).status, 201);
  CAF_CHECK_EQUAL(in.get(in.endpoint).status, 405);
  CAF_CHECK_EQUAL(in.send("POST", "https://push.example.net/wpush/nobody", {}).status, 404);
  CAF_CHECK_EQUAL(in.send("POST", "https://push.example.net/", {}).status, 404);
}

CAF_TEST(a restricted subscription takes messages of its application server only) {
  pushing in;
  in.subscribe(vapid_point);
  auto unsigned_one = in.push();
  CAF_CHECK_EQUAL(unsigned_one.status, 401);
  CAF_CHECK_EQUAL(unsigned_one.header("WWW-Authenticate"), "vapid");
  CAF_CHECK_EQUAL(in.push_signed("Bearer x").status, 401);
  CAF_CHECK_EQUAL(in.push_signed("vapid t=x").status, 403);
  CAF_CHECK_EQUAL(in.push_signed(vapid(vapid_token, receiver_point)).status, 403);
  auto forged = std::string{vapid_token};
  forged[50] = forged[50] == 'A' ? 'B' : 'A';
  CAF_CHECK_EQUAL(in.push_signed(vapid(forged)).status, 403);
  CAF_CHECK_EQUAL(in.messages().size(), 0u);
  CAF_CHECK_EQUAL(in.push_signed(vapid()).status, 201);
  CAF_CHECK_EQUAL(in.messages().size(), 1u);
}

CAF_TEST(the token of a sender is good for one service and at most a day) {
  for (auto before_end : {25h, 24h, 1h, 0h}) {
    pushing in{in_2016(before_end)};
    in.subscribe();
    auto good = before_end > 0h && before_end <= 24h;
    CAF_CHECK_EQUAL(in.push_signed(vapid()).status, good ? 201 : 403);
  }
  auto elsewhere = in_2016();
  elsewhere.base_url = "http://127.0.0.1:9100";
  pushing in{elsewhere};
  in.subscribe();
  in.endpoint = "https://push.example.net/wpush/" + in.id;
  CAF_CHECK_EQUAL(in.push_signed(vapid()).status, 403);
}

CAF_TEST(messages wait for a browser that is offline as long as they may) {
  pushing in;
  in.subscribe();
  auto set_online = [&](bool online) {
    auto done = in.order({{"do", "push_online"}, {"subscription", in.id}, {"online", online}});
    CAF_CHECK_EQUAL(done.status, 200);
  };
  set_online(false);
  CAF_CHECK_EQUAL(in.push().status, 201);
  CAF_CHECK_EQUAL(in.push({{"Topic", "score"}}).status, 201);
  CAF_CHECK_EQUAL(in.push({{"Topic", "score"}}).status, 201); // Replaces the one before.
  http_headers now_or_never{{"TTL", "0"}, {"Content-Encoding", "aes128gcm"}};
  CAF_CHECK_EQUAL(in.send("POST", in.endpoint, {}, bytes(rfc_body), now_or_never).status, 201);
  CAF_CHECK_EQUAL(in.messages().size(), 0u);
  auto report = in.report();
  CAF_CHECK_EQUAL(report["subscriptions"][0]["waiting"], 2);
  set_online(true);
  CAF_CHECK_EQUAL(in.messages().size(), 2u);
  set_online(false);
  CAF_CHECK_EQUAL(in.push().status, 201);
  in.pass(61s);
  set_online(true);
  CAF_CHECK_EQUAL(in.messages().size(), 2u);
}

CAF_TEST(a subscription that has ended says gone and planned answers come first) {
  pushing in;
  in.subscribe();
  in.order({{"do", "push_answer"}, {"subscription", in.id}, {"status", 429}, {"retry_after", 7}});
  auto limited = in.push();
  CAF_CHECK_EQUAL(limited.status, 429);
  CAF_CHECK_EQUAL(limited.header("Retry-After"), "7");
  CAF_CHECK_EQUAL(in.push().status, 201);
  CAF_CHECK_EQUAL(in.order({{"do", "push_unsubscribe"}, {"subscription", in.id}}).status, 200);
  CAF_CHECK_EQUAL(in.push().status, 410);
}

CAF_TEST(orders to the push service are checked) {
  pushing in;
  auto refused = [&](const json& body) { return in.order(body).status == 400; };
  CAF_CHECK(refused({{"do", "push_subscribe"}, {"private_key", "AAAA"}}));
  CAF_CHECK(refused({{"do", "push_subscribe"}, {"vapid_public_key", "AAAA"}}));
  CAF_CHECK(refused({{"do", "push_unsubscribe"}, {"subscription", "nobody"}}));
  in.subscribe();
  CAF_CHECK(refused({{"do", "push_online"}, {"subscription", in.id}}));
  CAF_CHECK(refused({{"do", "push_answer"}, {"subscription", in.id}, {"status", 200}}));
  auto made = json::parse(in.order({{"do", "push_subscribe"}, {"user", "bob"}}).body);
  CAF_CHECK_EQUAL(made["keys"].size(), 2u);
}
