#define CAF_SUITE result

#include "tests/support/caf_test.hpp"

#include <functional>
#include <utility>

#include "core/error.hpp"

using namespace lapwing;

namespace {

/// What becomes of a result on its way through lambdas, which are copied and moved.
template <class Result>
result<bool> carried(Result& given) {
  auto first = [given] { return result<bool>{given}; };
  auto second = std::move(first);
  std::function<result<bool>()> third = [second] { return second(); };
  std::function<result<bool>()> fourth = third;
  return fourth();
}

} // namespace

CAF_TEST(a flag keeps its value however it is carried) {
  for (const bool flag : {false, true}) {
    result<bool> given = flag;
    const result<bool>& constant = given;
    for (const auto& back : {carried(given), carried(constant)}) {
      CAF_REQUIRE(back.has_value());
      CAF_CHECK_EQUAL(*back, flag);
      CAF_CHECK_EQUAL(back.value(), flag);
      CAF_CHECK(back == given);
    }
  }
}

CAF_TEST(a failure stays a failure however it is carried) {
  result<bool> given = error{errc::store_unavailable, "away"};
  const result<bool>& constant = given;
  for (const auto& back : {carried(given), carried(constant)}) {
    CAF_CHECK(!back);
    CAF_CHECK(back.has_error());
    CAF_CHECK(back.error().code == errc::store_unavailable);
    CAF_CHECK_EQUAL(back.error().detail, "away");
    CAF_CHECK(back == given);
  }
}

CAF_TEST(a result without a word is false and no failure) {
  const result<bool> nothing;
  CAF_REQUIRE(nothing.has_value());
  CAF_CHECK(!*nothing);
  CAF_CHECK(nothing.error().code == errc::none);
}
