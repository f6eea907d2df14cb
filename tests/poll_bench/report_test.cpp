// What the poll benchmark says, and what it refuses. The whole of it runs in tests/e2e.
#define CAF_SUITE poll_bench_report
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "benchmarks/poll/options.hpp"
#include "benchmarks/poll/poll_report.hpp"

using namespace lapwing;
using namespace lapwing::poll_bench;
using load::unit;

namespace {

sized_result sized(std::size_t users, double bytes, double rate) {
  sized_result out{users, {}};
  out.numbers.add("users", "users", unit::count, static_cast<double>(users));
  out.numbers.add("bytes_per_actor", "bytes an actor", unit::bytes, bytes);
  out.numbers.add("polls_per_second", "polls a second", unit::per_second, rate);
  return out;
}

bool refuses(poll_options options) {
  return !with_defaults(std::move(options));
}

} // namespace

CAF_TEST(each size has a column and each target its verdict) {
  poll_report report{"setup", {sized(10, 3000, 700), sized(1000, 2000.4, 499)}, {}, false};
  CAF_CHECK_EQUAL(to_table(report), "poll  setup\n\n"
                                    "users                10    1,000\n"
                                    "bytes an actor  3,000 B  2,000 B   target <= 2,500 B\n"
                                    "polls a second      700      499   target >= 500: MISSED\n");
  const auto json = nlohmann::json::parse(to_json(report));
  CAF_CHECK_EQUAL(json["sizes"].size(), 2u);
  CAF_CHECK_EQUAL(json["sizes"][1]["bytes_per_actor"].get<double>(), 2000.4);
  CAF_CHECK(json["targets"]["bytes_per_actor"]["met"].get<bool>());
  CAF_CHECK(!json["targets"]["polls_per_second"]["met"].get<bool>());
  CAF_CHECK(json["passed"].get<bool>()); // A missed target is no failure.
}

CAF_TEST(a failure and an interruption are told and do not pass) {
  poll_report report{"setup", {sized(10, 1, 1)}, {}, false};
  CAF_CHECK(passed(report));
  report.sizes[0].numbers.failures.emplace_back("3 calls were limited, refused or broken");
  CAF_CHECK(!passed(report));
  CAF_CHECK(to_table(report).ends_with("FAILED: 10 users: 3 calls were limited, refused or broken\n"));
  CAF_CHECK_EQUAL(nlohmann::json::parse(to_json(report))["failures"].size(), 1u);
  poll_report stopped{"setup", {}, {}, true};
  CAF_CHECK(!passed(stopped));
  CAF_CHECK(to_table(stopped).ends_with("interrupted: these are the numbers so far\n"));
}

CAF_TEST(what cannot be measured is refused) {
  poll_options options;
  const auto usual = with_defaults(options);
  CAF_REQUIRE(usual.has_value());
  CAF_CHECK_EQUAL(usual->platforms, (std::vector<std::string>{"spotify", "github", "gmail"}));
  options.platforms = {"discord"};
  CAF_CHECK(!refuses(options));
  options.platforms = {"slack"};
  CAF_CHECK(refuses(options));
  options.platforms = {"gmail", "gmail"};
  CAF_CHECK(refuses(options));
  options = {};
  options.users = 0;
  CAF_CHECK(refuses(options));
  options = {};
  options.duration = 0;
  CAF_CHECK(refuses(options));
  options = {};
  options.rest = -1;
  CAF_CHECK(refuses(options));
  options = {};
  options.item_rate = 1e9;
  CAF_CHECK(refuses(options));
  options = {};
  options.threads = 65;
  CAF_CHECK(refuses(options));
}
