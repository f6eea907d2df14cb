// What of the kept broadcasts is told again: plans over an archive that the test writes.
#define CAF_SUITE realtime_replay
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <string>

#include "realtime/replay.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace std::chrono_literals;

namespace {

/// Broadcast n was made n seconds after the epoch, unless it is said otherwise.
struct archive {
  std::vector<kept_broadcast> kept;
  std::uint64_t newest = 0;
  std::uint64_t trimmed = 0;
  std::size_t reads = 0;
  std::size_t heavy = SIZE_MAX; ///< More at once are too heavy.

  explicit archive(std::uint64_t count) {
    for (std::uint64_t n = 1; n <= count; ++n)
      add(n);
  }
  void add(std::uint64_t number) {
    kept.push_back({number, timestamp{std::chrono::seconds{number}}, {"{}", {}, {}}});
    newest = number;
  }
  void trim(std::uint64_t to) {
    trimmed = to;
    std::erase_if(kept, [&](auto& one) { return one.number <= to; });
  }
  kept_page read(replay_plan::step step) {
    ++reads;
    kept_page page;
    page.trimmed = trimmed;
    for (const auto& one : kept)
      if (one.number > step.after && page.broadcasts.size() < step.limit)
        page.broadcasts.push_back(one);
    return page;
  }
  /// Everything that is told: "3-7", "3,5", or "".
  std::string replay(const replay_request& asked, bool* incomplete = nullptr) {
    replay_plan plan{asked, {newest, trimmed}};
    std::vector<std::uint64_t> told;
    while (!plan.at_end()) {
      if (plan.next().limit > heavy) {
        CAF_REQUIRE(plan.ask_for_less());
        continue;
      }
      for (const auto& one : plan.take(read(plan.next())))
        told.push_back(one.number);
      CAF_REQUIRE(reads < 1000);
    }
    if (incomplete)
      *incomplete = plan.incomplete();
    CAF_CHECK(std::is_sorted(told.begin(), told.end()));
    if (told.empty())
      return "";
    if (told.back() - told.front() + 1 == told.size())
      return std::to_string(told.front()) + '-' + std::to_string(told.back());
    return std::to_string(told.size()) + " of them";
  }
};

replay_request since(std::int64_t seconds) {
  replay_request asked;
  asked.valid = true;
  asked.since_ms = seconds * 1000;
  return asked;
}

replay_request after(std::uint64_t id) {
  replay_request asked;
  asked.valid = true;
  asked.after = id;
  return asked;
}

} // namespace

CAF_TEST(a time begins where it begins wherever that is) {
  for (std::uint64_t count : {0, 1, 63, 64, 65, 1000}) {
    for (std::int64_t from : {0, 1, 2, 63, 64, 65, 500, 999, 1000, 1001}) {
      archive all{count};
      auto first = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(from));
      auto right = first > count ? "" : std::to_string(first) + '-' + std::to_string(count);
      CAF_CHECK_EQUAL(all.replay(since(from)), right);
    }
  }
}

CAF_TEST(a time is found with few reads) {
  archive all{100'000};
  CAF_CHECK_EQUAL(all.replay(since(99'990)), "99990-100000");
  CAF_CHECK(all.reads < 20);
}

CAF_TEST(a limit gives the newest of them) {
  archive all{1000};
  auto asked = since(900);
  asked.limit = 25;
  CAF_CHECK_EQUAL(all.replay(asked), "976-1000");
  asked.limit = 200;
  CAF_CHECK_EQUAL(all.replay(asked), "900-1000");
  asked = after(990);
  asked.limit = 25;
  CAF_CHECK_EQUAL(all.replay(asked), "991-1000");
}

CAF_TEST(an id continues behind itself) {
  archive all{300};
  CAF_CHECK_EQUAL(all.replay(after(0)), "1-300");
  CAF_CHECK_EQUAL(all.replay(after(120)), "121-300");
  CAF_CHECK_EQUAL(all.replay(after(300)), "");
}

CAF_TEST(holes in the numbers are no matter) {
  archive all{100};
  for (std::uint64_t number = 500; number <= 900; number += 2)
    all.add(number);
  CAF_CHECK_EQUAL(all.replay(since(498)), "201 of them");
  CAF_CHECK_EQUAL(all.replay(after(898)), "900-900");
  all.newest = 2000; // The last ones were given and came to nothing.
  CAF_CHECK_EQUAL(all.replay(since(900)), "900-900");
}

CAF_TEST(what retention took is said) {
  bool incomplete = false;
  archive all{300};
  all.trim(100);
  CAF_CHECK_EQUAL(all.replay(since(50), &incomplete), "101-300");
  CAF_CHECK(incomplete);
  CAF_CHECK_EQUAL(all.replay(since(102), &incomplete), "102-300");
  CAF_CHECK(!incomplete);
  CAF_CHECK_EQUAL(all.replay(after(99), &incomplete), "101-300");
  CAF_CHECK(incomplete);
  CAF_CHECK_EQUAL(all.replay(after(100), &incomplete), "101-300");
  CAF_CHECK(!incomplete);
  auto asked = since(1);
  asked.limit = 10;
  CAF_CHECK_EQUAL(all.replay(asked, &incomplete), "291-300");
  CAF_CHECK(!incomplete);
  all.trim(300);
  CAF_CHECK_EQUAL(all.replay(since(1), &incomplete), "");
  CAF_CHECK(incomplete);
}

CAF_TEST(an id that was never given is not believed) {
  bool incomplete = false;
  archive all{10};
  CAF_CHECK_EQUAL(all.replay(after(99), &incomplete), "");
  CAF_CHECK(incomplete);
}

CAF_TEST(heavy broadcasts come in smaller pages) {
  archive all{100};
  all.heavy = 3;
  CAF_CHECK_EQUAL(all.replay(since(1)), "1-100");
  replay_plan plan{since(1), {50, 0}};
  while (plan.next().limit > 1)
    CAF_REQUIRE(plan.ask_for_less());
  CAF_CHECK(!plan.ask_for_less());
}

CAF_TEST(a clock that was set back hides nothing that came later) {
  archive all{20};
  all.kept[15].at = timestamp{1s};
  CAF_CHECK_EQUAL(all.replay(since(10)), "10-20");
}

CAF_TEST(meta is added to a payload and stands last) {
  CAF_CHECK_EQUAL(with_meta(R"({"event":"e","payload":{}})", broadcast_meta(7, true)),
                  R"({"event":"e","payload":{},"meta":{"id":"7","replayed":true}})");
  CAF_CHECK_EQUAL(with_meta("{ }", broadcast_meta(7, false)), R"({ "meta":{"id":"7"}})");
}
