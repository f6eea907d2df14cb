// When a group of jobs is begun: storage/group_pace.hpp.
#define CAF_SUITE group_pace

#include "tests/support/caf_test.hpp"

#include "storage/group_pace.hpp"

namespace {

using namespace lapwing;
using namespace std::chrono_literals;

constexpr group_pace::time_point start{std::chrono::hours{1}};

/// One that has seen many groups of that length.
group_pace used_to(group_pace::duration length) {
  group_pace pace;
  for (int i = 0; i < 200; ++i) {
    pace.begun(start - length);
    pace.ended(start - length, start);
  }
  return pace;
}

} // namespace

CAF_TEST(nobody waits while nobody is at work) {
  auto pace = used_to(4ms);
  CAF_CHECK(pace.not_before() == group_pace::time_point::min());
  CAF_CHECK_EQUAL(pace.at_work(), 0u);
}

CAF_TEST(groups begin three quarters of their length apart) {
  auto pace = used_to(4ms);
  pace.begun(start);
  CAF_CHECK(pace.not_before() > start + 2900us);
  CAF_CHECK(pace.not_before() <= start + 3ms);
  pace.begun(start + 3ms);
  CAF_CHECK(pace.not_before() > start + 5900us);
  // Of two at work one is done: the newer one still counts.
  pace.ended(start, start + 4ms);
  CAF_CHECK_EQUAL(pace.at_work(), 1u);
  CAF_CHECK(pace.not_before() > start + 5900us);
  pace.ended(start + 3ms, start + 7ms);
  CAF_CHECK(pace.not_before() == group_pace::time_point::min());
}

CAF_TEST(what is quick is not waited for) {
  auto pace = used_to(group_pace::shortest / 2);
  pace.begun(start);
  CAF_CHECK(pace.not_before() == group_pace::time_point::min());
}

CAF_TEST(a server that was away is no measure) {
  auto pace = used_to(30s);
  pace.begun(start);
  CAF_CHECK(pace.not_before() <= start + group_pace::longest);
}
