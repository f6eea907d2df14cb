// The embedded store: one SQLite file, one thread that writes, a few that read.
//
// * Group commit: the writer takes everything that is queued (up to batch_max events or 16 MiB of
//   them) into one transaction. An idle system commits each request at once, a busy one in groups.
// * Durable means synced: synchronous=FULL. NORMAL loses acknowledged commits on power loss.
// * A request that is refused for a fault of its own (a number taken twice) does not touch the
//   others of its group: the group is then done again with a savepoint around each request.
// * A failure of the database refuses the whole group with errc::store_unavailable and leaves no
//   trace; the next group tries again, on a new connection if need be, so the store recovers by
//   itself. (Only if the machine also crashes right after a failed sync may such a request be found
//   stored; its redelivery is then a duplicate.)
// * `read` always gives min(limit, what there is) events, so that fewer than `limit` means the end.
//   Its memory is bounded by read_bytes_max: more is errc::payload_too_large, and the caller asks
//   again with a smaller limit. 256 is a good limit; with limit 1 there is always an answer.
// * `put_user` and `check` give true or an error. `check` commits a real write.
// * A batch heavier than queue_max can never be taken: errc::store_unavailable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/migrations.hpp"
#include "storage/node_store.hpp"
#include "storage/secret_box.hpp"

namespace lapwing {

struct sqlite_options {
  std::string path;            ///< The database file; its directory exists.
  bool migrate = true;         ///< Otherwise an old schema is errc::not_configured.
  std::size_t batch_max = 256;
  std::size_t queue_max = 8192; ///< Events waiting for the writer; reads: jobs waiting.
  std::size_t reader_threads = 2;
  std::size_t cache_bytes = 64 * 1024 * 1024; ///< Half for the writer, half for all readers.
  std::size_t page_bytes = 4096;              ///< Of a new file. See benchmarks/micro/store_bench.
  std::size_t wal_bytes = 64 * 1024 * 1024;   ///< Write-ahead log length at which copying back begins.
  std::size_t read_bytes_max = 64 * 1024 * 1024; ///< Events in one answer of `read`.
  /// How long a statement waits for another program (`lapwing migrate`, sqlite3) to let go.
  std::chrono::milliseconds lock_wait{2000};
  /// Newest first, as security.encryption_keys; without any, no secret can be kept or read.
  std::vector<std::string> encryption_keys{};
  /// Of the columns created_at and updated_at; null: the system's. It must outlive the store.
  const wall_clock* clock = nullptr;
  random_source random = system_random; ///< For nonces and row ids; on the writer's thread.
};

/// What the store has done since it was opened; for metrics.
struct sqlite_counts {
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t commits = 0;          ///< Groups.
  std::uint64_t failed_commits = 0;
  std::uint64_t wal_bytes = 0;        ///< Length of the write-ahead log after the last commit.
};

class sqlite_store final : public node_store {
public:
  /// Opens or creates the file. errc::not_configured: it is not ours, too new, or too old and
  /// `migrate` is off, or a key is none; errc::store_unavailable: damaged, not writable, or in use by another node.
  static result<std::unique_ptr<sqlite_store>> open_file(sqlite_options options);

  /// Does what was taken, then closes. Calls that come during that are refused.
  ~sqlite_store() override;

  void append(std::vector<append_request> batch,
              callback<std::vector<append_result>> done) override;
  void read(log_id log, sequence after, std::size_t limit,
            callback<event_range> done) override;
  void find(log_id log, sequence seq, callback<event_ptr> done) override;
  void open(log_id log, callback<log_state> done) override;
  void put_user(user_id user, std::vector<account> accounts, callback<bool> done) override;
  void find_account(account which, callback<std::optional<user_id>> done) override;
  void trim(retention_rule rule, callback<retention_step> done) override;
  void check(callback<bool> done) override;
  connection_store& connections() noexcept override; ///< storage/sqlite_connections.hpp.
  outbox_store& outbox() noexcept override;

  /// Any thread.
  sqlite_counts counts() const noexcept;
  const migration_report& migrations() const noexcept;

private:
  struct parts;
  explicit sqlite_store(std::unique_ptr<parts> made);
  std::unique_ptr<parts> parts_;
};

/// Only brings the file to this program's schema: `lapwing migrate`. Also beside a running node.
result<migration_report> migrate_file(const std::string& path);

} // namespace lapwing
