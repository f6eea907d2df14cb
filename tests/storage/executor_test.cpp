// The threads that may block: storage/executor.hpp.
#define CAF_SUITE executor

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <exception>
#include <future>
#include <thread>

#include "storage/executor.hpp"

namespace {

using namespace lapwing;

struct outcome {
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
};

class counted_job final : public database_job {
public:
  counted_job(outcome& to, std::size_t weight) : to_(to), weight_(weight) {}
  std::size_t weight() const noexcept override { return weight_; }
  void refuse(const error& why) override {
    if (why.code != errc::store_unavailable)
      std::terminate(); // CAF's checks are for one thread.
    ++to_.refused;
  }
  void finish() { ++to_.done; }

private:
  outcome& to_;
  std::size_t weight_;
};

/// Records the weight of each group; the first group waits for a sign.
class recording_worker final : public database_worker {
public:
  explicit recording_worker(std::shared_future<void> go, std::vector<std::size_t>* weights = nullptr)
      : go_(std::move(go)), weights_(weights) {}
  void run(std::vector<database_job_ptr>& group) noexcept override {
    go_.wait();
    std::size_t weight = 0;
    for (auto& job : group) {
      weight += job->weight();
      static_cast<counted_job&>(*job).finish();
    }
    if (weights_ != nullptr)
      weights_->push_back(weight);
  }

private:
  std::shared_future<void> go_;
  std::vector<std::size_t>* weights_;
};

std::vector<std::unique_ptr<database_worker>> workers(std::size_t count,
                                                      const std::shared_future<void>& go,
                                                      std::vector<std::size_t>* weights = nullptr) {
  std::vector<std::unique_ptr<database_worker>> made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back(std::make_unique<recording_worker>(go, weights));
  return made;
}

} // namespace

CAF_TEST(what was taken is done before the stop and what comes later is refused) {
  std::promise<void> go;
  outcome seen;
  executor threads{{"test", 1000, 1}, workers(3, go.get_future().share())};
  for (int i = 0; i < 100; ++i)
    threads.offer(std::make_unique<counted_job>(seen, 1));
  go.set_value();
  threads.stop();
  CAF_CHECK_EQUAL(seen.done.load(), 100);
  threads.offer(std::make_unique<counted_job>(seen, 1));
  CAF_CHECK_EQUAL(seen.refused.load(), 1);
  threads.stop();
  CAF_CHECK_EQUAL(seen.done.load(), 100);
}

CAF_TEST(beyond the bound of the queue a job is refused at once) {
  std::promise<void> go;
  outcome seen;
  executor threads{{"test", 10, 1}, workers(1, go.get_future().share())};
  for (int i = 0; i < 100; ++i)
    threads.offer(std::make_unique<counted_job>(seen, 2));
  // Five fit in the queue, one may have been taken from it.
  CAF_CHECK(seen.refused >= 94);
  CAF_CHECK(seen.refused <= 95);
  go.set_value();
  threads.stop();
  CAF_CHECK_EQUAL(seen.done + seen.refused, 100);
}

CAF_TEST(groups are as heavy as waiting jobs and their bound allow) {
  std::promise<void> go;
  outcome seen;
  std::vector<std::size_t> weights;
  executor threads{{"test", 1000, 10}, workers(1, go.get_future().share(), &weights)};
  for (const std::size_t weight : {3, 3, 3, 3, 25, 1, 9, 1})
    threads.offer(std::make_unique<counted_job>(seen, weight));
  go.set_value();
  threads.stop();
  CAF_CHECK_EQUAL(seen.done.load(), 8);
  std::size_t sum = 0;
  for (const auto weight : weights) {
    CAF_CHECK(weight <= 10 || weight == 25);
    sum += weight;
  }
  CAF_CHECK_EQUAL(sum, 48u);
  CAF_CHECK(weights.size() <= 6);
}

CAF_TEST(many threads offering lose no job) {
  std::promise<void> go;
  go.set_value();
  outcome seen;
  {
    executor threads{{"test", 100, 7}, workers(2, go.get_future().share())};
    std::vector<std::thread> offering;
    for (int t = 0; t < 4; ++t)
      offering.emplace_back([&] {
        for (int i = 0; i < 20'000; ++i)
          threads.offer(std::make_unique<counted_job>(seen, 1));
      });
    for (auto& thread : offering)
      thread.join();
  }
  CAF_CHECK_EQUAL(seen.done + seen.refused, 80'000);
}
