#define CAF_SUITE load_requests
#include "tests/support/caf_test.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "benchmarks/load/http_response.hpp"
#include "benchmarks/load/options.hpp"
#include "benchmarks/load/process_stats.hpp"
#include "benchmarks/load/push_delivery.hpp"
#include "benchmarks/load/requests.hpp"

using namespace lapwing;
using namespace lapwing::load;

namespace {

const endpoint node{0x7f000001, 3001};

identity nobody() { return {"", "", std::chrono::sys_seconds{}, std::chrono::seconds{0}}; }

std::string hmac_hex(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  std::string out;
  for (unsigned i = 0; i < length; ++i)
    out += fmt::format("{:02x}", digest[i]);
  return out;
}

std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

std::string header_of(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos)
    return "";
  const auto start = at + name.size() + 4;
  return request.substr(start, request.find("\r\n", start) - start);
}

} // namespace

CAF_TEST(only loopback can be a target) {
  CAF_CHECK(parse_endpoint("127.0.0.1:3001").has_value());
  CAF_CHECK(parse_endpoint("http://localhost:80/").has_value());
  CAF_CHECK_EQUAL(to_string(*parse_endpoint("127.1.2.3:9")), "127.1.2.3:9");
  for (const char* text : {"10.0.0.1:80", "example.test:80", "127.0.0.1", "127.0.0.1:0",
                           "127.0.0.1:70000", "127.0.0.1:1x", ":1", "", "[::1]:80"})
    CAF_CHECK(!parse_endpoint(text).has_value());
}

CAF_TEST(a push delivery is json of some six kilobytes with a true signature) {
  push_delivery delivery{"It's a Secret to Everybody"};
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{77}, ~std::uint64_t{0}}) {
    std::string body;
    std::string signature;
    delivery.append_body(body, number);
    delivery.append_signature(signature, number);
    CAF_CHECK_EQUAL(body.size(), delivery.size());
    CAF_CHECK(body.size() > 5500 && body.size() < 7500);
    CAF_CHECK_EQUAL(signature, hmac_hex("It's a Secret to Everybody", body));
    const auto parsed = nlohmann::json::parse(body);
    CAF_CHECK_EQUAL(parsed["after"].get<std::string>().size(), 40u);
    CAF_CHECK_EQUAL(parsed["ref"].get<std::string>(), "refs/heads/main");
  }
}

CAF_TEST(a github request is what github sends) {
  const auto maker = github_requests(node, {"ann", "bob"}, "secret");
  std::string first;
  std::string second;
  maker->append_request(first, 1, {1, 2, 3, 4});
  maker->append_request(second, 1, {1, 2, 4, 5});
  CAF_CHECK(first.starts_with("POST /api/webhooks/github/bob HTTP/1.1\r\n"));
  CAF_CHECK_EQUAL(header_of(first, "X-GitHub-Event"), "push");
  CAF_CHECK(parse_mark_uuid(header_of(first, "X-GitHub-Delivery")) == (mark{1, 2, 3, 4}));
  CAF_CHECK_EQUAL(header_of(first, "X-Hub-Signature-256"),
                  "sha256=" + hmac_hex("secret", body_of(first)));
  CAF_CHECK_EQUAL(header_of(first, "Content-Length"), std::to_string(body_of(first).size()));
  CAF_CHECK(body_of(first) != body_of(second));
}

CAF_TEST(sent events carry their mark and their padding) {
  std::string request;
  room_requests(node, nobody(), {"a"}, {10, true})->append_request(request, 0, {1, 2, 3, 4});
  CAF_CHECK(request.starts_with("POST /api/rooms/a/send HTTP/1.1\r\n"));
  auto body = nlohmann::json::parse(body_of(request));
  CAF_CHECK_EQUAL(body["event"]["data"]["mark"].get<std::string>(), "1.2.3.4");
  CAF_CHECK_EQUAL(body["event"]["data"]["pad"].get<std::string>().size(), 10u);
  CAF_CHECK_EQUAL(body["ephemeral"].get<bool>(), true);
  request.clear();
  user_requests(node, nobody(), {"ann"}, {0, false})->append_request(request, 0, {1, 2, 3, 4});
  CAF_CHECK(request.starts_with("POST /api/sse/send HTTP/1.1\r\n"));
  body = nlohmann::json::parse(body_of(request));
  CAF_CHECK_EQUAL(body["userId"].get<std::string>(), "ann");
  CAF_CHECK(!body.contains("ephemeral"));
  CAF_CHECK_EQUAL(header_of(request, "Authorization"), "");
}

CAF_TEST(streams are opened with names in development identity and with tokens otherwise) {
  const auto plain = open_stream(transport::sse, node, nobody(), "ann", "a", "u7");
  CAF_CHECK(plain.request.starts_with("GET /api/sse/stream?userId=ann&rooms=a HTTP/1.1\r\n"));
  CAF_CHECK_EQUAL(header_of(plain.request, "Last-Event-ID"), "u7");
  CAF_CHECK_EQUAL(header_of(plain.request, "Authorization"), "");

  const identity who{"a secret of at least 32 characters", "", std::chrono::sys_seconds{},
                     std::chrono::seconds{60}};
  const auto socket = open_stream(transport::websocket, node, who, "ann", "a", "u7");
  CAF_CHECK(socket.request.starts_with("GET /ws HTTP/1.1\r\n"));
  const auto message = nlohmann::json::parse(socket.first_message);
  CAF_CHECK_EQUAL(message["userId"].get<std::string>(), "ann");
  CAF_CHECK_EQUAL(message["lastEventId"].get<std::string>(), "u7");
  CAF_CHECK_EQUAL(message["rooms"][0].get<std::string>(), "a");
  CAF_CHECK_EQUAL(message["token"].get<std::string>(), who.user_token("ann"));
}

CAF_TEST(a token is signed as the specification shows) {
  const auto token = sign_jwt(R"({"sub":"1234567890","name":"John Doe","iat":1516239022})",
                              "your-256-bit-secret");
  // The example token of jwt.io.
  CAF_CHECK_EQUAL(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                         "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
                         "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c");
}

CAF_TEST(one given number decides the other) {
  bench_options asked;
  asked.which = scenario::users;
  asked.users = 100;
  auto filled = with_defaults(asked).value();
  CAF_CHECK_EQUAL(filled.streams, 150u);
  asked.users = 0;
  asked.streams = 30;
  filled = with_defaults(asked).value();
  CAF_CHECK_EQUAL(filled.users, 20u);
  asked.users = 50;
  filled = with_defaults(asked).value();
  CAF_CHECK_EQUAL(filled.users, 30u);
}

CAF_TEST(what does not go together is refused) {
  const auto refused = [](auto change) {
    bench_options asked;
    asked.which = scenario::fanout;
    change(asked);
    return !with_defaults(asked).has_value();
  };
  CAF_CHECK(!refused([](bench_options&) {}));
  CAF_CHECK(refused([](bench_options& o) { o.publishers = 5000; }));
  CAF_CHECK(refused([](bench_options& o) { o.streams = 1'000'000; o.publishers = 1000; }));
  CAF_CHECK(refused([](bench_options& o) { o.duration = 0; }));
  CAF_CHECK(refused([](bench_options& o) { o.duration = -1; }));
  CAF_CHECK(refused([](bench_options& o) { o.runs = 0; }));
  CAF_CHECK(refused([](bench_options& o) { o.threads = 0; }));
  CAF_CHECK(refused([](bench_options& o) { o.which = scenario::webhooks; }));
  CAF_CHECK(refused([](bench_options& o) {
    o.which = scenario::resume;
    o.ephemeral = true;
  }));
}

CAF_TEST(process files are read past odd names) {
  CAF_CHECK(cpu_ticks_of_stat("12 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0") == 42u);
  CAF_CHECK(!cpu_ticks_of_stat("12 (a"));
  CAF_CHECK(!cpu_ticks_of_stat("12 (a) S 1"));
  const auto memory = memory_of_smaps_rollup("0-1 ---p 0 00:00 0 [rollup]\nRss:     100 kB\n"
                                             "Pss:      50 kB\nPss_Dirty: 7 kB\n");
  CAF_REQUIRE(memory.has_value());
  CAF_CHECK_EQUAL(memory->resident_bytes, 102'400u);
  CAF_CHECK_EQUAL(memory->proportional_bytes, 51'200u);
  CAF_CHECK(!memory_of_smaps_rollup(""));
}
