#include "storage/read_session.hpp"

namespace lapwing {
namespace {

sqlite_connection open_reader(const reader_options& options) {
  sqlite_connection connection{options.path, open_mode::read_only};
  connection.wait_for_locks(options.lock_wait);
  connection.limit_cache(options.cache_bytes);
  return connection;
}

} // namespace

read_session::read_session(sqlite_connection opened)
    : connection(std::move(opened)), events(connection), connections(connection), outbox(connection),
      find_account(connection, "SELECT user_id FROM accounts WHERE platform = ?1 AND name = ?2") {}

store_reader::store_reader(reader_options settings) : settings_(std::move(settings)) {
  session_.emplace(open_reader(settings_));
}

void store_reader::run(std::vector<database_job_ptr>& group) noexcept {
  for (auto& job : group) {
    try {
      if (!session_)
        session_.emplace(open_reader(settings_));
      static_cast<read_job&>(*job).run(*session_);
    } catch (const job_refused& refusal) {
      job->refuse(refusal.why);
    } catch (const sqlite_failure& failure) {
      if (failure.wants_new_connection())
        session_.reset();
      job->refuse(to_error(failure));
    }
  }
}

} // namespace lapwing
