// Connections as rows, the reading half.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/connection_store.hpp"
#include "storage/connection_writer.hpp"
#include "storage/sealed_columns.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// Lives on one reader thread. Throws job_refused, sqlite_failure.
class connection_reader {
public:
  explicit connection_reader(sqlite_connection& connection);

  std::optional<loaded_connection> load(const connection_key& which,
                                        const secret_columns& secrets);
  std::vector<loaded_connection> list(const user_id& user);
  /// Throws errc::not_found when there is no such connection.
  std::vector<std::string> unknown_keys(const connection_key& which, const std::string& data_type,
                                        const std::vector<std::string>& keys);
  std::vector<connection_key> due(const platform_id& platform, timestamp until,
                                  std::size_t limit);
  /// `after` is a row's number as text. Throws errc::bad_request when it is none.
  stored_items items(const connection_key& which, const std::string& data_type,
                     const std::string& after, std::size_t limit);
  /// Looks at every row that has a secret.
  old_secrets find_old_secrets(const secret_box& box, std::size_t limit);

private:
  std::size_t count_foreign_secrets(const secret_box& box);
  void add_polls(std::int64_t number, loaded_connection& to);
  void add_registrations(loaded_connection& to, const secret_columns* secrets);

  sqlite_connection* connection_;
  sqlite_statement begin_;
  sqlite_statement end_;
  sqlite_statement load_;
  sqlite_statement list_;
  sqlite_statement polls_;
  sqlite_statement registrations_;
  sqlite_statement exists_;
  sqlite_statement has_item_;
  sqlite_statement due_;
  sqlite_statement due_too_far_;
  sqlite_statement items_;
};

} // namespace lapwing
