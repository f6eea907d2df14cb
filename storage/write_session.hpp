// What the writer's thread works with: its connection, the statements on it, and the transaction
// around a group of jobs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/connection_writer.hpp"
#include "storage/event_rows.hpp"
#include "storage/executor.hpp"
#include "storage/item_retention.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/retention.hpp"
#include "storage/sqlite.hpp"
#include "storage/wal_keeper.hpp"

namespace lapwing {

/// A connection and everything prepared on it.
struct write_session {
  write_session(sqlite_connection opened, const row_means& means);

  sqlite_connection connection;
  event_inserter events;
  log_retention old_events;
  item_retention old_items;
  connection_writer connections;
  outbox_writer outbox;
  sqlite_statement add_user;
  sqlite_statement set_account;
  sqlite_statement probe;
  sqlite_statement begin;
  sqlite_statement commit;
};

/// A job for the writer. `apply` may be called again after a transaction had no effect.
class write_job : public database_job {
public:
  /// Inside the transaction. Throws job_refused or sqlite_failure.
  virtual void apply(write_session& session) = 0;
  /// Its transaction is durable.
  virtual void committed() = 0;
};

/// A change as a function of the session that answers a result. An error in it means that nothing
/// was changed, and disturbs no other job.
template <class T, class Change>
class change_job final : public write_job {
public:
  change_job(Change change, std::function<void(result<T>)> done, std::size_t weight)
      : change_(std::move(change)), done_(std::move(done)), weight_(weight) {}

  std::size_t weight() const noexcept override { return weight_; }
  void apply(write_session& session) override { answer_ = change_(session); }
  void committed() override { done_(std::move(answer_)); }
  void refuse(const error& why) override { done_(why); }

private:
  Change change_;
  std::function<void(result<T>)> done_;
  std::size_t weight_;
  result<T> answer_{error{}};
};

template <class T, class Change>
database_job_ptr make_change(Change change, std::function<void(result<T>)> done,
                             std::size_t weight = 1) {
  return std::make_unique<change_job<T, Change>>(std::move(change), std::move(done), weight);
}

struct write_counters {
  std::atomic<std::uint64_t> stored{0};
  std::atomic<std::uint64_t> duplicates{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> failed_commits{0};
  std::atomic<std::uint64_t> wal_pages{0};
};

struct writer_options {
  std::string path;
  std::size_t cache_bytes;
  std::size_t wal_bytes; ///< To which the log's file is cut when it starts over: twice this.
  std::chrono::milliseconds lock_wait;
};

/// Opens a connection ready for writing.
sqlite_connection open_writer(const writer_options& options);

class store_writer final : public database_worker {
public:
  /// `means`, `keeper` and `counters` must outlive the writer.
  store_writer(writer_options settings, sqlite_connection connection, const row_means& means,
               wal_keeper& keeper, write_counters& counters);
  ~store_writer() override;

  /// Takes write_jobs only.
  void run(std::vector<database_job_ptr>& group) noexcept override;

private:
  enum class isolation : std::uint8_t { shared, savepoints };

  /// False: a job refused itself and the transaction was undone; try again with savepoints.
  bool attempt(std::vector<database_job_ptr>& group, isolation level);
  void give_up(std::vector<database_job_ptr>& group, const sqlite_failure& failure);
  void adopt(sqlite_connection connection);
  void undo() noexcept;

  const writer_options settings_;
  const row_means& means_;
  wal_keeper& keeper_;
  write_counters& counters_;
  std::optional<write_session> session_;
  std::size_t wal_pages_ = 0; ///< Set by SQLite's hook at each commit.
  bool failure_logged_ = false; ///< Of the outage that lasts.
  std::chrono::steady_clock::time_point next_log_{}; ///< A flapping disk must not fill the log.
};

} // namespace lapwing
