#define CAF_SUITE monitor_method
#include "tests/support/caf_test.hpp"

#include <random>

#include "platforms/monitor/method_choice.hpp"
#include "platforms/poll/instant.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

const timestamp start = parse_instant("2026-11-21T09:00:00Z")->second;
const method_means github{true, true, 6h};
const method_means slack{true, false, 6h};
const method_means spotify{false, false, 6h};

std::string told(const std::optional<status_report>& report) {
  if (!report)
    return "nothing";
  std::string out{to_string_view(report->status)};
  out += ' ';
  out += to_string_view(report->method);
  return report->cause.empty() ? out : out + ' ' + report->cause;
}

method_choice registered_github() {
  method_choice choice{github, start};
  CAF_CHECK_EQUAL(told(choice.registered("active", "", "", std::nullopt, start)),
                  "connected webhook");
  return choice;
}

} // namespace

CAF_TEST(a platform without webhooks polls and is never degraded) {
  method_choice choice{spotify, start};
  CAF_CHECK_EQUAL(told(choice.found_news(start + 1h)), "nothing");
  CAF_CHECK_EQUAL(told(choice.check(start + 900h)), "nothing");
  CAF_CHECK(choice.method() == monitor_method::polling);
  CAF_CHECK(!choice.is_doubted());
}

CAF_TEST(webhooks are preferred once they are registered) {
  method_choice choice{github, start};
  CAF_CHECK_EQUAL(told(choice.registered("pending", "", "", std::nullopt, start)), "nothing");
  CAF_CHECK_EQUAL(told(choice.registered("active", "", "", std::nullopt, start)),
                  "connected webhook");
  CAF_CHECK_EQUAL(told(choice.registered("active", "", "", std::nullopt, start + 1h)), "nothing");
}

CAF_TEST(without a registration of ours the first delivery shows that they come) {
  method_choice choice{slack, start};
  CAF_CHECK_EQUAL(told(choice.check(start + 1h)), "nothing");
  CAF_CHECK_EQUAL(told(choice.delivered(start + 2h)), "connected webhook");
}

CAF_TEST(a failed or ended registration means polling with its cause and remedy) {
  auto choice = registered_github();
  auto failed = choice.registered("failed", "registration_forbidden", "Ask an administrator.",
                                  std::nullopt, start + 1h);
  CAF_CHECK_EQUAL(told(failed), "degraded polling registration_forbidden");
  CAF_CHECK_EQUAL(failed->remedy, "Ask an administrator.");
  CAF_CHECK_EQUAL(status_data_json("github", *failed),
                  R"({"platform":"github","status":"degraded","method":"polling",)"
                  R"("cause":"registration_forbidden","remedy":"Ask an administrator."})");
  CAF_CHECK_EQUAL(told(choice.registered("active", "", "", std::nullopt, start + 2h)),
                  "connected webhook");
  CAF_CHECK_EQUAL(told(choice.registered("expired", "registration_expired", "", std::nullopt,
                                         start + 3h)),
                  "degraded polling registration_expired");
  // What has ended may still be on its way; it proves nothing.
  CAF_CHECK_EQUAL(told(choice.delivered(start + 3h)), "nothing");
}

CAF_TEST(a hook made by hand counts by its deliveries) {
  method_choice choice{github, start};
  choice.registered("failed", "registration_forbidden", "x", std::nullopt, start);
  CAF_CHECK_EQUAL(told(choice.delivered(start + 1h)), "connected webhook");
  CAF_CHECK_EQUAL(told(choice.registered("failed", "registration_forbidden", "x", std::nullopt,
                                         start + 24h)),
                  "nothing");
}

CAF_TEST(silence is doubted only when polls found news that nobody told) {
  auto choice = registered_github();
  CAF_CHECK_EQUAL(told(choice.check(start + 900h)), "nothing");
  CAF_CHECK_EQUAL(told(choice.found_news(start + 7h)), "nothing"); // Grace first.
  CAF_REQUIRE(choice.next_check());
  CAF_CHECK(*choice.next_check() == start + 7h + 5min);
  CAF_CHECK_EQUAL(told(choice.check(start + 7h + 4min)), "nothing");
  CAF_CHECK_EQUAL(told(choice.check(start + 7h + 5min)), "degraded polling webhooks_quiet");
  CAF_CHECK(choice.is_doubted());
  CAF_CHECK_EQUAL(told(choice.check(start + 8h)), "nothing");
  CAF_CHECK_EQUAL(told(choice.delivered(start + 9h)), "connected webhook");
}

CAF_TEST(a delivery around the news excuses the webhook) {
  auto choice = registered_github();
  choice.found_news(start + 7h);
  CAF_CHECK_EQUAL(told(choice.delivered(start + 7h + 2min)), "nothing");
  CAF_CHECK_EQUAL(told(choice.check(start + 20h)), "nothing");
  choice.delivered(start + 30h);
  CAF_CHECK_EQUAL(told(choice.found_news(start + 30h + 1min)), "nothing");
  CAF_CHECK(!choice.next_check());
  // News not long after a delivery: doubt waits until it has been quiet long enough.
  choice.found_news(start + 31h);
  CAF_CHECK(*choice.next_check() == start + 36h);
}

CAF_TEST(news that a slow poll finds late were told of long ago) {
  auto choice = registered_github();
  choice.delivered(start + 2h);
  // Read before at one; a delivery came at two; the poll at nine finds what it told of.
  choice.found_news(start + 9h, start + 1h);
  CAF_CHECK(!choice.next_check());
  // And what may be older than the registration had not to be told of.
  auto fresh = registered_github();
  fresh.found_news(start + 9h, start - 1h);
  CAF_CHECK(!fresh.next_check());
  fresh.found_news(start + 9h, start + 1h);
  CAF_CHECK(fresh.next_check());
}

CAF_TEST(repeated bad signatures are doubted and trust comes back slowly) {
  auto choice = registered_github();
  CAF_CHECK_EQUAL(told(choice.misdelivered(start)), "nothing");
  CAF_CHECK_EQUAL(told(choice.misdelivered(start)), "nothing");
  CAF_CHECK_EQUAL(told(choice.delivered(start)), "nothing");
  choice.misdelivered(start);
  choice.misdelivered(start);
  CAF_CHECK_EQUAL(told(choice.misdelivered(start)), "degraded polling signature_failures");
  CAF_CHECK_EQUAL(told(choice.delivered(start)), "nothing");
  CAF_CHECK_EQUAL(told(choice.misdelivered(start)), "nothing");
  CAF_CHECK_EQUAL(told(choice.delivered(start)), "nothing");
  CAF_CHECK_EQUAL(told(choice.delivered(start)), "connected webhook");
}

CAF_TEST(a registration made anew clears the doubt) {
  auto choice = registered_github();
  choice.found_news(start + 7h);
  choice.check(start + 8h);
  CAF_CHECK(choice.is_doubted());
  choice.registered("pending", "", "", std::nullopt, start + 8h);
  CAF_CHECK_EQUAL(told(choice.registered("active", "", "", std::nullopt, start + 8h)),
                  "connected webhook");
}

CAF_TEST(a clock that is set back does not keep a doubt waiting) {
  auto choice = registered_github();
  choice.delivered(start + 1000h);
  choice.found_news(start + 2h); // A thousand hours "ago".
  auto next = choice.next_check();
  if (next)
    CAF_CHECK(*next <= start + 9h);
}

CAF_TEST(a month of random facts never flaps) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 chance{seed};
    auto choice = registered_github();
    auto time = start;
    int changes = 0;
    int facts = 0;
    status_report last = choice.report();
    auto note = [&](const std::optional<status_report>& report) {
      if (!report)
        return;
      CAF_REQUIRE(!(*report == last)); // Told only when something changed.
      last = *report;
      ++changes;
    };
    // A healthy webhook: each thing is delivered within a minute, before or after a poll sees it.
    while (time < start + 30 * 24h) {
      time += std::chrono::minutes{1 + chance() % 1200};
      ++facts;
      if (chance() % 2 == 0) {
        note(choice.found_news(time));
        time += 1min;
        note(choice.delivered(time));
      } else {
        note(choice.delivered(time));
        time += 1min;
        note(choice.found_news(time));
      }
      note(choice.check(time));
    }
    CAF_CHECK(facts > 20);
    CAF_CHECK_EQUAL(changes, 0);
    // It dies: one change, soon; it lives again: one more.
    for (int i = 0; i < 40; ++i) {
      time += 30min;
      note(choice.found_news(time));
      note(choice.check(time));
    }
    CAF_CHECK_EQUAL(changes, 1);
    CAF_CHECK_EQUAL(last.cause, "webhooks_quiet");
    note(choice.delivered(time));
    CAF_CHECK_EQUAL(changes, 2);
    CAF_CHECK(last.method == monitor_method::webhook);
  }
}

CAF_TEST(the least good registration speaks for all) {
  registration good;
  good.status = "active";
  good.last_delivery = start;
  registration ended = good;
  ended.expires_at = start;
  registration pending;
  pending.status = "pending";
  CAF_CHECK_EQUAL(std::string{worst_of({}, start).status}, "");
  CAF_CHECK_EQUAL(std::string{worst_of({good, pending}, start).status}, "pending");
  CAF_CHECK_EQUAL(std::string{worst_of({pending, ended}, start).status}, "expired");
  CAF_CHECK_EQUAL(std::string{worst_of({pending, ended}, start).cause}, "registration_expired");
  CAF_CHECK(worst_of({pending, good}, start).last_delivery == start);
}
