// Faults, crashes and outages by chance. Whatever happens: every mail is accepted in the end, and
// twice only when nobody could know of the first time.
#define CAF_SUITE mail_storm
#include "tests/support/caf_test.hpp"

#include <map>

#include "tests/actors/mail/mail_world.hpp"

using namespace lapwing;
using namespace lapwing::test;

CAF_TEST(in any storm every mail arrives and none twice whose answer was written down) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    mail_world world;
    world.random.seed(seed);
    world.context.rules.attempts_max = 1000;
    std::map<std::string, int> accepted;
    std::map<std::string, int> unheard; // Accepted, and the answer was lost or never written.
    bool storm = true;
    world.web.answer = [&](const http_request& request) -> std::optional<result<http_response>> {
      const auto mark = form_value(request, "h%3AX-Lapwing-Mail");
      switch (storm ? world.random() % 8 : 7) {
        case 0: return http_response{503, {}, ""};
        case 1: return http_response{429, {{"retry-after", "7"}}, ""};
        case 2: return error{errc::upstream_unavailable, ""};
        case 3:
          ++accepted[mark];
          ++unheard[mark];
          return error{errc::upstream_unavailable, ""};
        case 4: return http_response{401, {}, ""};
        case 5: return std::nullopt; // Later, or never.
        default: ++accepted[mark]; return http_response{200, {}, "{}"};
      }
    };
    world.start();
    constexpr int count = 40;
    for (int i = 0; i < count; ++i) {
      world.store("m" + std::to_string(i));
      switch (world.random() % 6) {
        case 0:
          // What was accepted and is not written down yet may go again.
          for (const auto& [id, row] : world.outbox.rows())
            if (row.state == "sending" && accepted[mail_mark(row.item.key)] > 0)
              ++unheard[mail_mark(row.item.key)];
          world.crash();
          world.outbox.down = false;
          world.start();
          break;
        case 1: world.outbox.down = !world.outbox.down; break;
        case 2:
          for (auto held = std::exchange(world.web.held, {}); !held.empty(); held.pop_front()) {
            const auto mark = form_value(held.front().request, "h%3AX-Lapwing-Mail");
            ++accepted[mark];
            held.front().done(http_response{200, {}, "{}"});
          }
          break;
        default: world.advance(std::chrono::seconds{world.random() % 40}); break;
      }
    }
    storm = false;
    world.outbox.down = false;
    for (auto held = std::exchange(world.web.held, {}); !held.empty(); held.pop_front())
      held.front().done(error{errc::upstream_unavailable, ""});
    world.advance(6h);
    CAF_CHECK_EQUAL(world.outbox.count("sent"), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const auto mark = mail_mark("m" + std::to_string(i));
      if (accepted[mark] < 1 || accepted[mark] > 1 + unheard[mark])
        CAF_FAIL("seed " << seed << ": mail " << i << " was accepted " << accepted[mark]
                         << " times, unheard " << unheard[mark]);
    }
    CAF_CHECK(world.faults.empty());
  }
}
