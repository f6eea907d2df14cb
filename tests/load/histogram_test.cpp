#define CAF_SUITE load_histogram
#include "tests/support/caf_test.hpp"

#include "benchmarks/load/histogram.hpp"

using lapwing::load::histogram;

CAF_TEST(an empty histogram has no quantiles) {
  const histogram empty;
  CAF_CHECK_EQUAL(empty.count(), 0u);
  CAF_CHECK_EQUAL(empty.quantile(0.99), 0u);
}

CAF_TEST(small values are exact) {
  histogram values;
  for (std::uint64_t value = 1; value <= 50; ++value)
    values.add(value);
  CAF_CHECK_EQUAL(values.quantile(0.5), 25u);
  CAF_CHECK_EQUAL(values.quantile(0.98), 49u);
  CAF_CHECK_EQUAL(values.quantile(1), 50u);
  CAF_CHECK_EQUAL(values.quantile(0), 1u);
}

CAF_TEST(a quantile is never below the true value and at most one part in 64 above) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 62); value = value * 3 + 1) {
    histogram values;
    values.add(value);
    values.add(~std::uint64_t{0}); // Keeps the maximum from hiding the bucket's bound.
    const auto shown = values.quantile(0.5);
    CAF_CHECK(shown >= value);
    CAF_CHECK(shown - value <= value / 64);
  }
}

CAF_TEST(the largest value that fits has a bucket) {
  histogram values;
  values.add(~std::uint64_t{0});
  CAF_CHECK_EQUAL(values.quantile(0.5), ~std::uint64_t{0});
}

CAF_TEST(merged histograms answer for both) {
  histogram low;
  histogram high;
  for (int i = 0; i < 99; ++i)
    low.add(10);
  high.add(60);
  low.merge(high);
  CAF_CHECK_EQUAL(low.count(), 100u);
  CAF_CHECK_EQUAL(low.max(), 60u);
  CAF_CHECK_EQUAL(low.quantile(0.99), 10u);
  CAF_CHECK_EQUAL(low.quantile(0.999), 60u);
}
