#define CAF_SUITE platform_cron
#include "tests/support/caf_test.hpp"

#include <random>

#include "platforms/poll/cron.hpp"
#include "platforms/poll/instant.hpp"

using namespace lapwing;

namespace {

timestamp at(std::string_view text) {
  auto parsed = parse_instant(text);
  CAF_REQUIRE(parsed);
  return parsed->second;
}

std::string next_of(std::string_view expression, std::string_view from) {
  auto cron = cron_expression::parse(expression);
  if (!cron)
    return cron.error().detail;
  auto next = cron->next_after(at(from));
  return next ? to_whole_seconds(*next) : "never";
}

std::string refusal_of(std::string_view expression) {
  auto cron = cron_expression::parse(expression);
  return cron ? "accepted" : cron.error().detail;
}

} // namespace

CAF_TEST(the seeds expressions tick when they say) {
  CAF_CHECK_EQUAL(next_of("*/30 * * * *", "2026-11-21T09:00:00Z"), "2026-11-21T09:30:00Z");
  CAF_CHECK_EQUAL(next_of("*/30 * * * *", "2026-11-21T09:29:59.999Z"), "2026-11-21T09:30:00Z");
  CAF_CHECK_EQUAL(next_of("*/30 * * * *", "2026-11-21T09:30:00Z"), "2026-11-21T10:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 */2 * * *", "2026-11-21T09:00:00Z"), "2026-11-21T10:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 */6 * * *", "2026-12-31T18:00:00Z"), "2027-01-01T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 */4 * * *", "2026-11-21T20:00:01Z"), "2026-11-22T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("*/15 * * * *", "2026-11-21T09:46:00Z"), "2026-11-21T10:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 0 * * *", "2026-02-28T00:00:00Z"), "2026-03-01T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("*/5 * * * *", "2026-11-21T23:57:00Z"), "2026-11-22T00:00:00Z");
}

CAF_TEST(lists and ranges and steps and names are understood) {
  CAF_CHECK_EQUAL(next_of("5,10-12,40-59/10 8 * * *", "2026-11-21T08:12:00Z"),
                  "2026-11-21T08:40:00Z");
  CAF_CHECK_EQUAL(next_of("5,10-12,40-59/10 8 * * *", "2026-11-21T08:50:00Z"),
                  "2026-11-22T08:05:00Z");
  CAF_CHECK_EQUAL(next_of("0 9 * * mon-fri", "2026-11-21T00:00:00Z"), "2026-11-23T09:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 9 * JAN,Jul *", "2026-11-21T00:00:00Z"), "2027-01-01T09:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 9 * * 7", "2026-11-21T00:00:00Z"), "2026-11-22T09:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 9 * * 0", "2026-11-21T00:00:00Z"), "2026-11-22T09:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 9 * * fri-sun", "2026-11-22T10:00:00Z"), "2026-11-27T09:00:00Z");
  CAF_CHECK_EQUAL(next_of("  0\t9 * * 1/1  ", "2026-11-21T00:00:00Z"),
                  "cron: day of week \"1/1\": a step needs `*` or a range before it");
  CAF_CHECK_EQUAL(next_of("*/60 * * * *", "2026-11-21T00:00:00Z"), "2026-11-21T01:00:00Z");
  CAF_CHECK_EQUAL(next_of("*/4294967295 * * * *", "2026-11-21T00:00:00Z"), "2026-11-21T01:00:00Z");
}

CAF_TEST(two restricted day fields are joined by or and one star by and) {
  CAF_CHECK_EQUAL(next_of("0 0 13 * fri", "2026-11-21T00:00:00Z"), "2026-11-27T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 0 13 * fri", "2026-12-11T00:00:00Z"), "2026-12-13T00:00:00Z");
  // A field that begins with `*` does not widen the other one.
  CAF_CHECK_EQUAL(next_of("0 0 */2 * mon", "2026-11-21T00:00:00Z"), "2026-11-23T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 0 */2 * mon", "2026-11-23T00:00:00Z"), "2026-12-07T00:00:00Z");
}

CAF_TEST(leap days are found at once and impossible dates are refused) {
  CAF_CHECK_EQUAL(next_of("0 0 29 2 *", "2026-11-21T00:00:00Z"), "2028-02-29T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 0 29 feb *", "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 0 31 2 *", "2026-01-01T00:00:00Z"),
                  "cron: no month of \"2\" has a day of \"31\"");
  CAF_CHECK_EQUAL(refusal_of("0 0 31 2,4,6 *"), "cron: no month of \"2,4,6\" has a day of \"31\"");
  CAF_CHECK_EQUAL(refusal_of("0 0 31 2,5 *"), "accepted");
  CAF_CHECK_EQUAL(next_of("0 0 31 2 mon", "2026-01-31T00:00:00Z"), "2026-02-02T00:00:00Z");
  CAF_CHECK_EQUAL(next_of("0 0 29 2 *", "8999-01-01T00:00:00Z"), "never");
  CAF_CHECK_EQUAL(next_of("* * * * *", "9998-01-01T00:00:00Z"), "never");
}

CAF_TEST(mistakes are told with their field) {
  struct row {
    const char* text;
    const char* problem;
  };
  const row rows[] = {
    {"", "cron: five fields are needed (minute hour day month weekday), 0 are given"},
    {"* * * *", "cron: five fields are needed (minute hour day month weekday), 4 are given"},
    {"0 * * * * *", "cron: six fields; seconds are not known here, give five"},
    {"60 * * * *", "cron: minute \"60\": must be 0 to 59"},
    {"* 24 * * *", "cron: hour \"24\": must be 0 to 23"},
    {"* * 0 * *", "cron: day of month \"0\": must be 1 to 31"},
    {"* * * 13 *", "cron: month \"13\": must be 1 to 12"},
    {"* * * * 8", "cron: day of week \"8\": must be 0 to 7"},
    {"5-1 * * * *", "cron: minute \"5-1\": the range ends before it begins"},
    {"*/0 * * * *", "cron: minute \"*/0\": the step must be a number of at least 1"},
    {"*/ * * * *", "cron: minute \"*/\": the step must be a number of at least 1"},
    {"1,,2 * * * *", "cron: minute \"1,,2\": an empty member in the list"},
    {"-1 * * * *", "cron: minute \"-1\": neither a number nor a name of this field"},
    {"mon * * * *", "cron: minute \"mon\": neither a number nor a name of this field"},
    {"* * * foo *", "cron: month \"foo\": neither a number nor a name of this field"},
    {"99999999999 * * * *",
     "cron: minute \"99999999999\": neither a number nor a name of this field"},
  };
  for (const auto& row : rows)
    CAF_CHECK_EQUAL(refusal_of(row.text), row.problem);
  CAF_CHECK_EQUAL(refusal_of(std::string(600, '*')), "cron: the expression is too long");
}

CAF_TEST(the next time agrees with a walk over every minute) {
  // The slow definition beside the fast one, over 60 expressions and five days each.
  std::mt19937_64 chance{7};
  auto pick = [&](std::initializer_list<const char*> from) {
    return std::string{*(from.begin() + static_cast<long>(chance() % from.size()))};
  };
  for (int round = 0; round < 60; ++round) {
    auto text = pick({"*", "*/7", "0", "3,59", "10-20/3"}) + ' ' + pick({"*", "*/5", "0", "23"})
                + ' ' + pick({"*", "*/3", "1", "28-31"}) + ' ' + pick({"*", "2", "*/2"}) + ' '
                + pick({"*", "mon", "0,6"});
    auto cron = cron_expression::parse(text);
    CAF_REQUIRE(cron);
    auto from = at("2028-02-26T21:13:00Z") + std::chrono::minutes{chance() % 2880};
    // What `next_after` names must be the first fit: none of the minutes before it is named.
    auto next = cron->next_after(from);
    CAF_REQUIRE(next);
    for (auto minute = from; minute < *next && minute < from + std::chrono::days{5};
         minute += std::chrono::minutes{1})
      CAF_REQUIRE(*cron->next_after(minute) == *next);
    CAF_CHECK(*cron->next_after(*next) > *next);
  }
}
