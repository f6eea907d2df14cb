// SQLite's handles with owners: a connection and a prepared statement. They throw sqlite_failure,
// which never leaves this folder: each job's runner turns it into an `error` (GUIDE 5).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace lapwing {

/// What SQLite answered instead of doing what it was asked.
class sqlite_failure : public std::exception {
public:
  explicit sqlite_failure(int code) noexcept : code_(code) {}

  /// The extended result code (https://sqlite.org/rescode.html).
  int code() const noexcept { return code_; }
  const char* what() const noexcept override;

  /// True when the database as a whole did not work (disk full, I/O error, locked); false when only
  /// this statement was wrong, so that others of the same transaction need not suffer.
  bool of_the_database() const noexcept;
  /// True when the handle itself may be bad, so that a fresh one is worth opening.
  bool wants_new_connection() const noexcept;

private:
  int code_;
};

/// store_unavailable for failures of the database, internal for the others; no path in the text.
error to_error(const sqlite_failure& failure);

enum class open_mode : std::uint8_t { create, read_only };

/// One connection. Used by one thread at a time; it may move between threads.
class sqlite_connection {
public:
  sqlite_connection() = default;
  /// `layer` names a file layer of SQLite; null: the default one.
  sqlite_connection(const std::string& path, open_mode mode, const char* layer = nullptr);

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  sqlite3* get() const noexcept { return handle_.get(); }

  /// Runs statements that answer no rows (or whose rows do not matter).
  void execute(const std::string& sql);
  /// How long a statement waits for another connection's lock before it fails.
  void wait_for_locks(std::chrono::milliseconds longest);
  void limit_cache(std::size_t bytes);
  /// Rows changed by the statement that ended last.
  std::int64_t changes() const noexcept;
  bool in_transaction() const noexcept;
  /// Ends an open transaction without effect; never fails.
  void roll_back() noexcept;

private:
  struct closer {
    void operator()(sqlite3* handle) const noexcept;
  };
  std::unique_ptr<sqlite3, closer> handle_;
};

/// One prepared statement, used again and again. Must not outlive its connection.
class sqlite_statement {
public:
  sqlite_statement() = default;
  sqlite_statement(sqlite_connection& connection, std::string_view sql);

  /// Parameters count from 1. Text is not copied: it must live until the statement is reset.
  sqlite_statement& bind(int index, std::int64_t value);
  sqlite_statement& bind(int index, std::string_view value);
  /// As a BLOB; not copied either.
  sqlite_statement& bind_blob(int index, std::string_view value);
  sqlite_statement& bind_null(int index);
  /// NULL for nothing.
  sqlite_statement& bind_optional(int index, std::optional<std::int64_t> value);
  sqlite_statement& bind_optional(int index, const std::optional<std::string>& value);
  sqlite_statement& bind_optional_blob(int index, const std::optional<std::string>& value);

  /// True: there is a row to look at. False: the statement has ended and was reset.
  bool step();
  /// For statements without rows: runs to the end.
  void run();
  void reset() noexcept;

  /// Columns count from 0; the view lives until the next step or reset.
  std::int64_t integer(int column) const noexcept;
  std::string_view text(int column) const noexcept;
  /// The bytes of a BLOB.
  std::string_view blob(int column) const noexcept;
  /// The same; nothing for NULL.
  std::optional<std::string_view> optional_blob(int column) const noexcept;
  bool is_blob(int column) const noexcept;
  bool is_null(int column) const noexcept;

private:
  struct finalizer {
    void operator()(sqlite3_stmt* handle) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

/// Resets a statement at the end of a block: an open read would otherwise hold its snapshot, and
/// the write-ahead log could never start over.
class reset_at_end {
public:
  explicit reset_at_end(sqlite_statement& statement) noexcept : statement_(statement) {}
  ~reset_at_end() { statement_.reset(); }
  reset_at_end(const reset_at_end&) = delete;
  reset_at_end& operator=(const reset_at_end&) = delete;

private:
  sqlite_statement& statement_;
};

} // namespace lapwing
