#include "storage/postgres/schema.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/postgres/failure.hpp"
#include "storage/postgres/pqxx.hpp"

namespace lapwing::postgres {
namespace {

/// "lapwing" as a number that no other program is likely to lock.
constexpr const char* take_lock = "SELECT pg_advisory_xact_lock(7809651906427710051)";

bool has_table(pqxx::transaction_base& transaction, const char* name) {
  return transaction.exec_params1("SELECT to_regclass(quote_ident(current_schema()) || '.' || $1)"
                                  " IS NOT NULL",
                                  name)[0]
    .as<bool>();
}

std::vector<applied_file> applied_files(pqxx::transaction_base& transaction) {
  std::vector<applied_file> files;
  if (!has_table(transaction, "schema_migrations"))
    return files;
  for (const auto& row :
       transaction.exec("SELECT version, digest FROM schema_migrations ORDER BY version"))
    files.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>()});
  return files;
}

/// Another program's tables where ours are to be.
std::optional<error> foreign(pqxx::transaction_base& transaction,
                             const std::vector<applied_file>& applied) {
  if (!applied.empty() || !has_table(transaction, "events"))
    return std::nullopt;
  return error{errc::not_configured, "the database has tables of another program; give Lapwing a"
                                     " database or a schema of its own"};
}

void apply(pqxx::transaction_base& transaction, const schema_file& file) {
  if (file.version == 1)
    transaction.exec("CREATE TABLE schema_migrations (version integer PRIMARY KEY,"
                     " name text NOT NULL, digest text NOT NULL, applied_at timestamptz NOT NULL)");
  transaction.exec(std::string{file.sql});
  transaction.exec_params("INSERT INTO schema_migrations (version, name, digest, applied_at)"
                          " VALUES ($1, $2, $3, clock_timestamp())",
                          file.version, std::string{file.name}, sha256_hex(file.sql));
}

/// Says why for the operator, who has to do something: by what the server says, which names objects
/// and roles, but no values.
error explained(const failure& why) {
  std::string text{why.what()};
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (why.kind() == fault::connection)
    return {errc::store_unavailable, "PostgreSQL cannot be reached: " + text};
  const auto code = why.sqlstate() == "42501" ? errc::not_configured : errc::store_unavailable;
  return {code, "PostgreSQL refused: " + text};
}

template <class Work>
result<migration_report> with_connection(const connection_settings& settings, Work work) {
  bool open = false;
  try {
    pqxx::connection connection{settings.parameters};
    open = true;
    pqxx::nontransaction{connection}.exec(settings.preparation);
    return work(connection);
  } catch (...) {
    return explained(current_failure(open));
  }
}

} // namespace

result<migration_report> migrate(const connection_settings& settings,
                                 std::span<const schema_file> known) {
  return with_connection(settings, [&](pqxx::connection& connection) -> result<migration_report> {
    migration_report report;
    // A large table may take longer than any request may.
    pqxx::nontransaction{connection}.exec("SET statement_timeout = 0; SET lock_timeout = '10min'");
    for (;;) {
      // The lock is taken before looking, so that of two programs one waits and then finds it done.
      pqxx::work transaction{connection};
      transaction.exec(take_lock);
      const auto applied = applied_files(transaction);
      if (auto stranger = foreign(transaction, applied))
        return *stranger;
      if (auto failure = misfit(applied, known))
        return *failure;
      if (applied.size() == known.size()) {
        report.version = static_cast<int>(applied.size());
        return report;
      }
      const auto& next = known[applied.size()];
      apply(transaction, next);
      transaction.commit();
      report.applied.emplace_back(next.name);
    }
  });
}

result<migration_report> check_schema(const connection_settings& settings,
                                      std::span<const schema_file> known) {
  return with_connection(settings, [&](pqxx::connection& connection) -> result<migration_report> {
    pqxx::work transaction{connection};
    const auto applied = applied_files(transaction);
    if (auto stranger = foreign(transaction, applied))
      return *stranger;
    if (auto failure = misfit(applied, known))
      return *failure;
    if (auto failure = lacking(applied, known))
      return *failure;
    return migration_report{static_cast<int>(applied.size()), {}};
  });
}

} // namespace lapwing::postgres
