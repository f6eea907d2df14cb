// Brings a PostgreSQL database to this program's schema, as storage/migrations.hpp does a SQLite file:
// one numbered file a transaction, under a lock that lets many nodes start at once.
#pragma once

#include <span>

#include "core/error.hpp"
#include "storage/postgres/settings.hpp"
#include "storage/schema_history.hpp"

namespace lapwing::postgres {

/// Applies what is missing. errc::not_configured: the schema is newer than `known`, an applied file
/// was edited, there are tables of another program in its place, or the role may not create them;
/// errc::store_unavailable: the database cannot be reached.
result<migration_report> migrate(const connection_settings& settings,
                                 std::span<const schema_file> known = postgres_schema_files());

/// As migrate(), but changes nothing: errc::not_configured also when something is missing.
result<migration_report> check_schema(const connection_settings& settings,
                                      std::span<const schema_file> known
                                      = postgres_schema_files());

} // namespace lapwing::postgres
