// When a request may go: what budgets remember of the answers.
#define CAF_SUITE limits_budget
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "platforms/limits/rate_budget.hpp"

using namespace lapwing;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

const timestamp start = sys_days{2026y / November / 21} + 9h;

http_response made(int status, http_headers headers = {}, std::string body = {}) {
  return {status, std::move(headers), std::move(body)};
}

http_response retry_after(const std::string& seconds) {
  return made(429, {{"Retry-After", seconds}});
}

http_response window(int remaining, int limit, seconds reset_in, timestamp now) {
  auto reset = duration_cast<seconds>((now + reset_in).time_since_epoch()).count();
  return made(200, {{"X-RateLimit-Limit", std::to_string(limit)},
                    {"X-RateLimit-Remaining", std::to_string(remaining)},
                    {"X-RateLimit-Reset", std::to_string(reset)}});
}

rate_limit_spec discord() {
  rate_limit_spec spec;
  spec.reset_after_header = "X-RateLimit-Reset-After";
  spec.bucket_header = "X-RateLimit-Bucket";
  spec.retry_after_json = "retry_after";
  return spec;
}

http_response discord_window(const char* bucket, int remaining, const char* reset_after) {
  return made(200, {{"X-RateLimit-Limit", "5"},
                    {"X-RateLimit-Remaining", std::to_string(remaining)},
                    {"X-RateLimit-Reset-After", reset_after},
                    {"X-RateLimit-Bucket", bucket}});
}

/// Milliseconds until it may go; 0: now.
long long wait(const rate_budget& budget, const std::string& token, std::string_view endpoint,
               timestamp now) {
  auto found = budget.may_send(token, endpoint, now);
  return std::max<long long>(0, (found.from - now).count());
}

} // namespace

CAF_TEST(nothing known means now) {
  rate_limit_spec spec;
  rate_budget budget{spec};
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start), 0);
  CAF_CHECK(budget.may_send("ann", "events", start).cause == limit_cause::none);
  CAF_CHECK_EQUAL(budget.share_left("ann", start), 1.0);
  CAF_CHECK_EQUAL(budget.token_count(), 0u);
}

CAF_TEST(an exhausted window closes its token until the reset and no other) {
  rate_limit_spec spec;
  rate_budget budget{spec};
  budget.saw("ann", "events", window(2, 5000, 600s, start), start, 0);
  CAF_CHECK_EQUAL(budget.share_left("ann", start), 2.0 / 5000);
  budget.sent("ann", "events", start);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start), 0);
  budget.sent("ann", "events", start);
  CAF_CHECK_EQUAL(wait(budget, "ann", "other", start + 1s), 599'000);
  CAF_CHECK(budget.may_send("ann", "events", start).cause == limit_cause::exhausted);
  CAF_CHECK_EQUAL(wait(budget, "bob", "events", start), 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start + 600s), 0);
  CAF_CHECK_EQUAL(budget.share_left("ann", start + 600s), 1.0);
}

CAF_TEST(a fresh answer is believed over our own counting) {
  rate_limit_spec spec;
  rate_budget budget{spec};
  budget.saw("ann", "events", window(1, 60, 600s, start), start, 0);
  budget.sent("ann", "events", start);
  // A 304 costs nothing at GitHub.
  auto unchanged = window(1, 60, 600s, start);
  unchanged.status = 304;
  budget.saw("ann", "events", unchanged, start + 1s, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start + 1s), 0);
}

CAF_TEST(a refusal without a time waits a minute and longer each time it comes again) {
  rate_limit_spec spec;
  spec.refusal_reach = limit_reach::token;
  rate_budget budget{spec};
  auto now = start;
  for (long long expected : {60, 120, 240, 480, 960, 1920, 3600, 3600}) {
    budget.saw("ann", "events", made(429), now, 0);
    CAF_CHECK_EQUAL(wait(budget, "ann", "events", now), expected * 1000);
    CAF_CHECK_EQUAL(wait(budget, "bob", "events", now), 0);
    now += seconds{expected};
    CAF_CHECK_EQUAL(wait(budget, "ann", "events", now), 0);
  }
  budget.saw("ann", "events", made(200), now, 0);
  budget.saw("ann", "events", made(429), now, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", now), 60'000);
}

CAF_TEST(chance adds up to a tenth to a wait that was not named and nothing to one that was) {
  rate_limit_spec spec;
  spec.refusal_reach = limit_reach::token;
  rate_budget budget{spec};
  budget.saw("ann", "a", made(429), start, 0.5);
  CAF_CHECK_EQUAL(wait(budget, "ann", "a", start), 63'000);
  budget.saw("bob", "a", retry_after("30"), start, 0.5);
  CAF_CHECK_EQUAL(wait(budget, "bob", "a", start), 30'000);
}

CAF_TEST(refusals of requests that were already out do not make the wait longer) {
  rate_limit_spec spec;
  spec.refusal_reach = limit_reach::token;
  rate_budget budget{spec};
  for (int i = 0; i < 10; ++i)
    budget.saw("ann", "events", made(429), start, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start), 60'000);
  budget.saw("ann", "events", made(200), start + 1s, 0); // Sent before the refusal.
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start + 1s), 59'000);
  budget.saw("ann", "events", made(429), start + 61s, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start + 61s), 120'000);
  // A named time that ends later counts, one that ends sooner does not.
  budget.saw("ann", "events", retry_after("300"), start + 61s, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start + 61s), 300'000);
  budget.saw("ann", "events", retry_after("1"), start + 61s, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "events", start + 61s), 300'000);
}

CAF_TEST(a platform that always says come back at once is not asked in a busy loop) {
  rate_limit_spec spec;
  rate_budget budget{spec};
  int calls = 0;
  for (auto now = start; now < start + 1h; ++calls) {
    budget.saw("ann", "a", retry_after("0"), now, 0);
    auto next = budget.may_send("ann", "a", now).from;
    CAF_REQUIRE(next > now);
    now = next;
  }
  CAF_CHECK(calls <= 25);
}

CAF_TEST(a refusal of the application stops everybody) {
  rate_limit_spec spec;
  spec.refusal_reach = limit_reach::application;
  rate_budget budget{spec};
  budget.saw("ann", "recent", retry_after("30"), start, 0);
  CAF_CHECK_EQUAL(wait(budget, "bob", "other", start), 30'000);
  CAF_CHECK(budget.may_send(start) == (admission{start + 30s, limit_cause::refused}));
  CAF_CHECK_EQUAL(budget.share_left("bob", start), 0.0);
  CAF_CHECK_EQUAL(wait(budget, "bob", "other", start + 30s), 0);
  CAF_CHECK_EQUAL(budget.token_count(), 0u);
}

CAF_TEST(a refusal of a method stops that method of that workspace) {
  rate_limit_spec spec;
  spec.requests_per_minute = 1;
  rate_budget budget{spec};
  budget.saw("T1", "history", retry_after("45"), start, 0);
  CAF_CHECK_EQUAL(wait(budget, "T1", "history", start), 45'000);
  CAF_CHECK_EQUAL(wait(budget, "T1", "conversations", start), 0);
  CAF_CHECK_EQUAL(wait(budget, "T2", "history", start), 0);
  CAF_CHECK_EQUAL(budget.share_left("T1", start), 1.0);
}

CAF_TEST(our own pace is kept per token or per method) {
  rate_limit_spec spec;
  spec.requests_per_minute = 20;
  spec.refusal_reach = limit_reach::token;
  rate_budget per_token{spec};
  per_token.sent("ann", "a", start);
  CAF_CHECK_EQUAL(wait(per_token, "ann", "b", start), 3'000);
  CAF_CHECK(per_token.may_send("ann", "b", start).cause == limit_cause::pace);
  CAF_CHECK_EQUAL(wait(per_token, "bob", "b", start), 0);
  per_token.sent("ann", "b", start);
  CAF_CHECK_EQUAL(wait(per_token, "ann", "b", start), 6'000);
  auto methods = spec;
  methods.refusal_reach.reset();
  rate_budget per_method{methods};
  per_method.sent("T1", "a", start);
  CAF_CHECK_EQUAL(wait(per_method, "T1", "a", start), 3'000);
  CAF_CHECK_EQUAL(wait(per_method, "T1", "b", start), 0);
}

CAF_TEST(buckets of Discord are shared by the endpoints in them) {
  auto spec = discord();
  rate_budget budget{spec};
  budget.saw("ann", "guilds", discord_window("b1", 3, "2.5"), start, 0);
  budget.saw("ann", "channels", discord_window("b1", 0, "2.0"), start, 0);
  budget.saw("ann", "me", discord_window("b2", 4, "9"), start, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "guilds", start), 2'000);
  CAF_CHECK_EQUAL(wait(budget, "ann", "channels", start), 2'000);
  CAF_CHECK_EQUAL(wait(budget, "ann", "me", start), 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "unseen", start), 0);
  CAF_CHECK_EQUAL(budget.share_left("ann", start), 1.0);
}

CAF_TEST(a global refusal of Discord stops its token and a ban the application) {
  auto spec = discord();
  rate_budget budget{spec};
  budget.saw("ann", "guilds",
             made(429, {{"X-RateLimit-Global", "true"}}, R"({"retry_after":20.5,"global":true})"),
             start, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "me", start), 20'500);
  CAF_CHECK_EQUAL(wait(budget, "bob", "me", start), 0);
  budget.saw("ann", "guilds", made(429, {{"Retry-After", "600"}}, "banned"), start, 0);
  CAF_CHECK_EQUAL(wait(budget, "bob", "me", start), 600'000);
}

CAF_TEST(refusals are held below what bans the address) {
  auto spec = discord();
  rate_budget budget{spec};
  std::map<long, int> per_minute;
  auto now = start;
  int shared = 0;
  while (now < start + 1h) {
    auto admitted = budget.may_send(now);
    if (admitted.from > now) {
      CAF_REQUIRE(admitted.cause == limit_cause::invalid_requests);
      now = admitted.from;
      continue;
    }
    // Everybody's token was revoked at once, and 50 requests go out in a second.
    budget.saw("t" + std::to_string(per_minute.size()), "me", made(401), now, 0);
    ++per_minute[duration_cast<minutes>(now - start).count()];
    if (++shared % 10 == 0)
      budget.saw("s", "x",
                 made(429, {{"X-RateLimit-Scope", "shared"}}, R"({"retry_after":0.1})"), now, 0);
    now += 20ms;
  }
  for (long from = 0; from < 50; ++from) {
    int in_ten_minutes = 0;
    for (long minute = from; minute < from + 10; ++minute)
      in_ten_minutes += per_minute[minute];
    CAF_CHECK(in_ten_minutes <= 8000);
  }
  rate_limit_spec other;
  rate_budget unbounded{other};
  for (int i = 0; i < 20'000; ++i)
    unbounded.saw("ann", "me", made(401), start, 0);
  CAF_CHECK_EQUAL(wait(unbounded, "ann", "me", start), 0);
}

CAF_TEST(the daily quota closes all until midnight and a success before does not open it) {
  rate_limit_spec spec;
  spec.quota_reasons = {"quotaExceeded"};
  rate_budget budget{spec};
  budget.saw("ann", "likes",
             made(403, {}, R"({"error":{"errors":[{"reason":"quotaExceeded"}]}})"), start, 0);
  CAF_CHECK(budget.may_send(start) == (admission{start + 23h, limit_cause::daily_quota}));
  budget.saw("bob", "likes", made(200), start + 1s, 0);
  CAF_CHECK_EQUAL(wait(budget, "bob", "likes", start + 22h), 3'600'000);
  CAF_CHECK_EQUAL(wait(budget, "bob", "likes", start + 23h), 0);
}

CAF_TEST(a clock that is set back or forth makes no wait longer) {
  rate_limit_spec spec;
  spec.refusal_reach = limit_reach::token;
  rate_budget budget{spec};
  budget.saw("ann", "a", retry_after("60"), start, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "a", start - 24h), 60'000);
  CAF_CHECK_EQUAL(wait(budget, "ann", "a", start - 24h + 20s), 40'000);
  CAF_CHECK_EQUAL(wait(budget, "ann", "a", start - 24h + 60s), 0);
  budget.saw("ann", "a", window(0, 60, 600s, start - 23h), start - 23h, 0);
  CAF_CHECK_EQUAL(wait(budget, "ann", "a", start - 23h + 10s), 590'000);
  CAF_CHECK_EQUAL(wait(budget, "ann", "a", start + 24h), 0);
}

CAF_TEST(tokens without anything to wait for are forgotten) {
  rate_limit_spec spec;
  rate_budget budget{spec};
  auto now = start;
  for (int i = 0; i < 10'000; ++i, now += 1s)
    budget.saw("user " + std::to_string(i), "a", window(50, 60, 100s, now), now, 0);
  CAF_CHECK(budget.token_count() <= 512);
  budget.forget("user 9999");
  CAF_CHECK_EQUAL(budget.share_left("user 9999", now), 1.0);
}

CAF_TEST(a token remembers a bounded number of endpoints) {
  auto spec = discord();
  rate_budget budget{spec};
  auto refusal = made(429, {{"X-RateLimit-Scope", "user"}}, R"({"retry_after":600})");
  for (int i = 0; i < 1000; ++i)
    budget.saw("ann", "e" + std::to_string(i), refusal, start + milliseconds{i}, 0);
  int closed = 0;
  for (int i = 0; i < 1000; ++i)
    closed += wait(budget, "ann", "e" + std::to_string(i), start + 1s) > 0 ? 1 : 0;
  CAF_CHECK_EQUAL(closed, 32);
  CAF_CHECK(wait(budget, "ann", "e999", start + 1s) > 0);
}

CAF_TEST(whatever answers come nobody waits for ever and nobody spins) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 chance{seed};
    auto spec = seed % 2 == 0 ? discord() : rate_limit_spec{};
    spec.quota_reasons = {"quotaExceeded"};
    rate_budget budget{spec};
    auto now = start;
    int calls = 0;
    auto text = [&](std::initializer_list<const char*> list) {
      return std::string{*(list.begin() + chance() % list.size())};
    };
    for (int step = 0; step < 500; ++step) {
      auto token = "t" + std::to_string(chance() % 3);
      auto endpoint = "e" + std::to_string(chance() % 3);
      auto admitted = budget.may_send(token, endpoint, now);
      CAF_REQUIRE(admitted.from <= now + limit_wait_max + 1min);
      now = std::max(now, admitted.from);
      CAF_REQUIRE_EQUAL(wait(budget, token, endpoint, now), 0);
      budget.sent(token, endpoint, now);
      ++calls;
      budget.saw(token, endpoint,
                 made(std::stoi(text({"429", "429", "403", "503", "401"})),
                      {{"Retry-After", text({"", "0", "1", "3600", "x", "-1", "99999999999",
                                             "Sat, 21 Nov 2026 10:00:00 GMT"})},
                       {"X-RateLimit-Remaining", text({"0", "1", "", "-3"})},
                       {"X-RateLimit-Reset", text({"0", "1795251700", "x", "1e99", "99999999999"})},
                       {"X-RateLimit-Reset-After", text({"", "0.1", "5"})},
                       {"X-RateLimit-Bucket", text({"", "a", "b"})},
                       {"X-RateLimit-Scope", text({"", "user", "shared", "global"})},
                       {"Date", text({"", "Sat, 21 Nov 2020 09:00:00 GMT", "never"})}},
                      text({"", "{", "rate limit", R"({"retry_after":0})",
                            R"({"retry_after":-1})", R"({"retry_after":"3"})",
                            R"({"error":{"errors":[{"reason":"quotaExceeded"}]}})"})),
                 now, static_cast<double>(chance() % 1000) / 1000);
      if (chance() % 50 == 0)
        now -= hours{chance() % 48};
    }
    CAF_CHECK_EQUAL(calls, 500);
  }
}
