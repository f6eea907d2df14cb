#include "storage/executor.hpp"

#include <pthread.h>

#include <utility>

namespace lapwing {

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
  {
    std::lock_guard lock{mutex_};
    if (stopping_) {
      refusal = "the store is closing";
    } else if (queued_weight_ + weight > settings_.queue_max) {
      refusal = "too much is waiting for the database";
    } else {
      queued_weight_ += weight;
      queue_.push_back(std::move(job));
      wake = idle_ > 0;
    }
  }
  if (refusal != nullptr)
    job->refuse({errc::store_unavailable, refusal});
  else if (wake)
    wake_.notify_one();
}

void executor::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable())
      thread.join();
  }
}

void executor::work(database_worker& worker) {
  std::vector<database_job_ptr> group;
  while (take(group)) {
    worker.run(group);
    group.clear();
  }
}

bool executor::take(std::vector<database_job_ptr>& group) {
  std::unique_lock lock{mutex_};
  while (queue_.empty()) {
    if (stopping_)
      return false;
    ++idle_;
    wake_.wait(lock);
    --idle_;
  }
  // A single job may weigh more than a group: it then is one by itself.
  std::size_t weight = 0;
  do {
    weight += queue_.front()->weight();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  } while (!queue_.empty() && weight + queue_.front()->weight() <= settings_.group_max);
  queued_weight_ -= weight;
  return true;
}

} // namespace lapwing
