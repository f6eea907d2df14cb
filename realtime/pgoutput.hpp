// PostgreSQL's logical replication messages (pgoutput, protocol versions 1 and 2; PostgreSQL 15
// manual, 55.9 "Logical Replication Message Formats"): bytes in, one message out. What a message
// means in its transaction is transactions.hpp's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"

namespace lapwing::realtime {

/// A place in PostgreSQL's log.
using lsn = std::uint64_t;

/// "16/B374D848", PostgreSQL's way to write it.
std::string to_text(lsn place);
std::optional<lsn> parse_lsn(std::string_view text);

enum class cell_kind : std::uint8_t {
  null,
  unchanged, ///< A TOASTed value that the update did not touch: it is not sent.
  text,
  binary,
};

struct cell {
  cell_kind kind = cell_kind::null;
  std::string value; ///< In PostgreSQL's text form for `text`.

  friend bool operator==(const cell&, const cell&) = default;
};
using tuple = std::vector<cell>;

namespace pgoutput {

struct begin {
  lsn final_lsn = 0;
  std::int64_t time_us = 0; ///< Since 1970-01-01 UTC.
  std::uint32_t xid = 0;
};
struct commit {
  lsn commit_lsn = 0;
  lsn end_lsn = 0;
  std::int64_t time_us = 0;
};
struct origin {
  lsn commit_lsn = 0;
  std::string name;
};
struct relation_column {
  bool key = false; ///< Part of the replica identity.
  std::string name;
  std::uint32_t type = 0;
  std::int32_t modifier = 0;
};
struct relation {
  std::uint32_t id = 0;
  std::string schema;
  std::string name;
  char replica_identity = 'd'; ///< d default, n nothing, f full, i index.
  std::vector<relation_column> columns;
};
struct type {
  std::uint32_t id = 0;
  std::string schema;
  std::string name;
};
struct insert {
  std::uint32_t relation = 0;
  tuple row;
};
struct update {
  std::uint32_t relation = 0;
  /// Its key when that changed, or the whole old row (replica identity full).
  std::optional<tuple> old;
  bool old_is_key = false;
  tuple row;
};
struct remove {
  std::uint32_t relation = 0;
  tuple old;
  bool old_is_key = false;
};
struct truncate {
  std::vector<std::uint32_t> relations;
  bool cascade = false;
  bool restart_identity = false;
};
struct message { ///< pg_logical_emit_message().
  bool transactional = false;
  lsn place = 0;
  std::string prefix;
  std::string content;
};
struct stream_start {
  std::uint32_t xid = 0;
  bool first_segment = false;
};
struct stream_stop {};
struct stream_commit {
  std::uint32_t xid = 0;
  commit how;
};
struct stream_abort {
  std::uint32_t xid = 0;
  std::uint32_t subtransaction = 0; ///< The same as `xid` when all of it is gone.
};

using body = std::variant<begin, commit, origin, relation, type, insert, update, remove, truncate,
                          message, stream_start, stream_stop, stream_commit, stream_abort>;

struct decoded {
  std::uint32_t xid = 0; ///< Inside a streamed block: the (sub)transaction; 0 otherwise.
  body what;
};

/// `streamed`: between stream_start and stream_stop. errc::protocol_error for anything that is not
/// exactly one message.
result<decoded> decode(std::string_view bytes, bool streamed);

} // namespace pgoutput
} // namespace lapwing::realtime
