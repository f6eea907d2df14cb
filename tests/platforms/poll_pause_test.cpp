#define CAF_SUITE poll_pause
#include "tests/support/caf_test.hpp"

#include <string>

#include "platforms/poll/instant.hpp"
#include "platforms/poll/poll_run.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

const timestamp now = parse_instant("2026-11-21T09:00:00Z")->second;

/// Slack's history: pages from the newest to the oldest, one a minute.
endpoint_spec history() {
  endpoint_spec e;
  e.id = "history";
  e.url = "https://slack.example/history?channel={resource}";
  e.items = "messages";
  e.key = {"ts"};
  e.cursor = cursor_style::newest_field;
  e.next_cursor = "ts";
  e.cursor_param = "oldest";
  e.pages = page_style::token;
  e.next_page = "next";
  e.page_param = "cursor";
  return e;
}

http_response page(std::string body) {
  return {200, {}, std::move(body)};
}

poll_progress read_up_to(std::string cursor) {
  poll_progress out;
  out.endpoint = "history|C1";
  out.cursor = std::move(cursor);
  out.last_poll = now - 4h;
  return out;
}

} // namespace

CAF_TEST(a paused run keeps its pages and the next one goes on there) {
  const auto endpoint = history();
  const rate_limit_spec limits;
  poll_run first{{&endpoint, &limits, "T1", "C1"}, read_up_to("5.0"), now};
  CAF_CHECK(!first.pause()); // Nothing has come yet.
  CAF_REQUIRE(first.next());
  first.take(page(R"({"messages":[{"ts":"9.0"},{"ts":"8.0"}],"next":"p2"})"));
  CAF_CHECK(!first.is_done());
  CAF_CHECK(first.pause());
  CAF_CHECK(first.is_done());
  auto kept = first.take_outcome();
  CAF_CHECK(kept.more);
  CAF_CHECK(!kept.problem);
  CAF_CHECK_EQUAL(kept.items.size(), 2u);

  poll_run second{{&endpoint, &limits, "T1", "C1"}, kept.progress, now + 1min};
  auto request = second.next();
  CAF_REQUIRE(request);
  CAF_CHECK(request->url.find("cursor=p2") != std::string::npos);
  CAF_CHECK(request->url.find("oldest=5.0") != std::string::npos);
  second.take(page(R"({"messages":[{"ts":"7.0"},{"ts":"6.0"}]})"));
  CAF_CHECK(second.is_done());
  auto rest = second.take_outcome();
  CAF_CHECK(!rest.more);
  CAF_CHECK_EQUAL(rest.items.size(), 2u);
  // The newest of the whole chain.
  CAF_CHECK_EQUAL(rest.progress.cursor, "9.0");
}

CAF_TEST(a list that is compared by its digest cannot be paused) {
  auto endpoint = history();
  endpoint.cursor = cursor_style::digest;
  const rate_limit_spec limits;
  poll_run run{{&endpoint, &limits, "T1", "C1"}, read_up_to("abc"), now};
  run.take(page(R"({"messages":[{"ts":"9.0"}],"next":"p2"})"));
  CAF_CHECK(!run.pause());
  CAF_CHECK(!run.is_done());
}

CAF_TEST(a run that has ended is not paused but done) {
  const auto endpoint = history();
  const rate_limit_spec limits;
  poll_run run{{&endpoint, &limits, "T1", "C1"}, read_up_to("5.0"), now};
  run.take(page(R"({"messages":[{"ts":"9.0"}]})"));
  CAF_CHECK(run.pause());
  CAF_CHECK(!run.take_outcome().more);
}

CAF_TEST(the interval that a provider asks for is told) {
  const auto endpoint = history();
  rate_limit_spec limits;
  limits.poll_interval_header = "X-Poll-Interval";
  poll_run run{{&endpoint, &limits, "T1", "C1"}, read_up_to("5.0"), now};
  http_response answer{200, {{"X-Poll-Interval", "90"}}, R"({"messages":[]})"};
  run.take(answer);
  CAF_CHECK(run.take_outcome().interval_min == 90s);
  const rate_limit_spec silent;
  poll_run other{{&endpoint, &silent, "T1", "C1"}, read_up_to("5.0"), now};
  other.take(answer);
  CAF_CHECK(!other.take_outcome().interval_min);
}
