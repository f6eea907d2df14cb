#define CAF_SUITE load_delivery_check
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "benchmarks/load/delivery_check.hpp"

using namespace lapwing::load;

CAF_TEST(deliveries in order are fresh) {
  delivery_check check{2, 2};
  for (std::uint32_t number = 1; number <= 5; ++number)
    for (std::size_t stream = 0; stream < 2; ++stream)
      for (std::size_t publisher = 0; publisher < 2; ++publisher)
        CAF_CHECK(check.record(stream, publisher, number) == delivery::fresh);
  CAF_CHECK_EQUAL(check.unique(), 20u);
  CAF_CHECK_EQUAL(check.unique_on(1), 10u);
  CAF_CHECK_EQUAL(check.duplicates() + check.out_of_order(), 0u);
}

CAF_TEST(a repeated delivery is a duplicate) {
  delivery_check check{1, 1};
  check.record(0, 0, 1);
  check.record(0, 0, 2);
  CAF_CHECK(check.record(0, 0, 1) == delivery::duplicate);
  CAF_CHECK(check.record(0, 0, 2) == delivery::duplicate);
  CAF_CHECK_EQUAL(check.unique(), 2u);
}

CAF_TEST(a late delivery is out of order once and a duplicate afterwards) {
  delivery_check check{1, 1};
  check.record(0, 0, 10);
  CAF_CHECK(check.record(0, 0, 5) == delivery::out_of_order);
  CAF_CHECK(check.record(0, 0, 5) == delivery::duplicate);
  CAF_CHECK(check.has(0, 0, 5));
  CAF_CHECK(!check.has(0, 0, 4));
  CAF_CHECK(!check.has(0, 0, 6));
  CAF_CHECK(!check.has(0, 0, 11));
}

CAF_TEST(holes of neighbouring pairs do not touch) {
  delivery_check check{2, 1};
  check.record(0, 0, 3);
  check.record(1, 0, 1);
  CAF_CHECK(!check.has(0, 0, 2));
  CAF_CHECK(check.has(1, 0, 1));
  CAF_CHECK(check.record(1, 0, 1) == delivery::duplicate);
}

CAF_TEST(any order of arrival ends with everything counted once) {
  std::mt19937 random{7};
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint32_t> numbers(40);
    std::iota(numbers.begin(), numbers.end(), 1U);
    std::shuffle(numbers.begin(), numbers.end(), random);
    delivery_check check{1, 1};
    for (const auto number : numbers) {
      CAF_CHECK(!check.has(0, 0, number));
      check.record(0, 0, number);
      CAF_CHECK(check.has(0, 0, number));
    }
    CAF_CHECK_EQUAL(check.unique(), 40u);
    CAF_CHECK_EQUAL(check.duplicates(), 0u);
  }
}
