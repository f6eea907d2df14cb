#include "realtime/changes.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"

namespace lapwing::realtime {
namespace {

using json = nlohmann::json;

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 32);
  return text;
}

const std::string* text_of(const json& entry, const char* name) {
  auto found = entry.find(name);
  bool there = found != entry.end() && found->is_string();
  return there ? found->get_ptr<const std::string*>() : nullptr;
}

/// Absent and null are the same: clients write null for what is not there.
bool has(const json& entry, const char* name) {
  auto found = entry.find(name);
  return found != entry.end() && !found->is_null();
}

void read_select(const json& entry, change_entry& made) {
  auto found = entry.find("select");
  if (found == entry.end())
    return;
  if (found->is_string()) {
    made.problem = "Error parsing `select` params: expected a list of column name strings, "
                   "e.g. select: [\"col1\", \"col2\"]";
    return;
  }
  if (!found->is_array())
    return;
  std::vector<std::string> columns;
  for (const auto& column : *found)
    if (column.is_string())
      columns.push_back(column.get<std::string>());
  if (!columns.empty())
    made.select = std::move(columns);
}

constexpr std::string_view nothing_asked
  = "No subscription params provided. Please provide at least a `schema` or `table` to subscribe "
    "to: ";

} // namespace

change_entry read_change_entry(std::string_view text) {
  change_entry made;
  append_json_on_one_line(made.text, text);
  auto entry = json::parse(text, nullptr, false);
  if (!entry.is_object()) {
    made.problem = std::string{nothing_asked} + made.text;
    return made;
  }
  if (auto* event = text_of(entry, "event")) {
    auto name = upper(*event);
    if (name == "INSERT" || name == "UPDATE" || name == "DELETE")
      made.event = std::move(name);
  }
  auto* schema = text_of(entry, "schema");
  auto* table = text_of(entry, "table");
  auto* filter = text_of(entry, "filter");
  bool broken = (has(entry, "schema") && !schema) || (has(entry, "table") && !table)
                || (has(entry, "filter") && !filter) || (filter && !(schema && table));
  if (broken || (!schema && !table)) {
    bool secret = entry.contains("user_token") || entry.contains("auth_token");
    made.problem = std::string{nothing_asked} + (secret ? "<redacted>" : made.text);
    return made;
  }
  made.schema = schema ? *schema : "public";
  made.table = table ? *table : "*";
  read_select(entry, made);
  if (made.problem.empty() && filter) {
    if (auto parsed = parse_filter(*filter))
      made.filter = std::move(*parsed);
    else
      made.problem = parsed.error().detail;
  }
  if (made.problem.empty() && made.select && (made.schema == "*" || made.table == "*"))
    made.problem = "Column selection is not supported for wildcard subscriptions. "
                   "Provide an explicit schema and table name.";
  return made;
}

bool change_entry::wants(change_kind kind, const realtime::table& of) const noexcept {
  std::string_view name = kind == change_kind::insert   ? "INSERT"
                          : kind == change_kind::update ? "UPDATE"
                          : kind == change_kind::remove ? "DELETE"
                                                        : "";
  if (name.empty() || !problem.empty())
    return false;
  return (event == "*" || event == name) && (schema == "*" || schema == of.schema)
         && (table == "*" || table == of.name);
}

std::string change_entry::described() const {
  std::string out = "event: " + event + ", schema: " + schema + ", table: " + table
                    + ", filters: [";
  for (const auto& one : filter) {
    out += &one == filter.data() ? "{" : ", {";
    append_json_string(out, one.column);
    out += ", \"";
    out += to_string_view(one.op);
    out += "\", ";
    append_json_string(out, one.value);
    out += one.negated ? ", true}" : ", false}";
  }
  out += "], select: ";
  if (!select)
    return out + "nil";
  out += '[';
  for (const auto& column : *select) {
    if (&column != select->data())
      out += ", ";
    append_json_string(out, column);
  }
  return out + ']';
}

void number_entries(std::vector<change_entry>& entries) {
  constexpr std::uint32_t ids = 1U << 27U;
  std::vector<std::pair<std::uint32_t, std::string>> taken;
  for (auto& entry : entries) {
    // Sorted by key, so that the order of members does not matter.
    auto value = json::parse(entry.text, nullptr, false);
    auto canonical = value.dump(-1, ' ', false, json::error_handler_t::replace);
    std::uint64_t hash = 14'695'981'039'346'656'037ULL; // FNV-1a
    for (unsigned char c : canonical)
      hash = (hash ^ c) * 1'099'511'628'211ULL;
    entry.id = static_cast<std::uint32_t>((hash ^ hash >> 32) % ids) + 1;
    auto other = [&](const auto& one) { return one.first == entry.id && one.second != canonical; };
    while (std::any_of(taken.begin(), taken.end(), other))
      entry.id = entry.id % ids + 1;
    taken.emplace_back(entry.id, std::move(canonical));
  }
}

std::string no_such_table(const change_entry& entry) {
  return "Unable to subscribe to changes with given parameters. Please check Realtime is enabled "
         "for the given connect parameters: ["
         + entry.described() + ']';
}

std::string unfit_entry(const change_entry& entry, std::string_view why) {
  return "Unable to subscribe to changes with given parameters. An exception happened so please "
         "check your connect parameters: ["
         + entry.described() + "]. Exception: ERROR P0001 (raise_exception) " + std::string{why};
}

} // namespace lapwing::realtime
