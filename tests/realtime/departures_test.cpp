// Who was where when a socket broke.
#define CAF_SUITE realtime_departures
#include "tests/support/caf_test.hpp"

#include "realtime/departures.hpp"

using namespace lapwing::realtime;
using namespace std::chrono_literals;

namespace {
const departures::time start{};
}

CAF_TEST(a client that comes back in time gets its place) {
  departures gone{2min};
  gone.left("ann", 10, start);
  CAF_CHECK(gone.came_back("ann", start + 119s) == 10U);
  CAF_CHECK(!gone.came_back("ben", start + 1s).has_value());
  CAF_CHECK(!gone.came_back("ann", start + 2min).has_value());
}

CAF_TEST(of several with one name the earliest place counts as long as it may be wanted) {
  departures gone{2min};
  gone.left("anon", 10, start);
  gone.left("anon", 30, start + 1min);
  CAF_CHECK(gone.came_back("anon", start + 90s) == 10U);
  CAF_CHECK(gone.came_back("anon", start + 90s) == 10U);
  CAF_CHECK(gone.came_back("anon", start + 150s) == 30U);
}

CAF_TEST(memory is bounded and frees itself) {
  departures gone{2min, 2};
  gone.left("a", 1, start);
  gone.left("b", 2, start);
  gone.left("c", 3, start + 1s);
  CAF_CHECK(!gone.came_back("c", start + 1s).has_value());
  gone.left("c", 3, start + 3min);
  CAF_CHECK(gone.came_back("c", start + 3min) == 3U);
}
