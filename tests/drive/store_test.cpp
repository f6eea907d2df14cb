#define CAF_SUITE drive_store

#include "tests/drive/life.hpp"

using namespace lapwing;
using namespace lapwing::drive_test;

CAF_TEST(a store that is away for an hour loses and doubles nothing) {
  life of{3, everywhere(), unlimited()};
  of.node.run_for(24h);
  of.node.store().down = true;
  auto seen = of.run_hour();
  // Nothing can be looked up, so nothing is asked: only what was under way ends.
  for (auto where : of.platforms)
    CAF_CHECK(seen.calls[where] <= of.names.size());
  of.node.store().down = false;
  auto end = of.node.now();
  of.node.run_for(27h);
  of.check_tokens();
  of.check_books(end);
}

CAF_TEST(a disk that is full for six hours costs few calls and loses nothing) {
  life of{3, everywhere(), unlimited()};
  of.node.run_for(24h);
  of.node.store().full = true;
  for (int hour = 0; hour < 6; ++hour) {
    auto seen = of.run_hour();
    for (auto where : of.platforms) {
      // What is read cannot be kept. It is read again after 60 s, then later and later, up to 15 min;
      // each look may ask every reading that is due.
      auto bound = of.names.size() * of.readings(where) * 10;
      CAF_CHECK(seen.calls[where] <= bound);
      // No token is asked for that could not be noted before.
      CAF_CHECK_EQUAL(seen.refreshes[where], 0u);
    }
  }
  of.node.store().full = false;
  auto end = of.node.now();
  of.node.run_for(27h);
  of.check_tokens();
  of.check_books(end);
}

CAF_TEST(a store that comes and goes loses and doubles nothing) {
  life of{2, everywhere(), unlimited()};
  of.node.run_for(3h);
  for (int i = 0; i < 300; ++i) {
    of.node.store().down = i % 3 == 0;
    of.node.store().full = i % 5 == 0;
    of.node.run_for(std::chrono::minutes{1 + i % 17});
  }
  of.node.store().down = of.node.store().full = false;
  auto end = of.node.now();
  of.node.run_for(27h);
  of.check_connected();
  of.check_books(end);
}

CAF_TEST(a process that is killed again and again loses and doubles nothing) {
  auto options = unlimited();
  life of{3, everywhere(), options};
  // Answers take a while, so that a kill finds requests under way.
  for (auto where : of.platforms) {
    sim::fault slow;
    slow.kind = sim::fault_kind::latency;
    slow.where = where;
    slow.delay = 3s;
    of.world.add_fault(slow);
  }
  sim::chance when{5};
  for (int i = 0; i < 400; ++i) {
    of.node.run_for(std::chrono::milliseconds{when.below(20 * 60'000)});
    of.node.crash();
  }
  auto end = of.node.now();
  of.node.run_for(27h);
  of.check_connected();
  of.check_books(end);
}
