// Brings a database to this program's schema, one numbered file a transaction, and refuses one
// that a newer program, or no Lapwing at all, has made.
#pragma once

#include <span>

#include "core/error.hpp"
#include "storage/schema_history.hpp"

namespace lapwing {

class sqlite_connection;

/// Applies what is missing. Each file is applied wholly or not at all, also by two at once.
/// errc::not_configured: the schema is newer than `known`, or not Lapwing's, or an applied file was
/// edited; errc::store_unavailable: the database does not work.
result<migration_report> migrate(sqlite_connection& connection,
                                 std::span<const schema_file> known = schema_files());

/// As migrate(), but changes nothing: errc::not_configured also when something is missing.
result<migration_report> check_schema(sqlite_connection& connection,
                                      std::span<const schema_file> known = schema_files());

} // namespace lapwing
