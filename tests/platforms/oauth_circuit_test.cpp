// One answer for all who would ask a token endpoint.
#define CAF_SUITE oauth_circuit

#include "tests/support/caf_test.hpp"

#include <string>
#include <utility>
#include <vector>

#include "platforms/drive/token_endpoints.hpp"

using namespace lapwing;
using namespace std::chrono_literals;
using news = token_circuit::news;
using enum token_failure_kind;

namespace {

struct fixture {
  token_circuit circuit;
  timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  double chance = 1;

  bool may() { return circuit.ask(now).may; }
  timestamp from() { return circuit.ask(now).from; }
  news fail(token_failure_kind kind, std::string code = "http_503",
            std::optional<std::chrono::milliseconds> retry_after = {}) {
    return circuit.answered(token_failure{kind, std::move(code), retry_after}, now, chance);
  }
  news tokens() { return circuit.answered({}, now, chance); }
  void break_it() {
    for (int i = 0; i < 4; ++i)
      CAF_CHECK(fail(transient) == news::none);
    CAF_CHECK(fail(transient) == news::failing);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(oauth_circuit_cases, fixture)

CAF_TEST(five failures in a row open it for all) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      CAF_CHECK(may());
      CAF_CHECK(fail(transient) == news::none);
    }
    CAF_CHECK(tokens() == news::none);
  }
  break_it();
  CAF_CHECK(!may());
  CAF_CHECK(from() == now + 10s);
  CAF_CHECK_EQUAL(circuit.code(), "http_503");
}

CAF_TEST(a refusal of one grant says nothing about the endpoint) {
  for (int i = 0; i < 100; ++i) {
    CAF_CHECK(may());
    CAF_CHECK(fail(i % 2 ? reauthorise : unknown, "invalid_grant") == news::none);
  }
  CAF_CHECK(!circuit.open());
}

CAF_TEST(a refused client is told once and rests longer and longer) {
  CAF_CHECK(fail(configuration, "invalid_client") == news::refused);
  auto rest = from() - now;
  CAF_CHECK(rest == 1min);
  for (int i = 0; i < 20; ++i) {
    now = from();
    CAF_CHECK(may());
    CAF_CHECK(fail(configuration, "invalid_client") == news::none);
    CAF_CHECK(from() - now >= rest);
    CAF_CHECK(from() - now <= 15min);
    rest = from() - now;
  }
  CAF_CHECK(rest == 15min);
  now = from();
  CAF_CHECK(may());
  CAF_CHECK(fail(configuration, "unauthorized_client") == news::refused);
  now = from();
  CAF_CHECK(may());
  CAF_CHECK(tokens() == news::works);
  CAF_CHECK(may());
  CAF_CHECK(fail(configuration, "unauthorized_client") == news::refused);
  CAF_CHECK(from() - now == 1min);
}

CAF_TEST(after a rest one asks for all) {
  break_it();
  now += 10s;
  CAF_CHECK(may());
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(!may());
  CAF_CHECK(from() == now + 30s);
  CAF_CHECK(fail(transient) == news::none);
  CAF_CHECK(from() == now + 20s);
  now += 20s;
  CAF_CHECK(may());
  CAF_CHECK(fail(reauthorise, "invalid_grant") == news::works);
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(may());
}

CAF_TEST(a probe that gets lost or is not sent makes room for another) {
  break_it();
  now += 10s;
  CAF_CHECK(may());
  circuit.given_up();
  CAF_CHECK(may());
  CAF_CHECK(!may());
  now += 30s;
  CAF_CHECK(may());
}

CAF_TEST(answers to what was under way when it opened change little) {
  break_it();
  const auto until = from();
  for (int i = 0; i < 500; ++i)
    CAF_CHECK(fail(transient) == news::none);
  CAF_CHECK(from() == until);
  CAF_CHECK(fail(configuration, "invalid_client") == news::refused);
}

CAF_TEST(a time to come back is for the whole client) {
  CAF_CHECK(fail(transient, "http_429", 7min) == news::failing);
  CAF_CHECK(from() == now + 7min);
}

CAF_TEST(a clock put back does not shut it for longer than a rest can be) {
  break_it();
  now -= 90 * 24h;
  CAF_CHECK(may());
  CAF_CHECK(!may());
  now -= 90 * 24h;
  CAF_CHECK(may());
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(platforms of one client share an endpoint and others do not) {
  std::vector<platform_spec> platforms(3);
  platforms[0].title = "Gmail";
  platforms[1].title = "YouTube";
  platforms[2].title = "Other";
  for (auto& platform : platforms) {
    platform.oauth.token_url = "https://accounts.example/token";
    platform.oauth.client_id = &platform == &platforms[2] ? "b" : "a";
  }
  std::vector<std::string> told;
  token_endpoints endpoints{platforms, [&](news what, const std::string& title,
                                           const std::string& code) {
                              told.push_back(std::to_string(static_cast<int>(what)) + title + code);
                            }};
  timestamp now{};
  const token_failure refused{configuration, "invalid_client", {}};
  auto first = endpoints.ask(platforms[0], now);
  CAF_REQUIRE(first.granted);
  first.granted->answered(refused, now, 1);
  CAF_CHECK(!endpoints.ask(platforms[1], now).granted);
  CAF_CHECK(endpoints.ask(platforms[1], now).from == now + 1min);
  CAF_CHECK(endpoints.ask(platforms[2], now).granted);
  now += 1min;
  {
    // Not used: the next may.
    const auto unused = endpoints.ask(platforms[1], now);
    CAF_CHECK(unused.granted);
    CAF_CHECK(!endpoints.ask(platforms[0], now).granted);
  }
  auto probe = endpoints.ask(platforms[1], now);
  CAF_REQUIRE(probe.granted);
  probe.granted->answered(std::nullopt, now, 1);
  CAF_CHECK(endpoints.ask(platforms[0], now).granted);
  CAF_CHECK_EQUAL(told.size(), 2u);
  CAF_CHECK_EQUAL(told.at(0), "1Gmailinvalid_client");
  CAF_CHECK_EQUAL(told.at(1), "3Gmailinvalid_client");
  // A platform that is none of them is nobody's business.
  platform_spec stranger;
  CAF_CHECK(endpoints.ask(stranger, now).granted);
}
