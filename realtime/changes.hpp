// One entry of a join's `postgres_changes`: which changes of which tables a channel wants, and what
// of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/filter.hpp"
#include "realtime/transactions.hpp"

namespace lapwing::realtime {

struct change_entry {
  std::string text;          ///< As the client sent it: a JSON object on one line.
  std::uint32_t id = 0;      ///< 1 to 2^27: equal entries have the same.
  std::string event = "*";   ///< INSERT, UPDATE, DELETE or *.
  std::string schema;        ///< "*": all.
  std::string table;         ///< "*": all.
  row_filter filter;
  std::optional<std::vector<std::string>> select; ///< Only these columns, and the primary key.
  std::string problem; ///< Not empty: the entry is no use, and this is what the client is told.

  bool wants(change_kind kind, const realtime::table& of) const noexcept;
  bool wants(const row_change& change) const noexcept { return wants(change.kind, *change.of); }
  /// The original's way to name an entry in its messages: "event: *, schema: public, ...".
  std::string described() const;
};

/// Reads one entry; `json` is a valid JSON object. Never fails: see `problem`.
change_entry read_change_entry(std::string_view json);

/// Sets the ids of the entries of one channel. Different entries never share one.
void number_entries(std::vector<change_entry>& entries);

/// The sentence for a client whose entry names no live table.
std::string no_such_table(const change_entry& entry);
/// The same for a filter or a selection that does not fit the table; `why` is PostgreSQL's word.
std::string unfit_entry(const change_entry& entry, std::string_view why);

} // namespace lapwing::realtime
