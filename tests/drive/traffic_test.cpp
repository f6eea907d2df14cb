#define CAF_SUITE drive_traffic

#include "tests/support/caf_test.hpp"

#include "platforms/drive/traffic_control.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

struct fixture {
  struct moved_clock final : wall_clock {
    timestamp at{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
    timestamp now() const override { return at; }
  };

  explicit fixture(budget_owner owner) {
    platform_spec slack;
    slack.name = platform_id{"slack"};
    slack.limits.requests_per_minute = 1;
    slack.limits.owner = owner;
    platforms.push_back(slack);
  }

  traffic_control made() {
    return {platforms, clock, [] { return 0.0; }, [](std::chrono::milliseconds, auto) {}};
  }

  moved_clock clock;
  std::vector<platform_spec> platforms;
  connection_key ann{user_id{"ann"}, platform_id{"slack"}};
  connection_key bob{user_id{"bob"}, platform_id{"slack"}};
};

} // namespace

CAF_TEST(people of one workspace share its budget where the file says so) {
  fixture of{budget_owner::account};
  auto traffic = of.made();
  auto now = of.clock.at;
  traffic.sending({of.ann, "T1"}, "history", now);
  CAF_CHECK(traffic.not_before({of.ann, "T1"}, "history", now) == now + 60s);
  CAF_CHECK(traffic.not_before({of.bob, "T1"}, "history", now) == now + 60s);
  CAF_CHECK(traffic.not_before({of.bob, "T2"}, "history", now) <= now);
  // The pace is each method's own.
  CAF_CHECK(traffic.not_before({of.bob, "T1"}, "channels", now) <= now);
  // Nobody knows the workspace: the user counts alone, also beside an account of that name.
  CAF_CHECK(traffic.not_before(of.bob, "history", now) <= now);
  traffic.sending({of.ann, "bob"}, "history", now);
  CAF_CHECK(traffic.not_before(of.bob, "history", now) <= now);
}

CAF_TEST(people of one account have budgets of their own elsewhere) {
  fixture of{budget_owner::user};
  auto traffic = of.made();
  auto now = of.clock.at;
  traffic.sending({of.ann, "T1"}, "history", now);
  CAF_CHECK(traffic.not_before({of.ann, "T1"}, "history", now) == now + 60s);
  CAF_CHECK(traffic.not_before({of.bob, "T1"}, "history", now) <= now);
}

CAF_TEST(a refusal of the workspace stops all of its people) {
  fixture of{budget_owner::account};
  auto traffic = of.made();
  auto now = of.clock.at;
  http_response refusal{429, {{"Retry-After", "90"}}, R"({"ok":false,"error":"ratelimited"})"};
  traffic.saw({of.ann, "T1"}, "history", refusal, now);
  CAF_CHECK(traffic.not_before({of.bob, "T1"}, "history", now) == now + 90s);
  CAF_CHECK(traffic.not_before({of.bob, "T1"}, "channels", now) <= now);
}
