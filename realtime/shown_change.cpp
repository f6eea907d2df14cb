#include "realtime/shown_change.hpp"

#include <algorithm>

#include "core/json_text.hpp"
#include "realtime/json_slices.hpp"
#include "realtime/row_json.hpp"

namespace lapwing::realtime {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

std::string row_key(const row_change& change, const table_rules& rules) {
  const auto& row = change.kind == change_kind::remove ? change.old : change.row;
  std::string out = "{";
  for (const auto& name : rules.primary_key) {
    auto at = change.of->find(name);
    if (at == table::npos || at >= row.size() || row[at].kind != cell_kind::text)
      return {};
    if (out.size() > 1)
      out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, row[at].value);
  }
  return rules.primary_key.empty() ? std::string{} : out + '}';
}

std::optional<std::string> shown_change(const row_change& change, timestamp committed,
                                        const table_rules& rules, const sight& may, bool seen,
                                        const std::optional<std::vector<std::string>>& select) {
  if (rules.primary_key.empty())
    return refused_change_json(change, "Error 400: Bad Request, no primary key");
  if (may.forbidden)
    return change.kind == change_kind::remove
             ? std::nullopt
             : std::optional{refused_change_json(change, "Error 401: Unauthorized")};
  const bool removed = change.kind == change_kind::remove;
  if (rules.row_security && (removed ? !may.old_shown && !seen : may.record.empty()))
    return std::nullopt;
  auto is_key = [&](std::string_view name) { return contains(rules.primary_key, name); };
  change_view view;
  for (const auto& column : change.of->columns) {
    view.primary_key.push_back(is_key(column.name));
    view.shown.push_back(may.readable && contains(*may.readable, column.name)
                         && (!select || contains(*select, column.name) || is_key(column.name)));
  }
  view.old_key_only = rules.row_security;
  if (removed)
    return change_json(change, committed, view, {});
  if (!rules.row_security)
    return change_json(change, committed, view, {});
  // The row as it is now, not as it was: the reader's right to it is that of now.
  std::vector<std::string_view> current;
  for (const auto& column : change.of->columns)
    current.push_back(json_member(may.record, column.name).value_or("null"));
  if (change.old.empty() || change.old_is_key || may.old_shown)
    return change_json(change, committed, view, current);
  // It was not to see the old row: the old key is all that is told of it.
  row_change cautious = change;
  for (std::size_t i = 0; i < cautious.old.size(); ++i)
    if (!view.primary_key[i])
      cautious.old[i] = {cell_kind::unchanged, {}};
  return change_json(cautious, committed, view, current);
}

} // namespace lapwing::realtime
