#define CAF_SUITE monitor_reconcile
#include "tests/support/caf_test.hpp"

#include <random>
#include <string>
#include <vector>

#include "platforms/monitor/github_deliveries.hpp"
#include "platforms/poll/instant.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

const timestamp now = parse_instant("2026-11-21T09:00:00Z")->second;
const rate_limit_spec limits;

std::string entry(int id, const std::string& guid, const std::string& status, timestamp when,
                  const std::string& event = "push") {
  return "{\"id\":" + std::to_string(id) + ",\"guid\":\"" + guid + "\",\"delivered_at\":\""
         + to_rfc3339(when) + "\",\"redelivery\":false,\"duration\":0.2,\"status\":\"" + status
         + "\",\"status_code\":" + (status == "OK" ? "200" : "503") + ",\"event\":\"" + event
         + "\",\"action\":null}";
}

http_response list(std::vector<std::string> entries, const std::string& next = {}) {
  std::string body = "[";
  for (const auto& one : entries)
    body += (body.size() > 1 ? "," : "") + one;
  http_response out{200, {}, body + ']'};
  if (!next.empty())
    out.headers.emplace_back("Link", "<" + next + ">; rel=\"next\"");
  return out;
}

github_reconcile make_run() {
  return {"https://api.github.com/repos/octo/repo/hooks", "42", limits, now};
}

} // namespace

CAF_TEST(deliveries that failed or are not known are asked for again) {
  auto run = make_run();
  CAF_CHECK_EQUAL(std::string{run.next()->url},
                  "https://api.github.com/repos/octo/repo/hooks/42/deliveries?per_page=100");
  run.take(list({entry(9, "g9", "OK", now - 1min), entry(8, "g8", "OK", now - 1h),
                 entry(7, "g7", "timed out", now - 2h), entry(6, "gp", "OK", now - 3h, "ping")},
                "https://api.github.com/repositories/1/hooks/42/deliveries?cursor=v1_6"));
  CAF_CHECK_EQUAL(std::string{run.next()->url},
                  "https://api.github.com/repositories/1/hooks/42/deliveries?cursor=v1_6");
  run.take(list({entry(5, "g7", "Invalid HTTP Response: 503", now - 4h),
                 entry(4, "g4", "Invalid HTTP Response: 503", now - 5h),
                 entry(3, "g3", "timed out", now - 73h), entry(2, "g2", "timed out", now - 1h)},
                "https://api.github.com/more"));
  // What is older than three days cannot be had; the listing ends there.
  CAF_CHECK(run.is_done());
  std::vector<std::string> guids;
  for (const auto& one : run.candidates())
    guids.push_back(one.guid);
  CAF_REQUIRE_EQUAL(guids.size(), 3u);
  CAF_CHECK_EQUAL(guids[0], "g4");
  CAF_CHECK_EQUAL(guids[1], "g7");
  CAF_CHECK_EQUAL(guids[2], "g8");
  CAF_CHECK(run.candidates()[2].was_taken);
  CAF_CHECK_EQUAL(run.candidates()[1].attempts, 2u);
  run.redeliver({"g4", "g7", "unknown"});
  auto first = run.next();
  CAF_CHECK_EQUAL(first->method, "POST");
  CAF_CHECK_EQUAL(first->url,
                  "https://api.github.com/repos/octo/repo/hooks/42/deliveries/4/attempts");
  run.take(http_response{202, {}, "{}"});
  CAF_CHECK(run.next()->url.ends_with("/deliveries/7/attempts"));
  run.take(http_response{422, {}, "{}"});
  CAF_CHECK(run.is_done());
  auto outcome = run.take_outcome();
  CAF_CHECK_EQUAL(outcome.requested, 1u);
  CAF_CHECK_EQUAL(outcome.refused, 1u);
  CAF_CHECK_EQUAL(outcome.left, 0u);
  CAF_CHECK(!outcome.problem);
}

CAF_TEST(redeliveries are bounded and never repeated for ever) {
  auto run = make_run();
  std::vector<std::string> entries;
  for (int i = 0; i < 80; ++i)
    entries.push_back(entry(1000 - i, "g" + std::to_string(i), "timed out", now - 1h - 1min * i));
  for (int i = 0; i < 5; ++i)
    entries.push_back(entry(i + 1, "stubborn", "timed out", now - 10h - 1min * i));
  run.take(list(entries));
  CAF_CHECK_EQUAL(run.candidates().size(), 80u);
  std::unordered_set<std::string> wanted;
  for (const auto& one : run.candidates())
    wanted.insert(one.guid);
  run.redeliver(wanted);
  std::size_t count = 0;
  while (run.next()) {
    ++count;
    run.take(http_response{202, {}, {}});
  }
  CAF_CHECK_EQUAL(count, github_reconcile::redeliveries_max);
  CAF_CHECK_EQUAL(std::size_t{run.take_outcome().left}, 30u);
}

CAF_TEST(a hook that is gone and a limit that is reached are told) {
  auto gone = make_run();
  gone.take(http_response{404, {}, "{}"});
  CAF_CHECK(gone.is_done());
  CAF_CHECK(gone.take_outcome().hook_missing);
  auto limited = make_run();
  limited.take(list({entry(2, "a", "timed out", now - 1h), entry(1, "b", "timed out", now - 2h)}));
  limited.redeliver({"a", "b"});
  limited.take(http_response{403, {{"Retry-After", "60"}}, "{}"});
  CAF_CHECK(limited.is_done());
  auto outcome = limited.take_outcome();
  CAF_CHECK_EQUAL(outcome.left, 1u);
  CAF_CHECK(outcome.problem->kind == answer_failure::rate_limited);
  auto broken = make_run();
  broken.take(http_response{200, {}, "{}"});
  CAF_CHECK(broken.take_outcome().problem->kind == answer_failure::broken_answer);
  auto evil = make_run();
  evil.take(list({}, "https://evil.example/"));
  CAF_CHECK(evil.is_done());
}

CAF_TEST(mutated lists never throw and requests stay bounded) {
  std::mt19937_64 chance{3};
  for (int round = 0; round < 3'000; ++round) {
    auto run = make_run();
    std::size_t requests = 0;
    bool is_decided = false;
    for (;;) {
      if (run.is_done() && !is_decided) {
        is_decided = true;
        std::unordered_set<std::string> all;
        for (const auto& one : run.candidates())
          all.insert(one.guid);
        run.redeliver(all);
      }
      if (!run.next())
        break;
      CAF_REQUIRE(++requests <= github_reconcile::pages_max + github_reconcile::redeliveries_max);
      auto reply = list({entry(static_cast<int>(chance() % 99), std::to_string(chance() % 200), "x",
                               now - std::chrono::minutes{chance() % 9000}),
                         entry(7, "seven", "OK", now - 1h)},
                        "https://api.github.com/p" + std::to_string(chance() % 5));
      if (chance() % 4 == 0)
        reply.body[chance() % reply.body.size()] = static_cast<char>(chance());
      run.take(reply);
    }
  }
}
