// What PostgreSQL answered instead of doing what it was asked, whichever client library asked. It
// never leaves storage/: each job's worker turns it into an `error` (GUIDE 5).
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace lapwing::postgres {

enum class fault : std::uint8_t {
  connection, ///< There is none (any more): a fresh one is worth opening.
  database,   ///< It works, but does not do this now: no room, no time, read-only.
  statement,  ///< Only what was asked is at fault: others of the transaction need not suffer.
  fenced,     ///< Another node has taken over from this one.
  two_writers, ///< A number is taken (schema: lapwing_append).
};

class failure : public std::exception {
public:
  /// `server_text` is for the log of the operator; it may name hosts and roles.
  failure(fault what, std::string sqlstate, std::string server_text, bool in_doubt = false)
      : kind_(what), in_doubt_(in_doubt), sqlstate_(std::move(sqlstate)),
        server_text_(std::move(server_text)) {}

  fault kind() const noexcept { return kind_; }
  /// The transaction may have been committed all the same.
  bool in_doubt() const noexcept { return in_doubt_; }
  /// Five characters; empty when the server said nothing.
  const std::string& sqlstate() const noexcept { return sqlstate_; }
  const char* what() const noexcept override { return server_text_.c_str(); }

private:
  fault kind_;
  bool in_doubt_;
  std::string sqlstate_;
  std::string server_text_;
};

/// What a SQLSTATE means for us (PostgreSQL manual, appendix A).
fault fault_of(std::string_view sqlstate) noexcept;

/// store_unavailable for failures of the database, internal for a statement's own. The text names no
/// host, role, table or value.
error to_error(const failure& failure);

/// To be called in a catch block: what libpqxx threw, as a failure. `is_open`: the connection still
/// stands. Rethrows what is none of libpqxx's.
failure current_failure(bool is_open);

} // namespace lapwing::postgres
