#define CAF_SUITE auth_remote_jwks
#include "tests/support/caf_test.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/auth/https_fetcher.hpp"
#include "net/auth/remote_jwks.hpp"
#include "tests/net/auth/helpers.hpp"
#include "tests/net/auth/signing_key.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

/// A server that answers when told to.
struct fake_server {
  std::vector<std::function<void(result<fetched_text>)>> asked;
  std::string last_url;

  fetch_function port() {
    return [this](std::string url, std::function<void(result<fetched_text>)> done) {
      last_url = std::move(url);
      asked.push_back(std::move(done));
    };
  }
  void answer(const std::string& keys, std::optional<std::chrono::seconds> max_age) {
    auto done = std::move(asked.back());
    done(fetched_text{R"({"keys":[)" + keys + "]}", max_age});
  }
  void fail() {
    auto done = std::move(asked.back());
    done(error{errc::upstream_unavailable, ""});
  }
};

struct fixture {
  fake_server server;
  remote_jwks keys{"https://keys.example/jwks", server.port()};
  signing_key first = signing_key::ed25519();
  signing_key second = signing_key::ed25519();

  /// What find() tells: "?" not yet, "known", "unknown", or a code.
  std::shared_ptr<std::string> find(const char* id, std::int64_t second_now) {
    auto told = std::make_shared<std::string>("?");
    keys.find(id, at_second(second_now), [told, id](result<remote_jwks::keys_ptr> found) {
      *told = !found ? code_of(found) : (*found)->contains(id) ? "known" : "unknown";
    });
    return told;
  }
  /// A copy: CAF's checks keep references.
  std::string told_at_once(const char* id, std::int64_t second_now) {
    return *find(id, second_now);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(remote_jwks_tests, fixture)

CAF_TEST(keys are fetched once for everybody who waits and then kept for max-age) {
  CAF_CHECK(!keys.find_now("a", at_second(1000)));
  auto one = find("a", 1000), two = find("a", 1001);
  CAF_CHECK_EQUAL(server.asked.size(), 1u);
  CAF_CHECK_EQUAL(*one, "?");
  CAF_CHECK_EQUAL(server.last_url, "https://keys.example/jwks");
  server.answer(first.jwk("a"), std::chrono::seconds{500});
  CAF_CHECK_EQUAL(*one, "known");
  CAF_CHECK_EQUAL(*two, "known");
  CAF_CHECK(keys.find_now("a", at_second(1499)).has_value());
  CAF_CHECK_EQUAL(told_at_once("a", 1499), "known");
  CAF_CHECK_EQUAL(server.asked.size(), 1u);
  CAF_CHECK_EQUAL(told_at_once("a", 1500), "?");
  CAF_CHECK_EQUAL(server.asked.size(), 2u);
}

CAF_TEST(an unknown id causes one fetch a minute at most) {
  find("a", 1000);
  server.answer(first.jwk("a"), std::chrono::hours{1});
  for (int i = 0; i < 100; ++i)
    CAF_CHECK_EQUAL(told_at_once("stranger", 1001), "unknown");
  CAF_CHECK_EQUAL(server.asked.size(), 1u);
  auto rotated = find("b", 1060);
  CAF_CHECK_EQUAL(server.asked.size(), 2u);
  server.answer(first.jwk("a") + "," + second.jwk("b"), std::chrono::hours{1});
  CAF_CHECK_EQUAL(*rotated, "known");
  CAF_CHECK_EQUAL(told_at_once("a", 1061), "known");
}

CAF_TEST(old keys serve while the server is away but not for ever) {
  find("a", 1000);
  server.answer(first.jwk("a"), std::chrono::seconds{100});
  auto asked = find("a", 1100);
  server.fail();
  CAF_CHECK_EQUAL(*asked, "known");
  CAF_CHECK_EQUAL(told_at_once("a", 1101), "known");
  CAF_CHECK_EQUAL(server.asked.size(), 2u);
  asked = find("a", 1105);
  CAF_CHECK_EQUAL(server.asked.size(), 3u);
  server.fail();
  asked = find("a", 1100 + 3600);
  server.fail();
  CAF_CHECK_EQUAL(*asked, "upstream_unavailable");
  CAF_CHECK_EQUAL(told_at_once("a", 1100 + 3601), "upstream_unavailable");
  CAF_CHECK_EQUAL(server.asked.size(), 4u);
}

CAF_TEST(an answer that is no key set counts as a failure) {
  auto asked = find("a", 1000);
  auto done = std::move(server.asked.back());
  done(fetched_text{"<html>", {}});
  CAF_CHECK_EQUAL(*asked, "upstream_unavailable");
  CAF_CHECK_EQUAL(code_of(*keys.find_now("a", at_second(1001))), "upstream_unavailable");
  CAF_CHECK(!keys.find_now("a", at_second(1005)));
}

CAF_TEST(a clock set back does not keep the keys from being fetched) {
  find("a", 5000);
  server.fail();
  CAF_CHECK_EQUAL(told_at_once("a", 1000), "?");
  CAF_CHECK_EQUAL(server.asked.size(), 2u);
}

CAF_TEST(keys that must not be stored are still kept for a minute) {
  find("a", 1000);
  server.answer(first.jwk("a"), std::chrono::seconds{0});
  CAF_CHECK_EQUAL(told_at_once("a", 1059), "known");
  CAF_CHECK_EQUAL(told_at_once("a", 1060), "?");
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(freshness is max-age less age) {
  auto seconds = [](const char* control, const char* age) {
    auto fresh = freshness_of(control, age);
    return fresh ? fresh->count() : -1;
  };
  CAF_CHECK_EQUAL(seconds("public, max-age=22443, must-revalidate", ""), 22443);
  CAF_CHECK_EQUAL(seconds("MAX-AGE=100", "40"), 60);
  CAF_CHECK_EQUAL(seconds("max-age=\"100\"", "400"), 0);
  CAF_CHECK_EQUAL(seconds("no-store", ""), 0);
  CAF_CHECK_EQUAL(seconds("max-age=5, no-cache", ""), 0);
  CAF_CHECK_EQUAL(seconds("", ""), -1);
  CAF_CHECK_EQUAL(seconds("max-age=", ""), -1);
  CAF_CHECK_EQUAL(seconds("max-age=-4", ""), -1);
  CAF_CHECK_EQUAL(seconds("max-age=99999999999999999999", ""), -1);
  CAF_CHECK_EQUAL(seconds(",,,=,", "x"), -1);
}

CAF_TEST(only https and loopback addresses are fetched) {
  for (const auto* url : {"https://www.googleapis.com/oauth2/v3/certs", "http://127.0.0.1:8080/x",
                          "http://localhost/x", "http://[::1]:1/x", "http://127.1/x"})
    CAF_CHECK(fetchable_url(url));
  for (const auto* url :
       {"http://example.com/x", "http://127.0.0.1.example.com/", "http://localhost.example.com/",
        "ftp://localhost/", "file:///etc/passwd", "", "x", "https://user:secret@example.com/",
        "http://127.0.0.1@example.com/", "http://10.0.0.1/", "http://127.example/"})
    CAF_CHECK(!fetchable_url(url));
}
