// Times as providers and calendars write them.
#define CAF_SUITE limits_time
#include "tests/support/caf_test.hpp"

#include <string>

#include "platforms/limits/forward_clock.hpp"
#include "platforms/limits/http_date.hpp"
#include "platforms/limits/midnight.hpp"

using namespace lapwing;
using namespace std::chrono;

namespace {

std::string date(std::string_view text) {
  auto parsed = parse_http_date(text);
  return parsed ? to_rfc3339(*parsed) : "none";
}

long long ms(std::string_view text) {
  auto parsed = parse_seconds(text);
  return parsed ? parsed->count() : -1;
}

timestamp at(std::string_view http_date) {
  return parse_http_date(http_date).value();
}

std::string midnight(std::string_view zone, std::string_view now) {
  return to_rfc3339(next_midnight(zone, at(now)));
}

} // namespace

CAF_TEST(the three forms of RFC 9110 are read and nothing else) {
  CAF_CHECK_EQUAL(date("Sun, 06 Nov 1994 08:49:37 GMT"), "1994-11-06T08:49:37.000Z");
  CAF_CHECK_EQUAL(date("Sunday, 06-Nov-94 08:49:37 GMT"), "1994-11-06T08:49:37.000Z");
  CAF_CHECK_EQUAL(date("Sun Nov  6 08:49:37 1994"), "1994-11-06T08:49:37.000Z");
  CAF_CHECK_EQUAL(date("Sat, 29 Feb 2028 23:59:60 GMT"), "2028-03-01T00:00:00.000Z");
  CAF_CHECK_EQUAL(date("Sunday, 06-Nov-26 08:49:37 GMT"), "2026-11-06T08:49:37.000Z");
  for (const char* bad :
       {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 199x 08:49:37 GMT", "Sun, 06 Nov 994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT and more", "Sun, -6 Nov 1994 08:49:37 GMT x"})
    CAF_CHECK_EQUAL(date(bad), "none");
}

CAF_TEST(seconds may have decimals and are rounded up to milliseconds) {
  CAF_CHECK_EQUAL(ms("0"), 0);
  CAF_CHECK_EQUAL(ms(" 60 "), 60'000);
  CAF_CHECK_EQUAL(ms("64.57"), 64'570);
  CAF_CHECK_EQUAL(ms("0.0004"), 1);
  CAF_CHECK_EQUAL(ms("1470173023.123"), 1470173023123);
  CAF_CHECK_EQUAL(ms("1795255200"), 1795255200000);
  for (const char* bad : {"", " ", "-1", "+1", "1e3", "nan", "inf", "0x10", "1.2.3", ".5", "1,5",
                          "1s", "99999999999999999999999999"})
    CAF_CHECK_EQUAL(ms(bad), -1);
}

CAF_TEST(midnight in Los Angeles follows the summer time of the law) {
  constexpr std::string_view zone = "America/Los_Angeles";
  // In winter at 8:00, in summer at 7:00 UTC.
  CAF_CHECK_EQUAL(midnight(zone, "Sat, 21 Nov 2026 09:00:00 GMT"), "2026-11-22T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sat, 21 Nov 2026 07:59:59 GMT"), "2026-11-21T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sat, 21 Nov 2026 08:00:00 GMT"), "2026-11-22T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Wed, 01 Jul 2026 09:00:00 GMT"), "2026-07-02T07:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Wed, 01 Jul 2026 06:59:59 GMT"), "2026-07-01T07:00:00.000Z");
  // 2026: 8 March to 1 November. The night before the change, and the short and the long day.
  CAF_CHECK_EQUAL(midnight(zone, "Sat, 07 Mar 2026 20:00:00 GMT"), "2026-03-08T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 08 Mar 2026 08:00:00 GMT"), "2026-03-09T07:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 08 Mar 2026 09:59:59 GMT"), "2026-03-09T07:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 08 Mar 2026 10:00:00 GMT"), "2026-03-09T07:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sat, 31 Oct 2026 20:00:00 GMT"), "2026-11-01T07:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 01 Nov 2026 07:00:00 GMT"), "2026-11-02T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 01 Nov 2026 08:59:59 GMT"), "2026-11-02T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 01 Nov 2026 09:30:00 GMT"), "2026-11-02T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Mon, 02 Nov 2026 07:30:00 GMT"), "2026-11-02T08:00:00.000Z");
  // Other years: 10 March 2024, 3 November 2024; 14 March 2027, 7 November 2027.
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 10 Mar 2024 12:00:00 GMT"), "2024-03-11T07:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 03 Nov 2024 12:00:00 GMT"), "2024-11-04T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sat, 13 Mar 2027 12:00:00 GMT"), "2027-03-14T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Sun, 07 Nov 2027 12:00:00 GMT"), "2027-11-08T08:00:00.000Z");
  CAF_CHECK_EQUAL(midnight(zone, "Thu, 31 Dec 2026 12:00:00 GMT"), "2027-01-01T08:00:00.000Z");
}

CAF_TEST(other zones have their own midnight) {
  CAF_CHECK_EQUAL(midnight("UTC", "Sat, 21 Nov 2026 23:59:59 GMT"), "2026-11-22T00:00:00.000Z");
  CAF_CHECK_EQUAL(midnight("UTC", "Wed, 01 Jul 2026 00:00:00 GMT"), "2026-07-02T00:00:00.000Z");
  CAF_CHECK_EQUAL(midnight("America/New_York", "Wed, 01 Jul 2026 05:00:00 GMT"),
                  "2026-07-02T04:00:00.000Z");
  CAF_CHECK_EQUAL(midnight("America/Phoenix", "Wed, 01 Jul 2026 05:00:00 GMT"),
                  "2026-07-01T07:00:00.000Z");
  CAF_CHECK(is_known_zone("America/Chicago"));
  CAF_CHECK(!is_known_zone("Europe/Berlin"));
  CAF_CHECK_EQUAL(midnight("Europe/Berlin", "Sat, 21 Nov 2026 09:00:00 GMT"),
                  "2026-11-22T08:00:00.000Z");
}

CAF_TEST(forward time never goes back and runs on after the clock was set) {
  forward_clock clock;
  auto noon = at("Sat, 21 Nov 2026 12:00:00 GMT");
  CAF_CHECK(clock.forward(noon) == noon);
  CAF_CHECK(clock.forward(noon - 2s) == noon); // Another thread's look at the clock.
  CAF_CHECK(clock.forward(noon + 10s) == noon + 10s);
  CAF_CHECK(clock.forward(noon - 1h) == noon + 10s);
  CAF_CHECK(clock.forward(noon - 1h + 30s) == noon + 40s);
  CAF_CHECK(clock.civil(noon + 40s) == noon - 1h + 30s);
  CAF_CHECK(clock.shifted(noon - 1h + 30s) == noon + 40s);
}
