#include "storage/write_session.hpp"

#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include <utility>

#include "storage/store_vfs.hpp"

namespace lapwing {
sqlite_connection open_writer(const writer_options& options) {
  sqlite_connection connection{options.path, open_mode::create, store_vfs()};
  connection.wait_for_locks(options.lock_wait);
  connection.execute("PRAGMA journal_mode = WAL");
  connection.execute("PRAGMA synchronous = FULL");
  connection.execute("PRAGMA foreign_keys = ON");
  connection.execute("PRAGMA temp_store = MEMORY");
  connection.execute("PRAGMA wal_autocheckpoint = 0"); // storage/wal_keeper.hpp.
  // Debian's SQLite zeroes what is deleted, which writes whole pages; only where it costs none.
  connection.execute("PRAGMA secure_delete = FAST");
  connection.limit_cache(options.cache_bytes);
  connection.execute("PRAGMA journal_size_limit = " + std::to_string(2 * options.wal_bytes));
  return connection;
}

write_session::write_session(sqlite_connection opened, const row_means& means)
    : connection(std::move(opened)), events(connection), old_events(connection), old_items(connection),
      connections(connection, means), outbox(connection),
      add_user(connection, "INSERT INTO users (id) VALUES (?1) ON CONFLICT DO NOTHING"),
      set_account(connection, "INSERT INTO accounts (platform, name, user_id) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET user_id = excluded.user_id"),
      probe(connection, "UPDATE write_probe SET count = count + 1"),
      begin(connection, "BEGIN IMMEDIATE"), commit(connection, "COMMIT") {}

store_writer::store_writer(writer_options settings, sqlite_connection connection,
                           const row_means& means, wal_keeper& keeper, write_counters& counters)
    : settings_(std::move(settings)), means_(means), keeper_(keeper), counters_(counters) {
  adopt(std::move(connection));
}

store_writer::~store_writer() = default;

void store_writer::adopt(sqlite_connection connection) {
  session_.emplace(std::move(connection), means_);
  sqlite3_wal_hook(
    session_->connection.get(),
    [](void* self, sqlite3*, const char*, int pages) {
      static_cast<store_writer*>(self)->wal_pages_ = static_cast<std::size_t>(pages);
      return SQLITE_OK;
    },
    this);
}

void store_writer::undo() noexcept {
  session_->connection.roll_back();
  session_->events.forget_logs();
  session_->old_events.start_over();
  session_->old_items.start_over();
}

void store_writer::run(std::vector<database_job_ptr>& group) noexcept {
  try {
    if (!session_)
      adopt(open_writer(settings_));
    if (!attempt(group, isolation::shared))
      attempt(group, isolation::savepoints);
  } catch (const sqlite_failure& failure) {
    give_up(group, failure);
    return;
  }
  if (std::exchange(failure_logged_, false))
    spdlog::info("the store takes writes again");
  counters_.commits.fetch_add(1, std::memory_order_relaxed);
  counters_.wal_pages.store(wal_pages_, std::memory_order_relaxed);
  if (keeper_.committed(wal_pages_))
    keeper_.finish(session_->connection);
}

bool store_writer::attempt(std::vector<database_job_ptr>& group, isolation level) {
  auto& session = *session_;
  std::vector<std::optional<error>> refused(group.size());
  session.begin.run();
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto& job = static_cast<write_job&>(*group[i]);
    if (level == isolation::savepoints)
      session.connection.execute("SAVEPOINT job");
    try {
      try {
        job.apply(session);
      } catch (const sqlite_failure& failure) {
        if (failure.of_the_database() || !session.connection.in_transaction())
          throw;
        throw job_refused{to_error(failure)}; // For example a value SQLite finds too big.
      }
    } catch (const job_refused& refusal) {
      if (level == isolation::shared) {
        undo();
        return false;
      }
      session.connection.execute("ROLLBACK TO job");
      session.events.forget_logs();
      session.old_events.start_over();
      session.old_items.start_over();
      refused[i] = refusal.why;
    }
    if (level == isolation::savepoints)
      session.connection.execute("RELEASE job");
  }
  session.commit.run();
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (refused[i])
      group[i]->refuse(*refused[i]);
    else
      static_cast<write_job&>(*group[i]).committed();
  }
  return true;
}

void store_writer::give_up(std::vector<database_job_ptr>& group, const sqlite_failure& failure) {
  counters_.failed_commits.fetch_add(1, std::memory_order_relaxed);
  if (session_) {
    undo();
    if (failure.wants_new_connection())
      session_.reset();
  }
  error why = to_error(failure);
  why.code = errc::store_unavailable;
  const auto now = std::chrono::steady_clock::now();
  if (!failure_logged_ && now >= next_log_) {
    spdlog::error("the store does not take writes: {}", why.detail);
    failure_logged_ = true;
    next_log_ = now + std::chrono::seconds{10};
  }
  for (auto& job : group)
    job->refuse(why);
}

} // namespace lapwing
