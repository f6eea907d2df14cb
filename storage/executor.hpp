// The threads that may block on a database: everything else only offers work to them and goes on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/error.hpp"
#include "storage/group_pace.hpp"

namespace lapwing {

/// Something to be done with a database. Exactly one of its endings is called: `refuse`, or
/// whatever the worker that took it calls.
class database_job {
public:
  virtual ~database_job() = default;

  /// What it counts against the queue's bound and the group's size; at least 1.
  virtual std::size_t weight() const noexcept { return 1; }
  /// Jobs that share a lane are done in the order of their offering and never by two workers at
  /// once. Without lanes: whenever a worker is free.
  virtual std::span<const std::size_t> lanes() const noexcept { return {}; }
  /// It was not, or not durably, done.
  virtual void refuse(const error& why) = 0;
};

using database_job_ptr = std::unique_ptr<database_job>;

/// What one thread owns: usually a connection. Only that thread calls it.
class database_worker {
public:
  virtual ~database_worker() = default;

  /// Ends every job of the group, in its order. Must not throw.
  virtual void run(std::vector<database_job_ptr>& group) noexcept = 0;
};

class executor {
public:
  struct options {
    const char* name = "database"; ///< Thread name, at most 15 bytes.
    std::size_t queue_max = 1024;  ///< Weight of the jobs that may wait.
    std::size_t group_max = 1;     ///< Weight of the jobs handed out at once.
  };

  /// One thread per worker.
  executor(options settings, std::vector<std::unique_ptr<database_worker>> workers);
  /// As stop().
  ~executor();
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  /// Any thread; returns at once. A job that finds the queue full or stopped is refused before
  /// this returns, with errc::store_unavailable.
  void offer(database_job_ptr job);

  /// Takes no more, does what was taken, ends the threads. Not from one of its own threads.
  void stop();

private:
  void work(database_worker& worker);
  bool take(std::vector<database_job_ptr>& group);
  bool is_early() const;
  /// Whether it waited.
  bool await_company(std::unique_lock<std::mutex>& lock);
  void pick(std::vector<database_job_ptr>& group);
  void leave(const std::vector<std::size_t>& lanes, group_pace::time_point began);
  bool is_held_up(const database_job& job, const std::unordered_set<std::size_t>& skipped) const;

  const options settings_;
  std::vector<std::unique_ptr<database_worker>> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable company_; ///< For the worker that waits for it.
  std::deque<database_job_ptr> queue_;
  std::size_t queued_weight_ = 0;
  std::unordered_set<std::size_t> busy_lanes_; ///< Of the groups that are being done.
  std::size_t idle_ = 0;
  group_pace pace_;
  bool waits_for_company_ = false; ///< A worker does, with jobs in the queue.
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace lapwing
