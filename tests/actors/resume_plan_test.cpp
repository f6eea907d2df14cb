#define CAF_SUITE resume_plan
#include "tests/support/caf_test.hpp"

#include "actors/resume_plan.hpp"

using namespace lapwing;

namespace {

const std::vector<log_position> logs{{log_id::of(user_id{"ann"}), 40, 10},
                                     {log_id::broadcast(), 5, 0},
                                     {log_id::of(room_id{"r"}), 8, 2}};

std::string start_of(const std::optional<std::string>& point) {
  return plan_resume(logs, point).start.text();
}

} // namespace

CAF_TEST(without a point everything starts live) {
  CAF_CHECK_EQUAL(start_of(std::nullopt), "u40,b5,r8:r");
  CAF_CHECK_EQUAL(start_of(""), "u40,b5,r8:r");
  CAF_CHECK(!plan_resume(logs, std::nullopt).resumed);
}

CAF_TEST(a good point is where the stream goes on and an unnamed log starts live) {
  auto plan = plan_resume(logs, "u22,b5,r3:r");
  CAF_CHECK_EQUAL(plan.start.text(), "u22,b5,r3:r");
  CAF_CHECK(plan.resumed);
  CAF_CHECK(!plan.reset_reason);
  CAF_CHECK_EQUAL(start_of("u22"), "u22,b5,r8:r");
  CAF_CHECK_EQUAL(start_of("u10,b0,r2:r"), "u10,b0,r2:r"); // Exactly what was trimmed: nothing missed.
}

CAF_TEST(a point below what is kept resets to the oldest kept event) {
  auto plan = plan_resume(logs, "u9,b5,r3:r");
  CAF_CHECK_EQUAL(plan.start.text(), "u10,b5,r3:r");
  CAF_CHECK(!plan.resumed);
  CAF_CHECK_EQUAL(*plan.reset_reason, "too_old");
}

CAF_TEST(a point ahead of the log or no point at all resets too) {
  CAF_CHECK(plan_resume(logs, "u41").reset_reason == "unknown");
  CAF_CHECK_EQUAL(start_of("u41"), "u10,b5,r8:r");
  CAF_CHECK(plan_resume(logs, "nonsense").reset_reason == "invalid");
  CAF_CHECK_EQUAL(start_of("nonsense"), "u10,b0,r2:r");
}
