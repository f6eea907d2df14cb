#include "realtime/row_json.hpp"

#include <algorithm>
#include <array>

#include <simdjson.h>

#include "core/json_text.hpp"
#include "realtime/array_literal.hpp"
#include "realtime/column_type.hpp"

namespace lapwing::realtime {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// RFC 8259 6.
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  auto digits = [&] {
    auto from = at;
    while (at < text.size() && is_digit(text[at]))
      ++at;
    return at - from;
  };
  if (at < text.size() && text[at] == '-')
    ++at;
  auto first = at;
  auto whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0'))
    return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0)
      return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-'))
      ++at;
    if (digits() == 0)
      return false;
  }
  return at == text.size();
}

/// The database speaks UTF-8 to us, unless it does not know its own encoding (SQL_ASCII).
void append_text_json(std::string& out, std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size()))
    append_json_string(out, text);
  else
    append_json_string(out, repaired_utf8(text));
}

/// "2026-11-21 09:00:00.5+00" -> "2026-11-21T09:00:00.5+00:00", as to_jsonb() writes it.
void append_time_json(std::string& out, std::string_view text, bool zone) {
  auto blank = text.find(' ');
  bool plain = blank != std::string_view::npos && is_digit(text[0])
               && text.find(' ', blank + 1) == std::string_view::npos; // No " BC".
  if (!plain)
    return append_text_json(out, text);
  out += '"';
  out += text.substr(0, blank);
  out += 'T';
  out += text.substr(blank + 1);
  if (zone && text.size() > 3 && (text[text.size() - 3] == '+' || text[text.size() - 3] == '-'))
    out += ":00";
  out += '"';
}

void append_scalar_json(std::string& out, std::string_view type, std::string_view text) {
  switch (kind_of_type(type)) {
    case type_kind::boolean:
      out += text == "t" ? "true" : "false";
      return;
    case type_kind::integer:
    case type_kind::numeric:
    case type_kind::float4:
    case type_kind::float8:
      if (is_json_number(text))
        out += text;
      else
        append_text_json(out, text);
      return;
    case type_kind::json:
    case type_kind::jsonb: return append_json_on_one_line(out, text);
    case type_kind::timestamp: return append_time_json(out, text, false);
    case type_kind::timestamptz: return append_time_json(out, text, true);
    default: return append_text_json(out, text);
  }
}

void append_array_json(std::string& out, std::string_view type, std::string_view text) {
  auto tokens = parse_array_literal(text);
  if (!tokens)
    return append_text_json(out, text);
  type.remove_prefix(1); // "_int4": the type of its elements.
  bool first = true;
  for (const auto& token : *tokens) {
    if (token.is == array_token::what::close) {
      out += ']';
      first = false;
      continue;
    }
    if (!first)
      out += ',';
    first = token.is == array_token::what::open;
    if (token.is == array_token::what::open)
      out += '[';
    else if (token.is == array_token::what::null)
      out += "null";
    else
      append_scalar_json(out, type, token.text);
  }
}

bool shows(const std::vector<bool>& columns, std::size_t index) {
  return columns.empty() || (index < columns.size() && columns[index]);
}

bool is_primary(const change_view& view, std::size_t index) {
  return index < view.primary_key.size() && view.primary_key[index];
}

std::size_t bytes_of(const tuple& row) {
  std::size_t bytes = 0;
  for (const auto& one : row)
    bytes += one.value.size();
  return bytes;
}

/// The same of values that are JSON already.
template <class Wanted>
void append_values(std::string& out, const table& of, std::span<const std::string_view> values,
                   bool small_only, Wanted&& wanted) {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!wanted(i) || (small_only && values[i].size() > small_value_bytes))
      continue;
    if (!first)
      out += ',';
    first = false;
    append_text_json(out, of.columns[i].name);
    out += ':';
    out += values[i];
  }
  out += '}';
}

template <class Wanted>
void append_row(std::string& out, const table& of, const tuple& row, bool small_only,
                Wanted&& wanted) {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const cell& one = row[i];
    if (one.kind == cell_kind::unchanged || !wanted(i)
        || (small_only && one.value.size() > small_value_bytes))
      continue;
    if (!first)
      out += ',';
    first = false;
    append_text_json(out, of.columns[i].name);
    out += ':';
    append_value_json(out, of.columns[i].type, one);
  }
  out += '}';
}

void append_head(std::string& out, const row_change& change) {
  static constexpr std::array<std::string_view, 4> names
    = {"INSERT", "UPDATE", "DELETE", "TRUNCATE"};
  out += "{\"schema\":";
  append_text_json(out, change.of->schema);
  out += ",\"table\":";
  append_text_json(out, change.of->name);
  out += ",\"type\":\"";
  out += names[static_cast<std::size_t>(change.kind)];
  out += '"';
}

} // namespace

void append_value_json(std::string& out, std::string_view type, const cell& value) {
  if (value.kind != cell_kind::text)
    out += "null";
  else if (kind_of_type(type) == type_kind::array)
    append_array_json(out, type, value.value);
  else
    append_scalar_json(out, type, value.value);
}

std::string change_json(const row_change& change, timestamp committed, const change_view& view,
                        std::span<const std::string_view> current) {
  const table& of = *change.of;
  std::size_t row_bytes = bytes_of(change.old);
  for (auto value : current)
    row_bytes += value.size();
  if (current.empty())
    row_bytes += bytes_of(change.row);
  std::string out;
  out.reserve(256 + row_bytes);
  append_head(out, change);
  out += ",\"commit_timestamp\":\"";
  append_rfc3339(out, committed);
  out += "\",\"columns\":[";
  bool first = true;
  for (std::size_t i = 0; i < of.columns.size(); ++i) {
    if (!shows(view.shown, i))
      continue;
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    append_text_json(out, of.columns[i].name);
    out += ",\"type\":";
    append_text_json(out, of.columns[i].type);
    out += '}';
  }
  out += ']';
  bool too_large = row_bytes > row_bytes_max;
  if (change.kind == change_kind::insert || change.kind == change_kind::update) {
    auto shown = [&](std::size_t i) { return shows(view.shown, i); };
    out += ",\"record\":";
    if (current.empty())
      append_row(out, of, change.row, too_large, shown);
    else
      append_values(out, of, current, too_large, shown);
  }
  if (change.kind == change_kind::update || change.kind == change_kind::remove) {
    out += ",\"old_record\":";
    if (change.old.empty()) // An update that left the key alone: the old key is the new one.
      append_row(out, of, change.row, too_large, [&](std::size_t i) {
        return shows(view.shown, i) && (of.columns[i].key || is_primary(view, i));
      });
    else
      append_row(out, of, change.old, too_large, [&](std::size_t i) {
        return shows(view.shown, i) && (!change.old_is_key || of.columns[i].key)
               && (!view.old_key_only || change.kind != change_kind::remove
                   || is_primary(view, i));
      });
  }
  out += too_large ? ",\"errors\":[\"Error 413: Payload Too Large\"]}" : ",\"errors\":null}";
  return out;
}

std::string refused_change_json(const row_change& change, std::string_view why) {
  std::string out;
  append_head(out, change);
  out += ",\"errors\":[";
  append_json_string(out, why);
  out += "]}";
  return out;
}

} // namespace lapwing::realtime
