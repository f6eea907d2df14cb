// What the writer's thread works with: its connection, the statements on it, and the transaction
// around a group of jobs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/event_rows.hpp"
#include "storage/executor.hpp"
#include "storage/retention.hpp"
#include "storage/sqlite.hpp"
#include "storage/wal_keeper.hpp"

namespace lapwing {

/// A connection and everything prepared on it.
struct write_session {
  explicit write_session(sqlite_connection opened);

  sqlite_connection connection;
  event_inserter events;
  log_retention old_events;
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
  /// `keeper` and `counters` must outlive the writer.
  store_writer(writer_options settings, sqlite_connection connection, wal_keeper& keeper,
               write_counters& counters);
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
  wal_keeper& keeper_;
  write_counters& counters_;
  std::optional<write_session> session_;
  std::size_t wal_pages_ = 0; ///< Set by SQLite's hook at each commit.
  bool failure_logged_ = false; ///< Of the outage that lasts.
  std::chrono::steady_clock::time_point next_log_{}; ///< A flapping disk must not fill the log.
};

} // namespace lapwing
