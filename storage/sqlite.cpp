#include "storage/sqlite.hpp"

#include <sqlite3.h>

namespace lapwing {
namespace {

constexpr int primary_code(int extended) {
  return extended & 0xff;
}

} // namespace

const char* sqlite_failure::what() const noexcept {
  return sqlite3_errstr(code_);
}

bool sqlite_failure::of_the_database() const noexcept {
  switch (primary_code(code_)) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_SCHEMA:
    case SQLITE_INTERRUPT: return true;
    default: return false;
  }
}

bool sqlite_failure::wants_new_connection() const noexcept {
  const int code = primary_code(code_);
  return of_the_database() && code != SQLITE_FULL && code != SQLITE_BUSY;
}

error to_error(const sqlite_failure& failure) {
  const auto code = failure.of_the_database() ? errc::store_unavailable : errc::internal;
  switch (primary_code(failure.code())) {
    case SQLITE_FULL: return {code, "the disk of the database is full"};
    case SQLITE_READONLY: return {code, "the database is read-only"};
    case SQLITE_CANTOPEN: return {code, "the database file cannot be opened"};
    case SQLITE_CORRUPT: return {code, "the database file is damaged"};
    case SQLITE_NOTADB: return {code, "the file is not a SQLite database, or is damaged"};
    default: return {code, std::string{"database: "} + failure.what()};
  }
}

sqlite_connection::sqlite_connection(const std::string& path, open_mode mode,
                                     const char* layer) {
  const int access = mode == open_mode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                               : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, layer);
  handle_.reset(handle); // Also after a failure there is a handle to be closed.
  if (code != SQLITE_OK)
    throw sqlite_failure{code};
}

void sqlite_connection::closer::operator()(sqlite3* handle) const noexcept {
  sqlite3_close_v2(handle);
}

void sqlite_connection::execute(const std::string& sql) {
  if (const int code = sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
    throw sqlite_failure{code};
}

void sqlite_connection::wait_for_locks(std::chrono::milliseconds longest) {
  sqlite3_busy_timeout(get(), static_cast<int>(longest.count()));
}

void sqlite_connection::limit_cache(std::size_t bytes) {
  execute("PRAGMA cache_size = -" + std::to_string(bytes / 1024));
}

std::int64_t sqlite_connection::changes() const noexcept {
  return sqlite3_changes64(get());
}

bool sqlite_connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(get()) == 0;
}

void sqlite_connection::roll_back() noexcept {
  // SQLite ends the transaction by itself on some failures; a second ROLLBACK would be an error.
  if (handle_ && in_transaction())
    sqlite3_exec(get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

sqlite_statement::sqlite_statement(sqlite_connection& connection, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK)
    throw sqlite_failure{code};
  handle_.reset(handle);
}

void sqlite_statement::finalizer::operator()(sqlite3_stmt* handle) const noexcept {
  sqlite3_finalize(handle);
}

sqlite_statement& sqlite_statement::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_.get(), index, value); code != SQLITE_OK)
    throw sqlite_failure{code};
  return *this;
}

sqlite_statement& sqlite_statement::bind(int index, std::string_view value) {
  // A null pointer would bind NULL: an empty view has to point somewhere.
  const char* data = value.data() == nullptr ? "" : value.data();
  if (const int code
      = sqlite3_bind_text64(handle_.get(), index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
      code != SQLITE_OK)
    throw sqlite_failure{code};
  return *this;
}

sqlite_statement& sqlite_statement::bind_blob(int index, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  if (const int code
      = sqlite3_bind_blob64(handle_.get(), index, data, value.size(), SQLITE_STATIC);
      code != SQLITE_OK)
    throw sqlite_failure{code};
  return *this;
}

sqlite_statement& sqlite_statement::bind_null(int index) {
  if (const int code = sqlite3_bind_null(handle_.get(), index); code != SQLITE_OK)
    throw sqlite_failure{code};
  return *this;
}

sqlite_statement& sqlite_statement::bind_optional(int index, std::optional<std::int64_t> value) {
  return value ? bind(index, *value) : bind_null(index);
}

sqlite_statement& sqlite_statement::bind_optional(int index,
                                                  const std::optional<std::string>& value) {
  return value ? bind(index, *value) : bind_null(index);
}

sqlite_statement& sqlite_statement::bind_optional_blob(int index,
                                                       const std::optional<std::string>& value) {
  return value ? bind_blob(index, *value) : bind_null(index);
}

bool sqlite_statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW)
    return true;
  sqlite3_reset(handle_.get());
  if (code != SQLITE_DONE)
    throw sqlite_failure{code};
  return false;
}

void sqlite_statement::run() {
  while (step()) {
  }
}

void sqlite_statement::reset() noexcept {
  sqlite3_reset(handle_.get());
}

std::int64_t sqlite_statement::integer(int column) const noexcept {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view sqlite_statement::text(int column) const noexcept {
  const auto* data = sqlite3_column_text(handle_.get(), column);
  if (data == nullptr)
    return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view sqlite_statement::blob(int column) const noexcept {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  if (data == nullptr)
    return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::optional<std::string_view> sqlite_statement::optional_blob(int column) const noexcept {
  return is_null(column) ? std::nullopt : std::optional{blob(column)};
}

bool sqlite_statement::is_blob(int column) const noexcept {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_BLOB;
}

bool sqlite_statement::is_null(int column) const noexcept {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

} // namespace lapwing
