// timer_queue against a naive model, and its order.
#define CAF_SUITE timer_queue
#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "actors/runtime/timer_queue.hpp"

using namespace lapwing;

namespace {

using time_point = timer_queue::time_point;
using std::chrono::nanoseconds;

std::unique_ptr<timer> make(timer_key key) {
  return std::make_unique<timer>(key, mail_due{nullptr, nullptr});
}

time_point at(int offset) { return time_point{nanoseconds{offset}}; }

} // namespace

CAF_TEST(timers come out by due time and equal ones in the order they came in) {
  timer_queue queue;
  // The owner tells them apart.
  const std::vector<std::pair<int, caf::actor_id>> added{{5, 1}, {3, 2}, {5, 3}, {1, 4},
                                                         {3, 5}, {5, 6}, {1, 7}};
  for (auto [due, owner] : added)
    CAF_CHECK(!queue.add(at(due), make({owner})));
  CAF_CHECK(queue.next_due() == at(1));
  CAF_CHECK(!queue.pop_due(at(0)));
  std::vector<caf::actor_id> order;
  while (auto next = queue.pop_due(at(5)))
    order.push_back(next->key.owner);
  CAF_CHECK_EQUAL(order, (std::vector<caf::actor_id>{4, 7, 2, 5, 1, 3, 6}));
  CAF_CHECK(queue.empty());
  CAF_CHECK(queue.next_due() == time_point::max());
}

CAF_TEST(a second timer with the same key replaces the first) {
  timer_queue queue;
  timer_key key{7, 42, timer_kind::receive_timeout};
  CAF_CHECK(!queue.add(at(1), make(key)));
  CAF_CHECK(queue.add(at(9), make(key)));
  CAF_CHECK_EQUAL(queue.size(), 1u);
  CAF_CHECK(queue.next_due() == at(9));
}

CAF_TEST(keys that would collide in a hash are told apart) {
  timer_queue queue;
  // The pair (owner, id) and not their sum or product decides.
  for (caf::actor_id owner = 1; owner <= 40; ++owner)
    for (std::uint64_t id = 1; id <= 40; ++id)
      CAF_REQUIRE(!queue.add(at(1), make({owner, id, timer_kind::request})));
  CAF_CHECK_EQUAL(queue.size(), 1600u);
  CAF_CHECK(!queue.remove({1, 1, timer_kind::receive_timeout}));
  for (caf::actor_id owner = 1; owner <= 40; ++owner)
    for (std::uint64_t id = 1; id <= 40; ++id) {
      auto removed = queue.remove({owner, id, timer_kind::request});
      CAF_REQUIRE(removed && removed->key.owner == owner && removed->key.value == id);
    }
  CAF_CHECK(queue.empty());
}

CAF_TEST(removing an owner takes its timers and no others) {
  timer_queue queue;
  for (int i = 0; i < 100; ++i)
    (void)queue.add(at(100 - i), make({static_cast<caf::actor_id>(i % 5 + 1)}));
  CAF_CHECK_EQUAL(queue.remove_owner(3).size(), 20u);
  CAF_CHECK_EQUAL(queue.remove_owner(3).size(), 0u);
  CAF_CHECK_EQUAL(queue.size(), 80u);
  while (auto next = queue.pop_due(at(1000)))
    CAF_CHECK(next->key.owner != 3);
}

CAF_TEST(any sequence of additions and removals agrees with a sorted list) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::minstd_rand random{seed};
    timer_queue queue;
    // due, order -> key
    std::map<std::pair<int, int>, timer_key> model;
    auto erase_key = [&](const timer_key& key) {
      return std::erase_if(model, [&](const auto& entry) { return entry.second == key; });
    };
    int now = 0;
    for (int step = 0; step < 3000; ++step) {
      timer_key key{random() % 20 + 1, random() % 20,
                    random() % 2 ? timer_kind::request : timer_kind::receive_timeout};
      switch (random() % 5) {
        default: {
          auto due = now + static_cast<int>(random() % 50);
          auto replaced = queue.add(at(due), make(key));
          CAF_REQUIRE_EQUAL(replaced != nullptr, erase_key(key) == 1);
          model[{due, step}] = key;
          break;
        }
        case 3:
          CAF_REQUIRE_EQUAL(queue.remove(key) != nullptr, erase_key(key) == 1);
          break;
        case 4:
          if (random() % 8 == 0) {
            auto gone = std::erase_if(
              model, [&](const auto& entry) { return entry.second.owner == key.owner; });
            CAF_REQUIRE_EQUAL(queue.remove_owner(key.owner).size(), gone);
          } else {
            now += static_cast<int>(random() % 10);
            while (auto next = queue.pop_due(at(now))) {
              CAF_REQUIRE(!model.empty() && model.begin()->second == next->key);
              model.erase(model.begin());
            }
            CAF_REQUIRE(model.empty() || model.begin()->first.first > now);
          }
          break;
      }
      CAF_REQUIRE_EQUAL(queue.size(), model.size());
    }
  }
}
