// Events as rows: the statements that write one and those that read them back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/store.hpp"
#include "storage/job_refused.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// Writes events. Lives on the writer's thread, works inside the transaction that is open.
class event_inserter {
public:
  explicit event_inserter(sqlite_connection& connection);

  struct inserted {
    append_result result;
    std::int64_t log = 0; ///< logs.id.
  };
  /// Stores the event or finds the one that its delivery became. `packed` is its payload in the
  /// form of pack_payload, or nothing: then it is stored as it is. Throws job_refused when the number
  /// is taken, sqlite_failure.
  inserted insert(const append_request& request, const std::optional<std::string>& packed);

  /// To be called when a transaction had no effect: the logs it made are gone.
  void forget_logs() noexcept { logs_.clear(); }

private:
  struct known_log {
    std::int64_t id;
    sequence trimmed; ///< When it was read: retention may have gone on since.
  };
  const known_log& log_of(const log_id& log);

  sqlite_connection* connection_;
  sqlite_statement insert_;
  sqlite_statement find_delivery_;
  sqlite_statement find_log_;
  sqlite_statement add_log_;
  std::unordered_map<std::string, known_log> logs_;
};

/// Reads events and the state of logs. Lives on one reader thread.
class event_selector {
public:
  explicit event_selector(sqlite_connection& connection);

  /// Throws job_refused (payload_too_large) when two or more events take more than `bytes_max`.
  event_range read(const log_id& log, sequence after, std::size_t limit, std::size_t bytes_max);
  event_ptr find(const log_id& log, sequence seq);
  log_state state(const log_id& log);

private:
  sqlite_statement read_;
  sqlite_statement find_;
  sqlite_statement state_;
  sqlite_statement find_user_;
};

} // namespace lapwing
