#define CAF_SUITE auth_rate_limiter
#include "tests/support/caf_test.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "net/auth/rate_limiter.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {
constexpr rate_limiter::clock::time_point start{1000s};
}

CAF_TEST(a key is refused above its limit and told when to come back) {
  rate_limiter limiter{3, 15min};
  CAF_CHECK_EQUAL(limiter.take("ann", start).remaining, 2u);
  CAF_CHECK(limiter.take("ann", start + 1min).allowed);
  CAF_CHECK_EQUAL(limiter.take("ann", start + 2min).remaining, 0u);
  auto refused = limiter.take("ann", start + 5min);
  CAF_CHECK(!refused.allowed);
  CAF_CHECK_EQUAL(refused.retry_after.count(), 600);
  CAF_CHECK(limiter.take("bob", start + 5min).allowed);
  CAF_CHECK_EQUAL(limiter.take("ann", start + 15min - 1ms).retry_after.count(), 1);
  CAF_CHECK(limiter.take("ann", start + 15min).allowed);
  CAF_CHECK_EQUAL(limiter.take("ann", start + 15min).remaining, 1u);
}

CAF_TEST(without a limit everything is allowed and nothing remembered) {
  rate_limiter limiter{0, 15min};
  for (int i = 0; i < 1000; ++i)
    CAF_CHECK(limiter.take("ann", start).allowed);
  CAF_CHECK_EQUAL(limiter.keys(), 0u);
}

CAF_TEST(the number of keys is bounded and the longest unused go first) {
  rate_limiter limiter{1, 15min, 160};
  CAF_CHECK(limiter.take("kept", start).allowed);
  for (int i = 0; i < 10'000; ++i) {
    limiter.take("key" + std::to_string(i), start);
    CAF_CHECK(!limiter.take("kept", start).allowed);
  }
  CAF_CHECK(limiter.keys() <= 160u);
  CAF_CHECK(limiter.take("key0", start).allowed); // Forgotten.
}

CAF_TEST(threads together get exactly the limit) {
  rate_limiter limiter{1000, 15min};
  std::atomic<int> allowed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        if (limiter.take("ann", start).allowed)
          ++allowed;
    });
  for (auto& thread : threads)
    thread.join();
  CAF_CHECK_EQUAL(allowed.load(), 1000);
}
