// The threads that may block: storage/executor.hpp.
#define CAF_SUITE executor

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <latch>
#include <map>
#include <mutex>
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

namespace {

class lane_job final : public database_job {
public:
  lane_job(std::vector<std::size_t> lanes, int place) : number(place), lanes_(std::move(lanes)) {}
  std::span<const std::size_t> lanes() const noexcept override { return lanes_; }
  void refuse(const error&) override { std::terminate(); }
  const int number;

private:
  std::vector<std::size_t> lanes_;
};

/// Who is at work in each lane, and in which order its jobs were begun.
struct lane_record {
  struct lane {
    const void* worker = nullptr;
    int at_work = 0;
    std::vector<int> order;
  };
  std::mutex mutex;
  std::map<std::size_t, lane> lanes;
  bool met = false; ///< Two workers in one lane.
};

class lane_worker final : public database_worker {
public:
  /// At `meeting` the jobs with odd numbers wait for each other.
  explicit lane_worker(lane_record& record, std::latch* meeting = nullptr)
      : record_(record), meeting_(meeting) {}
  void run(std::vector<database_job_ptr>& group) noexcept override {
    for (const auto& job : group)
      begin(static_cast<lane_job&>(*job));
    if (meeting_ != nullptr && static_cast<lane_job&>(*group.front()).number % 2 == 1)
      meeting_->arrive_and_wait();
    std::this_thread::yield();
    std::lock_guard lock{record_.mutex};
    for (const auto& job : group) {
      for (const auto lane : job->lanes())
        --record_.lanes[lane].at_work;
    }
  }

private:
  void begin(const lane_job& job) {
    std::lock_guard lock{record_.mutex};
    for (const auto lane : job.lanes()) {
      auto& at = record_.lanes[lane];
      if (at.at_work > 0 && at.worker != this)
        record_.met = true;
      at.worker = this;
      ++at.at_work;
      at.order.push_back(job.number);
    }
  }

  lane_record& record_;
  std::latch* meeting_;
};

} // namespace

namespace {

/// As long at a group as a slow disk.
class slow_worker final : public database_worker {
public:
  void run(std::vector<database_job_ptr>& group) noexcept override {
    const auto end = std::chrono::steady_clock::now() + 2 * group_pace::shortest;
    while (std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    for (auto& job : group)
      static_cast<counted_job&>(*job).finish();
  }
};

} // namespace

CAF_TEST(groups that are begun with company leave nobody behind) {
  outcome seen;
  std::vector<std::unique_ptr<database_worker>> made;
  for (int i = 0; i < 3; ++i)
    made.push_back(std::make_unique<slow_worker>());
  executor threads{{"test", 100, 40}, std::move(made)};
  // Each waits for its job, as senders do; so every job must be begun without a later one's help.
  std::vector<std::thread> senders;
  for (int t = 0; t < 8; ++t)
    senders.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        outcome own;
        threads.offer(std::make_unique<counted_job>(own, 1));
        while (own.done == 0)
          std::this_thread::yield();
        ++seen.done;
      }
    });
  for (auto& sender : senders)
    sender.join();
  CAF_CHECK_EQUAL(seen.done.load(), 200);
  for (int i = 0; i < 60; ++i)
    threads.offer(std::make_unique<counted_job>(seen, 1));
  threads.stop();
  CAF_CHECK_EQUAL(seen.done.load(), 260);
}

CAF_TEST(jobs of a lane are done in their order and by one worker at a time) {
  lane_record record;
  {
    std::vector<std::unique_ptr<database_worker>> made;
    for (int i = 0; i < 4; ++i)
      made.push_back(std::make_unique<lane_worker>(record));
    executor threads{{"test", 100'000, 3}, std::move(made)};
    for (int i = 0; i < 20'000; ++i) {
      // Many share one lane, some hold two.
      const auto lane = static_cast<std::size_t>(i % 3 == 0 ? 0 : i * 7919 % 50);
      std::vector<std::size_t> lanes{lane};
      if (i % 5 == 0)
        lanes.push_back(lane + 1);
      threads.offer(std::make_unique<lane_job>(std::move(lanes), i));
    }
  }
  CAF_CHECK(!record.met);
  std::size_t count = 0;
  for (const auto& [number, lane] : record.lanes) {
    CAF_CHECK(std::is_sorted(lane.order.begin(), lane.order.end()));
    count += lane.order.size();
  }
  CAF_CHECK_EQUAL(count, 24'000u); // And stopping leaves none behind.
}

CAF_TEST(a busy lane does not hold up the others) {
  lane_record record;
  std::latch meeting{2}; // Of jobs 1 and 3: without a way past job 2 it never happens.
  std::vector<std::unique_ptr<database_worker>> made;
  for (int i = 0; i < 2; ++i)
    made.push_back(std::make_unique<lane_worker>(record, &meeting));
  executor threads{{"test", 100, 1}, std::move(made)};
  threads.offer(std::make_unique<lane_job>(std::vector<std::size_t>{1}, 1));
  threads.offer(std::make_unique<lane_job>(std::vector<std::size_t>{1}, 2));
  threads.offer(std::make_unique<lane_job>(std::vector<std::size_t>{2}, 3));
  threads.stop();
  CAF_CHECK(!record.met);
  CAF_CHECK_EQUAL(record.lanes[1].order.size(), 2u);
}
