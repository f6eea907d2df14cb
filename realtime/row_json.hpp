// A changed row as the JSON that Supabase's clients expect: the `data` of a `postgres_changes`
// message.
//
// Values are what PostgreSQL's to_jsonb() makes of them: numbers, booleans, JSON and arrays as
// such, everything else as text. NaN and the infinities, which JSON cannot write as numbers, are
// texts.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/transactions.hpp"

namespace lapwing::realtime {

/// Appends one value of a type (`typname`) given in PostgreSQL's text form.
void append_value_json(std::string& out, std::string_view type, const cell& value);

/// What a client is shown of a change.
struct change_view {
  /// By column: may this client see it? Empty: all of them.
  std::vector<bool> shown;
  /// Columns that make up the primary key. Of a remove only these are shown when `old_key_only`.
  std::vector<bool> primary_key;
  bool old_key_only = false;
};

/// A row that is larger than this is sent with its small values only.
inline constexpr std::size_t row_bytes_max = 1024 * 1024;
inline constexpr std::size_t small_value_bytes = 64;

/// `{"schema":...,"table":...,"type":"INSERT","commit_timestamp":...,"columns":[...],
/// "record":{...},"errors":null}`, for insert, update and remove. `current`: the record's values as
/// JSON, by column, instead of the change's own; empty: those.
std::string change_json(const row_change& change, timestamp committed, const change_view& view,
                        std::span<const std::string_view> current = {});

/// A change whose content this client may not have: schema, table and type, and why
/// ("Error 401: Unauthorized").
std::string refused_change_json(const row_change& change, std::string_view why);

} // namespace lapwing::realtime
