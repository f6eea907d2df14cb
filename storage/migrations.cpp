#include "storage/migrations.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/schema_history.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {
namespace {

/// Marks the file as ours: "LPWG", the application id of its header (sqlite.org/fileformat2.html).
constexpr std::int64_t our_application_id = 0x4c505747;

std::int64_t one_number(sqlite_connection& connection, std::string_view sql) {
  sqlite_statement statement{connection, sql};
  const std::int64_t value = statement.step() ? statement.integer(0) : 0;
  return value;
}

std::optional<error> foreign(sqlite_connection& connection) {
  const auto id = one_number(connection, "PRAGMA application_id");
  if (id == our_application_id)
    return std::nullopt;
  if (id == 0 && one_number(connection, "SELECT count(*) FROM sqlite_schema") == 0)
    return std::nullopt; // Empty: nobody's yet.
  return error{errc::not_configured, "the database file belongs to another program"};
}

std::vector<applied_file> applied_files(sqlite_connection& connection) {
  std::vector<applied_file> files;
  if (one_number(connection,
                 "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'")
      == 0)
    return files;
  sqlite_statement statement{connection,
                             "SELECT version, digest FROM schema_migrations ORDER BY version"};
  while (statement.step())
    files.push_back({statement.integer(0), std::string{statement.text(1)}});
  return files;
}

void apply(sqlite_connection& connection, const schema_file& file) {
  if (file.version == 1) {
    connection.execute("PRAGMA application_id = 1280333639"); // our_application_id.
    connection.execute("CREATE TABLE schema_migrations ("
                       " version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL,"
                       " applied_at TEXT NOT NULL) STRICT");
  }
  connection.execute(std::string{file.sql});
  const auto digest = sha256_hex(file.sql);
  sqlite_statement remember{connection,
                            "INSERT INTO schema_migrations (version, name, digest, applied_at)"
                            " VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"};
  remember.bind(1, std::int64_t{file.version}).bind(2, file.name).bind(3, digest).run();
}

} // namespace

result<migration_report> migrate(sqlite_connection& connection,
                                 std::span<const schema_file> known) {
  static_assert(our_application_id == 1280333639);
  migration_report report;
  try {
    for (;;) {
      // The lock is taken before looking, so that of two programs one waits and then finds it done.
      connection.execute("BEGIN IMMEDIATE");
      auto failure = foreign(connection);
      const auto applied = failure ? std::vector<applied_file>{} : applied_files(connection);
      if (!failure)
        failure = misfit(applied, known);
      if (failure || applied.size() == known.size()) {
        connection.roll_back();
        if (failure)
          return *failure;
        report.version = static_cast<int>(applied.size());
        return report;
      }
      const auto& next = known[applied.size()];
      apply(connection, next);
      connection.execute("COMMIT");
      report.applied.emplace_back(next.name);
    }
  } catch (const sqlite_failure& failure) {
    connection.roll_back();
    return to_error(failure);
  }
}

result<migration_report> check_schema(sqlite_connection& connection,
                                      std::span<const schema_file> known) {
  try {
    if (auto failure = foreign(connection))
      return *failure;
    const auto applied = applied_files(connection);
    if (auto failure = misfit(applied, known))
      return *failure;
    if (auto failure = lacking(applied, known))
      return *failure;
    return migration_report{static_cast<int>(applied.size()), {}};
  } catch (const sqlite_failure& failure) {
    return to_error(failure);
  }
}

} // namespace lapwing
