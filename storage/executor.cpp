#include "storage/executor.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace lapwing {
namespace {

/// A worker looks past so many jobs that must wait for others before it waits itself.
constexpr std::size_t looked_past_max = 64;

} // namespace

executor::executor(options settings, std::vector<std::unique_ptr<database_worker>> workers)
    : settings_(settings), workers_(std::move(workers)) {
  threads_.reserve(workers_.size());
  try {
    for (auto& worker : workers_) {
      threads_.emplace_back([this, &worker] { work(*worker); });
      pthread_setname_np(threads_.back().native_handle(), settings_.name);
    }
  } catch (...) {
    stop(); // No more threads to be had: end those that run, and let the caller know.
    throw;
  }
}

executor::~executor() {
  stop();
}

void executor::offer(database_job_ptr job) {
  const auto weight = job->weight();
  const char* refusal = nullptr;
  bool wake = false;
  bool is_full = false;
  {
    std::lock_guard lock{mutex_};
    if (stopping_) {
      refusal = "the store is closing";
    } else if (queued_weight_ + weight > settings_.queue_max) {
      refusal = "too much is waiting for the database";
    } else {
      queued_weight_ += weight;
      is_full = waits_for_company_ && queued_weight_ >= settings_.group_max;
      wake = idle_ > 0 && !waits_for_company_ && !is_held_up(*job, {});
      queue_.push_back(std::move(job));
    }
  }
  if (refusal != nullptr)
    job->refuse({errc::store_unavailable, refusal});
  else if (wake)
    wake_.notify_one();
  if (is_full)
    company_.notify_one();
}

void executor::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  company_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable())
      thread.join();
  }
}

void executor::work(database_worker& worker) {
  std::vector<database_job_ptr> group;
  std::vector<std::size_t> lanes;
  while (take(group)) {
    lanes.clear(); // The jobs are gone, or answered, when the worker returns.
    for (const auto& job : group)
      lanes.insert(lanes.end(), job->lanes().begin(), job->lanes().end());
    const auto began = std::chrono::steady_clock::now();
    worker.run(group);
    group.clear();
    leave(lanes, began);
  }
}

bool executor::take(std::vector<database_job_ptr>& group) {
  std::unique_lock lock{mutex_};
  for (;;) {
    if (!waits_for_company_) {
      const bool waited = await_company(lock);
      pick(group);
      // Whoever brought a job meanwhile has woken nobody, and at the end others waited for this.
      if (waited && idle_ > 0 && (stopping_ || !queue_.empty()))
        wake_.notify_all();
    }
    if (!group.empty()) {
      pace_.begun(std::chrono::steady_clock::now());
      return true;
    }
    if (stopping_ && queue_.empty())
      return false;
    ++idle_;
    wake_.wait(lock);
    --idle_;
  }
}

/// More will come before the next group could be of use.
bool executor::is_early() const {
  return settings_.group_max > 1 && !stopping_ && !queue_.empty()
         && queued_weight_ < settings_.group_max
         && std::chrono::steady_clock::now() < pace_.not_before();
}

bool executor::await_company(std::unique_lock<std::mutex>& lock) {
  if (!is_early())
    return false;
  waits_for_company_ = true;
  do
    company_.wait_until(lock, pace_.not_before());
  while (is_early());
  waits_for_company_ = false;
  return true;
}

bool executor::is_held_up(const database_job& job,
                          const std::unordered_set<std::size_t>& skipped) const {
  const auto lanes = job.lanes();
  return std::any_of(lanes.begin(), lanes.end(), [&](std::size_t lane) {
    return busy_lanes_.contains(lane) || skipped.contains(lane);
  });
}

void executor::pick(std::vector<database_job_ptr>& group) {
  std::unordered_set<std::size_t> skipped;
  std::size_t weight = 0;
  std::size_t kept = 0; // Jobs at the front that others hold up.
  for (std::size_t i = 0; i < queue_.size() && kept < looked_past_max; ++i) {
    auto& job = queue_[i];
    // A single job may weigh more than a group: it then is one by itself.
    if (!group.empty() && weight + job->weight() > settings_.group_max)
      break;
    if (is_held_up(*job, skipped)) {
      skipped.insert(job->lanes().begin(), job->lanes().end());
      ++kept;
      continue;
    }
    weight += job->weight();
    group.push_back(std::move(job));
  }
  if (kept == 0)
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(group.size()));
  else
    std::erase(queue_, nullptr);
  queued_weight_ -= weight;
  for (const auto& job : group)
    busy_lanes_.insert(job->lanes().begin(), job->lanes().end());
}

void executor::leave(const std::vector<std::size_t>& lanes, group_pace::time_point began) {
  bool wake = false;
  bool is_last = false;
  {
    std::lock_guard lock{mutex_};
    pace_.ended(began, std::chrono::steady_clock::now());
    for (const auto lane : lanes)
      busy_lanes_.erase(lane);
    is_last = waits_for_company_ && pace_.at_work() == 0;
    wake = !lanes.empty() && idle_ > 0 && (stopping_ || !queue_.empty());
  }
  if (is_last)
    company_.notify_one();
  if (wake)
    wake_.notify_all();
}

} // namespace lapwing
