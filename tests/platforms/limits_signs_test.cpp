// What answers say about limits, provider by provider (facts of section 4).
#define CAF_SUITE limits_signs
#include "tests/support/caf_test.hpp"

#include <optional>
#include <string>

#include "platforms/limits/limit_signs.hpp"

using namespace lapwing;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

// Sat, 21 Nov 2026 09:00:00 GMT
const timestamp now = sys_days{2026y / November / 21} + 9h;
constexpr long long now_s = 1795251600;

http_response made(int status, http_headers headers = {}, std::string body = {}) {
  return {status, std::move(headers), std::move(body)};
}

rate_limit_spec github() {
  rate_limit_spec spec;
  spec.poll_interval_header = "X-Poll-Interval";
  return spec;
}

rate_limit_spec discord() {
  rate_limit_spec spec;
  spec.reset_after_header = "X-RateLimit-Reset-After";
  spec.bucket_header = "X-RateLimit-Bucket";
  spec.retry_after_json = "retry_after";
  return spec;
}

rate_limit_spec google() {
  rate_limit_spec spec;
  spec.quota_reasons = {"quotaExceeded", "dailyLimitExceeded"};
  return spec;
}

std::string google_error(const std::string& reason) {
  return R"({"error":{"code":403,"errors":[{"domain":"usageLimits","reason":")" + reason
         + R"("}],"status":"PERMISSION_DENIED"}})";
}

limit_signs read(const rate_limit_spec& spec, const http_response& answer,
                 std::optional<limit_reach> reach = {}) {
  return read_limit_signs(spec, reach, answer, now, 0);
}

/// Milliseconds from now; -1: not told.
long long wait(const limit_signs& signs) {
  return signs.until ? (*signs.until - now).count() : -1;
}

} // namespace

CAF_TEST(an ordinary answer closes nothing and tells the window) {
  auto signs = read(github(), made(200, {{"X-RateLimit-Limit", "5000"},
                                         {"x-ratelimit-remaining", "4987"},
                                         {"X-RateLimit-Reset", std::to_string(now_s + 1800)},
                                         {"X-Poll-Interval", "60"}}));
  CAF_CHECK(signs.cause == limit_cause::none);
  CAF_CHECK(signs.is_success);
  CAF_CHECK(!signs.counts_as_invalid);
  CAF_REQUIRE(signs.window.has_value());
  CAF_CHECK_EQUAL(signs.window->limit, 5000u);
  CAF_CHECK_EQUAL(signs.window->remaining, 4987u);
  CAF_CHECK(signs.window->reset == now + 30min);
  CAF_CHECK(read(github(), made(304)).is_success);
  CAF_CHECK(!read(github(), made(500)).is_success);
}

CAF_TEST(the primary limit of GitHub waits for the reset whatever the status) {
  for (int status : {403, 429}) {
    auto signs = read(github(), made(status, {{"X-RateLimit-Limit", "5000"},
                                              {"X-RateLimit-Remaining", "0"},
                                              {"X-RateLimit-Reset", std::to_string(now_s + 600)}}));
    CAF_CHECK(signs.cause == limit_cause::exhausted);
    CAF_CHECK(signs.reach == limit_reach::token);
    CAF_CHECK_EQUAL(wait(signs), 600'000);
  }
}

CAF_TEST(the secondary limit of GitHub is told by Retry-After or by its text alone) {
  http_headers rest{{"X-RateLimit-Remaining", "4000"},
                    {"X-RateLimit-Reset", std::to_string(now_s + 600)}};
  auto named = rest;
  named.emplace_back("Retry-After", "90");
  auto signs = read(github(), made(403, named));
  CAF_CHECK(signs.cause == limit_cause::refused);
  CAF_CHECK(signs.reach == limit_reach::token);
  CAF_CHECK_EQUAL(wait(signs), 90'000);
  signs = read(github(), made(403, rest,
                              R"({"message":"You have exceeded a secondary rate limit."})"));
  CAF_CHECK(signs.cause == limit_cause::refused);
  CAF_CHECK_EQUAL(wait(signs), -1);
  signs = read(github(), made(403, rest, R"({"message":"Resource not accessible"})"));
  CAF_CHECK(signs.cause == limit_cause::none);
  CAF_CHECK(!signs.is_success);
  CAF_CHECK(signs.counts_as_invalid);
}

CAF_TEST(the wrong clock of either side does not matter when the answer is dated) {
  // The provider's clock is an hour ahead of ours.
  auto signs = read(github(), made(429, {{"Date", "Sat, 21 Nov 2026 10:00:00 GMT"},
                                         {"X-RateLimit-Remaining", "0"},
                                         {"X-RateLimit-Reset", std::to_string(now_s + 3660)}}));
  CAF_CHECK_EQUAL(wait(signs), 60'000);
  signs = read(github(), made(429, {{"Date", "Sat, 21 Nov 2026 10:00:00 GMT"},
                                    {"Retry-After", "Sat, 21 Nov 2026 10:02:00 GMT"}}));
  CAF_CHECK_EQUAL(wait(signs), 120'000);
  signs = read(github(), made(429, {{"Retry-After", "Sat, 21 Nov 2026 09:01:00 GMT"}}));
  CAF_CHECK_EQUAL(wait(signs), 60'000);
  signs = read(github(), made(429, {{"Retry-After", "Sat, 21 Nov 2026 08:00:00 GMT"}}));
  CAF_CHECK_EQUAL(wait(signs), 0);
}

CAF_TEST(nonsense is ignored and no wait is endless) {
  for (const char* bad : {"", "soon", "-5", "1e9", "NaN"}) {
    auto signs = read(github(), made(429, {{"Retry-After", bad}}));
    CAF_CHECK(signs.cause == limit_cause::refused);
    CAF_CHECK_EQUAL(wait(signs), -1);
  }
  CAF_CHECK_EQUAL(wait(read(github(), made(429, {{"Retry-After", "999999999"}}))),
                  duration_cast<milliseconds>(limit_wait_max).count());
  // Milliseconds where seconds are meant: no window.
  CAF_CHECK(!read(github(), made(200, {{"X-RateLimit-Remaining", "0"},
                                       {"X-RateLimit-Reset", "1795251600000"}}))
               .window.has_value());
  CAF_CHECK(!read(github(), made(200, {{"X-RateLimit-Remaining", "0"}})).window.has_value());
  auto huge = made(429, {}, std::string(100'000, '['));
  CAF_CHECK(read(discord(), huge).cause == limit_cause::refused);
}

CAF_TEST(a bucket of Discord is told with decimals) {
  auto signs = read(discord(), made(200, {{"X-RateLimit-Limit", "5"},
                                          {"X-RateLimit-Remaining", "0"},
                                          {"X-RateLimit-Reset", "1470173023.123"},
                                          {"X-RateLimit-Reset-After", "1.25"},
                                          {"X-RateLimit-Bucket", "abcd1234"}}));
  CAF_CHECK_EQUAL(signs.bucket, "abcd1234");
  CAF_REQUIRE(signs.window.has_value());
  CAF_CHECK_EQUAL(signs.window->remaining, 0u);
  CAF_CHECK(signs.window->reset == now + 1250ms);
}

CAF_TEST(a refusal of Discord says whom it means and whose fault it is) {
  struct row {
    http_response answer;
    limit_reach reach;
    long long wait;
    bool counts;
  };
  const row table[] = {
    {made(429, {{"Retry-After", "65"}, {"X-RateLimit-Bucket", "b"}, {"X-RateLimit-Scope", "user"}},
          R"({"message":"You are being rate limited.","retry_after":64.57,"global":false})"),
     limit_reach::endpoint, 64'570, true},
    {made(429, {{"Retry-After", "65"}, {"X-RateLimit-Global", "true"},
                {"X-RateLimit-Scope", "global"}},
          R"({"message":"You are being rate limited.","retry_after":0.5,"global":true})"),
     limit_reach::token, 500, true},
    {made(429, {{"Retry-After", "1336"}, {"X-RateLimit-Scope", "shared"},
                {"X-RateLimit-Bucket", "b"}},
          R"({"message":"The resource is limited.","retry_after":1336.57,"global":false})"),
     limit_reach::endpoint, 1'336'570, false},
    {made(429, {{"Retry-After", "7"}}, "<html>you are banned</html>"), limit_reach::application,
     7'000, true},
  };
  for (const auto& each : table) {
    auto signs = read(discord(), each.answer);
    CAF_CHECK(signs.cause == limit_cause::refused);
    CAF_CHECK(signs.reach == each.reach);
    CAF_CHECK_EQUAL(wait(signs), each.wait);
    CAF_CHECK_EQUAL(signs.counts_as_invalid, each.counts);
  }
  CAF_CHECK(read(discord(), made(401)).counts_as_invalid);
  CAF_CHECK(!read(discord(), made(404)).counts_as_invalid);
}

CAF_TEST(the daily quota of Google closes the application until midnight in California) {
  for (const char* reason : {"quotaExceeded", "dailyLimitExceeded"}) {
    auto signs = read(google(), made(403, {}, google_error(reason)));
    CAF_CHECK(signs.cause == limit_cause::daily_quota);
    CAF_CHECK(signs.reach == limit_reach::application);
    CAF_CHECK_EQUAL(wait(signs), 23 * 3'600'000);
  }
  auto late = read_limit_signs(google(), {}, made(403, {}, google_error("quotaExceeded")), now,
                               0.5);
  CAF_CHECK_EQUAL(wait(late), 23 * 3'600'000 + 30'000);
}

CAF_TEST(other refusals of Google pass sooner and a missing scope is none) {
  auto signs = read(google(), made(403, {}, google_error("rateLimitExceeded")));
  CAF_CHECK(signs.cause == limit_cause::refused);
  CAF_CHECK(signs.reach == limit_reach::application);
  CAF_CHECK_EQUAL(wait(signs), -1);
  signs = read(google(), made(403, {}, google_error("userRateLimitExceeded")));
  CAF_CHECK(signs.cause == limit_cause::refused);
  CAF_CHECK(signs.reach == limit_reach::token);
  signs = read(google(), made(403, {}, google_error("insufficientPermissions")));
  CAF_CHECK(signs.cause == limit_cause::none);
}

CAF_TEST(Slack closes a method and Spotify the application) {
  auto signs = read({}, made(429, {{"Retry-After", "30"}}), limit_reach::endpoint);
  CAF_CHECK(signs.reach == limit_reach::endpoint);
  CAF_CHECK_EQUAL(wait(signs), 30'000);
  signs = read({}, made(200, {}, R"({"ok":false,"error":"ratelimited"})"), limit_reach::endpoint);
  CAF_CHECK(signs.cause == limit_cause::refused);
  signs = read({}, made(429, {{"Retry-After", "12"}}));
  CAF_CHECK(signs.reach == limit_reach::application);
  CAF_CHECK_EQUAL(wait(signs), 12'000);
}

CAF_TEST(an outage with a named end is a pause and one without is not) {
  auto signs = read({}, made(503, {{"Retry-After", "120"}}));
  CAF_CHECK(signs.cause == limit_cause::outage);
  CAF_CHECK(signs.reach == limit_reach::application);
  CAF_CHECK_EQUAL(wait(signs), 120'000);
  CAF_CHECK(read({}, made(503)).cause == limit_cause::none);
}
