// Who polls when: the queue in front of a platform, and simulated days of it.
#define CAF_SUITE limits_gate
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "platforms/limits/gate.hpp"

using namespace lapwing;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

const timestamp start = sys_days{2026y / November / 21} + 9h;

gate_rules rules(std::uint32_t concurrency) {
  gate_rules made;
  made.concurrency = concurrency;
  return made;
}

std::uint64_t job(gate::step step) {
  return step.job.value_or(0);
}

/// Milliseconds to wait; -1: for something to happen.
long long wait(gate::step step, timestamp now) {
  CAF_CHECK(!step.job.has_value());
  return step.wait_until ? (*step.wait_until - now).count() : -1;
}

} // namespace

CAF_TEST(jobs start in order as long as there are slots) {
  gate g{rules(2)};
  CAF_CHECK_EQUAL(wait(g.next(start), start), -1);
  for (std::uint64_t id = 1; id <= 3; ++id)
    CAF_CHECK(g.offer(id, start) == gate::offer_result::queued);
  CAF_CHECK_EQUAL(job(g.next(start)), 1u);
  CAF_CHECK_EQUAL(job(g.next(start)), 2u);
  CAF_CHECK_EQUAL(wait(g.next(start), start), -1);
  CAF_CHECK_EQUAL(g.waiting(), 1u);
  CAF_CHECK_EQUAL(g.under_way(), 2u);
}

CAF_TEST(between two jobs of a slot lies a gap that chance picks) {
  for (auto [chance, gap] : {std::pair{0.0, 2000}, {0.5, 3500}, {0.999999, 4999}}) {
    gate g{rules(1)};
    g.offer(1, start);
    g.offer(2, start);
    CAF_CHECK_EQUAL(job(g.next(start)), 1u);
    auto end = start + 700ms;
    CAF_CHECK(g.finished(1, end, chance));
    CAF_CHECK_EQUAL(wait(g.next(end), end), gap);
    CAF_CHECK_EQUAL(wait(g.next(end + milliseconds{gap - 1}), end), gap);
    CAF_CHECK_EQUAL(job(g.next(end + milliseconds{gap})), 2u);
  }
}

CAF_TEST(the slot that is free first is used first and an idle one at once) {
  gate g{rules(2)};
  for (std::uint64_t id = 1; id <= 4; ++id)
    g.offer(id, start);
  CAF_CHECK_EQUAL(job(g.next(start)), 1u);
  CAF_CHECK_EQUAL(job(g.next(start)), 2u);
  g.finished(2, start + 1s, 0);
  g.finished(1, start + 2s, 0);
  CAF_CHECK_EQUAL(wait(g.next(start + 2s), start + 2s), 1'000);
  CAF_CHECK_EQUAL(job(g.next(start + 3s)), 3u);
  CAF_CHECK_EQUAL(job(g.next(start + 4s)), 4u);
  g.finished(3, start + 5s, 0);
  g.offer(5, start + 60s);
  CAF_CHECK_EQUAL(job(g.next(start + 60s)), 5u);
}

CAF_TEST(a job is in the gate once and the gate holds so many) {
  auto small = rules(1);
  small.waiting_max = 2;
  gate g{small};
  CAF_CHECK(g.offer(1, start) == gate::offer_result::queued);
  CAF_CHECK(g.offer(1, start) == gate::offer_result::already);
  CAF_CHECK_EQUAL(job(g.next(start)), 1u);
  CAF_CHECK(g.offer(1, start) == gate::offer_result::already);
  CAF_CHECK(g.offer(2, start) == gate::offer_result::queued);
  CAF_CHECK(g.offer(3, start) == gate::offer_result::queued);
  CAF_CHECK(g.offer(4, start) == gate::offer_result::full);
  CAF_CHECK(g.finished(1, start, 0));
  CAF_CHECK(!g.finished(1, start, 0));
  CAF_CHECK(!g.finished(2, start, 0));
}

CAF_TEST(a held gate starts nothing until then) {
  gate g{rules(4)};
  g.offer(1, start);
  g.hold(start + 30s, start);
  CAF_CHECK_EQUAL(wait(g.next(start), start), 30'000);
  g.hold(start + 10s, start);
  CAF_CHECK_EQUAL(wait(g.next(start), start), 10'000);
  CAF_CHECK_EQUAL(job(g.next(start + 10s)), 1u);
}

CAF_TEST(a cancelled job never starts) {
  gate g{rules(1)};
  g.offer(1, start);
  g.offer(2, start);
  CAF_CHECK(g.cancel(1));
  CAF_CHECK(!g.cancel(1));
  CAF_CHECK_EQUAL(job(g.next(start)), 2u);
  CAF_CHECK(!g.cancel(2));
  CAF_CHECK_EQUAL(wait(g.next(start), start), -1);
}

CAF_TEST(a clock that is set back loses no turn) {
  gate g{rules(1)};
  g.offer(1, start);
  g.offer(2, start);
  CAF_CHECK_EQUAL(job(g.next(start - 24h)), 1u);
  g.finished(1, start - 24h, 0);
  CAF_CHECK_EQUAL(wait(g.next(start - 24h), start - 24h), 2'000);
  CAF_CHECK_EQUAL(job(g.next(start - 24h + 2s)), 2u);
}

CAF_TEST(simulated days keep every rule) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAF_MESSAGE("seed " << seed);
    std::mt19937 random{seed};
    auto chance = [&] { return static_cast<double>(random() % 1'000'000) / 1'000'000; };
    auto used = rules(1 + static_cast<std::uint32_t>(random() % 5));
    gate g{used};
    constexpr std::size_t job_count = 400;
    struct life {
      timestamp not_before{};
      std::optional<timestamp> ends;
      int runs = 0;
      bool done = false;
      bool cancelled = false;
    };
    std::map<std::uint64_t, life> lives;
    std::vector<timestamp> ended; // A slot was given up at these times.
    std::map<timestamp, std::uint64_t> ends;
    auto now = start;
    std::uint64_t offered = 0;
    timestamp next_offer = start;
    std::size_t wakeups = 0;
    std::size_t events = 0;
    std::size_t starts = 0;
    std::optional<timestamp> timer;
    while (true) {
      // The next thing that happens: an offer, the end of a job, or the gate's own timer.
      std::optional<timestamp> soonest = timer;
      auto sooner = [&](timestamp other) { soonest = soonest ? std::min(*soonest, other) : other; };
      if (offered < job_count)
        sooner(next_offer);
      if (!ends.empty())
        sooner(ends.begin()->first);
      if (!soonest)
        break;
      CAF_REQUIRE(*soonest >= now);
      now = *soonest;
      if (timer && *timer == now)
        ++wakeups;
      if (offered < job_count && next_offer <= now) {
        ++offered;
        ++events;
        CAF_REQUIRE(g.offer(offered, now) == gate::offer_result::queued);
        lives[offered].not_before = now;
        next_offer = now + milliseconds{random() % 3 == 0 ? random() % 20'000 : 0};
        if (random() % 20 == 0 && g.cancel(offered))
          lives[offered].cancelled = true;
      }
      while (!ends.empty() && ends.begin()->first <= now) {
        auto id = ends.begin()->second;
        ends.erase(ends.begin());
        ++events;
        auto& one = lives[id];
        if (random() % 4 == 0 && one.runs < 5) {
          one.not_before = now;
          CAF_REQUIRE(g.finished(id, now, chance()));
          CAF_REQUIRE(g.offer(id, now) == gate::offer_result::queued);
        } else {
          one.done = true;
          CAF_REQUIRE(g.finished(id, now, chance()));
        }
        ended.push_back(now);
      }
      gate::step step;
      while ((step = g.next(now)).job) {
        auto& one = lives.at(*step.job);
        ++starts;
        ++one.runs;
        CAF_REQUIRE(!one.done);
        CAF_REQUIRE(!one.cancelled);
        CAF_REQUIRE(now >= one.not_before);
        CAF_REQUIRE(g.under_way() <= used.concurrency);
        // Slots given up less than the shortest gap ago cannot be in use again.
        auto resting = std::count_if(ended.begin(), ended.end(),
                                     [&](timestamp at) { return now - at < used.gap_min; });
        CAF_REQUIRE(g.under_way() + static_cast<std::size_t>(resting) <= used.concurrency);
        auto ends_at = now + milliseconds{1 + random() % 9000};
        while (ends.contains(ends_at))
          ends_at += 1ms;
        ends.emplace(ends_at, *step.job);
      }
      CAF_REQUIRE(!step.wait_until || *step.wait_until > now);
      timer = step.wait_until;
    }
    for (const auto& [id, one] : lives)
      CAF_CHECK(one.done != one.cancelled);
    CAF_CHECK_EQUAL(g.waiting(), 0u);
    CAF_CHECK_EQUAL(g.under_way(), 0u);
    // The timer never wakes for nothing.
    CAF_CHECK(wakeups <= starts);
    CAF_CHECK(events < 10 * job_count);
  }
}

CAF_TEST(a hundred thousand jobs pass and the first offered is the first served) {
  auto many = rules(4);
  many.gap_min = many.gap_max = 0ms;
  gate g{many};
  constexpr std::uint64_t count = 100'000;
  for (std::uint64_t id = 1; id <= count; ++id)
    CAF_REQUIRE(g.offer(id, start) == gate::offer_result::queued);
  CAF_CHECK(g.offer(count + 1, start) == gate::offer_result::full);
  for (std::uint64_t id = 1; id <= count; ++id) {
    CAF_REQUIRE_EQUAL(job(g.next(start)), id);
    g.finished(id, start, 0);
  }
}
