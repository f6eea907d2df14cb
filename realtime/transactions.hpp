// A stream of pgoutput messages becomes the row changes of committed transactions, in commit order.
//
// An ordinary transaction is handed on in parts while it arrives, so it may be of any size. A
// streamed one (protocol 2) is not known to commit before its end and has to be kept: beyond a
// bound its changes are dropped and it is handed on as `lost`, so that nobody believes to have seen
// all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "realtime/pgoutput.hpp"

namespace lapwing::realtime {

struct table_column {
  std::string name;
  std::string type; ///< `typname`; "unknown" when nobody told it.
  bool key = false; ///< Part of the replica identity.
};

/// A table as it was when a change was made: a later ALTER gives a new one.
struct table {
  std::uint32_t id = 0;
  std::string schema;
  std::string name;
  char replica_identity = 'd';
  std::vector<table_column> columns;

  /// Index of the column, or npos.
  std::size_t find(std::string_view column) const noexcept;
  static constexpr std::size_t npos = ~std::size_t{0};
};
using table_ptr = std::shared_ptr<const table>;

enum class change_kind : std::uint8_t { insert, update, remove, truncate };

struct row_change {
  change_kind kind = change_kind::insert;
  table_ptr of;
  /// Insert and update: a cell for each column; unchanged ones filled in from `old` when that has
  /// them.
  tuple row;
  tuple old; ///< Remove always, update sometimes: a cell for each column, null where not sent.
  bool old_is_key = false; ///< Only the replica identity's columns of `old` mean anything.
};

struct transaction_part {
  std::vector<row_change> changes;
  std::uint32_t xid = 0; ///< The same in all parts of a transaction.
  timestamp time{};   ///< Of the commit.
  lsn commit_lsn = 0; ///< Of the transaction; the same in all its parts.
  lsn end_lsn = 0;    ///< In the last part: acknowledging this lets PostgreSQL forget it.
  bool last = false;
  bool lost = false; ///< It was too large to keep: its changes are missing.
};

struct transaction_limits {
  std::size_t part_changes = 1000;
  std::size_t streamed_bytes = 64UL << 20; ///< Kept of all streamed transactions together.
};

class transaction_assembler {
public:
  explicit transaction_assembler(transaction_limits limits = {}) noexcept : limits_(limits) {}

  /// Takes one message; finished parts are appended to `out`. errc::protocol_error: the stream
  /// makes no sense (a broken message, a row of an unknown table, a commit without a begin): give up the
  /// connection and begin again with a new assembler.
  result<void> take(std::string_view message, std::vector<transaction_part>& out);

  /// Between a begin and its commit, or in a streamed block: nothing may be acknowledged past it.
  bool inside() const noexcept { return open_ || streaming_ != 0; }
  /// Streamed transactions that have not ended.
  std::size_t pending() const noexcept { return streamed_.size(); }

private:
  struct streamed {
    std::vector<std::pair<std::uint32_t, row_change>> changes; ///< With their subtransactions.
    std::size_t bytes = 0;
    bool lost = false;
  };

  result<void> take_relation(pgoutput::relation& made);
  result<void> add(std::uint32_t xid, row_change change, std::vector<transaction_part>& out);
  result<row_change> change_of(change_kind kind, std::uint32_t relation);
  void end_part(std::vector<transaction_part>& out, bool last, lsn end_lsn);
  void finish_streamed(const pgoutput::stream_commit& end, std::vector<transaction_part>& out);
  void drop_streamed(const pgoutput::stream_abort& end);

  transaction_limits limits_;
  std::unordered_map<std::uint32_t, table_ptr> tables_;
  std::unordered_map<std::uint32_t, std::string> types_;
  bool open_ = false;
  transaction_part current_;
  std::uint32_t streaming_ = 0; ///< The transaction of the open block.
  std::map<std::uint32_t, streamed> streamed_;
  std::size_t streamed_bytes_ = 0;
};

} // namespace lapwing::realtime
