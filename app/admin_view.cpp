#include "app/admin_view.hpp"

#include <array>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/text_table.hpp"

namespace lapwing {
namespace {

using json = nlohmann::json;

enum class field_kind { text, number, age };

struct field {
  const char* title;
  const char* name; ///< In the JSON object.
  field_kind kind = field_kind::text;
};

constexpr auto number = field_kind::number;
constexpr auto age = field_kind::age;

/// A view that is one array of objects.
struct list_view {
  std::string_view view;
  const char* array;
  const char* nothing; ///< Said when the array is empty.
  std::vector<field> fields;
};

const std::vector<field>& session_fields() {
  static const std::vector<field> fields{{"session", "id"},
                                         {"transport", "transport"},
                                         {"peer", "peer"},
                                         {"state", "state"},
                                         {"cursor", "cursor"},
                                         {"queued", "queuedBytes", number},
                                         {"connected", "connectedSeconds", age},
                                         {"rooms", "rooms"}};
  return fields;
}

const std::vector<field>& platform_fields() {
  static const std::vector<field> fields{{"platform", "platform"},
                                         {"state", "state"},
                                         {"method", "method"},
                                         {"last webhook", "lastWebhook"},
                                         {"deliveries", "deliveries", number},
                                         {"duplicates", "duplicates", number},
                                         {"last error", "lastError"}};
  return fields;
}

const std::vector<list_view>& list_views() {
  static const std::vector<list_view> views = [] {
    std::vector<field> sessions{{"user", "user"}};
    sessions.insert(sessions.end(), session_fields().begin(), session_fields().end());
    return std::vector<list_view>{
        {"nodes",
         "nodes",
         "no nodes",
         {{"node", "id"},
          {"address", "address"},
          {"version", "version"},
          {"up", "uptimeSeconds", age},
          {"threads", "threads", number},
          {"users", "users", number},
          {"sessions", "sessions", number},
          {"rooms", "rooms", number},
          {"ready", "ready"}}},
        {"users",
         "users",
         "no active users",
         {{"user", "user"},
          {"sessions", "sessions", number},
          {"newest", "newest", number},
          {"platforms", "platforms"},
          {"home", "home", number}}},
        {"sessions", "sessions", "no open streams", std::move(sessions)},
        {"actors",
         "kinds",
         "no actors",
         {{"kind", "kind"},
          {"actors", "count", number},
          {"mailbox", "mailbox", number},
          {"longest", "mailboxMax", number},
          {"processed", "processed", number},
          {"busy ms", "busyMs", number}}},
        {"top",
         "actors",
         "no actors",
         {{"actor", "id"},
          {"kind", "kind"},
          {"label", "label"},
          {"mailbox", "mailbox", number},
          {"processed", "processed", number},
          {"busy ms", "busyMs", number},
          {"home", "home", number}}},
        {"rooms",
         "rooms",
         "no rooms with members",
         {{"room", "room"}, {"members", "members", number}, {"newest", "newest", number}}},
    };
  }();
  return views;
}

/// Any JSON value as one cell.
std::string cell(const json& value, field_kind kind = field_kind::text) {
  if (kind == field_kind::age && value.is_number_unsigned())
    return format_age(value.get<std::uint64_t>());
  switch (value.type()) {
    case json::value_t::null: return "-";
    case json::value_t::string: {
      auto text = value.get<std::string>();
      return text.empty() ? "-" : text;
    }
    case json::value_t::boolean: return value.get<bool>() ? "yes" : "no";
    case json::value_t::number_float: return fmt::format("{:.1f}", value.get<double>());
    case json::value_t::array: {
      std::string out;
      for (const auto& item : value)
        out += (out.empty() ? "" : ",") + cell(item);
      return out.empty() ? "-" : out;
    }
    default: return value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

std::string cell_of(const json& object, const char* name, field_kind kind = field_kind::text) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? "-" : cell(*found, kind);
}

/// The array `name` of `object`, or an empty one.
const json& array_of(const json& object, const char* name) {
  static const json none = json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : none;
}

text_table make_table(const std::vector<field>& fields, const json& rows) {
  std::vector<std::string> titles;
  for (const auto& each : fields)
    titles.emplace_back(each.title);
  text_table table{std::move(titles)};
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].kind != field_kind::text)
      table.align_column(i, text_table::align::right);
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& each : fields)
      cells.push_back(cell_of(row, each.name, each.kind));
    table.add(std::move(cells));
  }
  return table;
}

std::string render_list(const list_view& view, const json& answer) {
  const auto table = make_table(view.fields, array_of(answer, view.array));
  std::string out = table.empty() ? fmt::format("{}\n", view.nothing) : table.render();
  if (cell_of(answer, "truncated") == "yes")
    out += "... and more; --json shows the same part\n";
  return out;
}

/// One user's tree: the user, the supervisor, then platforms and sessions.
std::string render_user(const json& answer) {
  const auto part = [&](const char* name) {
    const auto found = answer.find(name);
    return found == answer.end() ? json::object() : *found;
  };
  const auto log = part("log");
  const auto supervisor = part("supervisor");
  text_table head{{"", ""}};
  head.add({"user", cell_of(answer, "user")});
  head.add({"home thread", cell_of(answer, "home")});
  head.add({"log", fmt::format("newest {}, trimmed up to {}", cell_of(log, "newest"),
                               cell_of(log, "trimmed"))});
  head.add({"supervisor",
            fmt::format("mailbox {}, processed {}, busy {} ms", cell_of(supervisor, "mailbox"),
                        cell_of(supervisor, "processed"), cell_of(supervisor, "busyMs"))});
  auto out = head.render();
  const auto add_block = [&](const std::vector<field>& fields, const char* name,
                             std::string_view nothing) {
    const auto table = make_table(fields, array_of(answer, name));
    out += '\n';
    out += table.empty() ? fmt::format("{}\n", nothing) : table.render();
  };
  add_block(platform_fields(), "platforms", "no active platforms");
  add_block(session_fields(), "sessions", "no open streams");
  return out;
}

/// The outbox: how it stands, then what was given up.
std::string render_mails(const json& answer) {
  static const std::vector<field> fields{{"mail", "id", number},
                                         {"user", "user"},
                                         {"attempts", "attempts", number},
                                         {"cause", "cause"},
                                         {"created", "created"},
                                         {"given up", "ended"}};
  const auto trouble = cell_of(answer, "trouble");
  auto out = printable(fmt::format("waiting {}, under way {}, dead {}{}",
                                   cell_of(answer, "waiting"), cell_of(answer, "underWay"),
                                   cell_of(answer, "dead"),
                                   trouble == "-" ? "" : ", trouble: " + trouble))
             + '\n';
  const auto table = make_table(fields, array_of(answer, "letters"));
  out += table.empty() ? "no dead letters\n" : table.render();
  if (cell_of(answer, "truncated") == "yes")
    out += "... and more\n";
  return out;
}

/// What a command answered, without `ok`: "level debug".
std::string render_done(const json& answer) {
  std::string out = "done";
  for (const auto& [name, value] : answer.items())
    if (name != "ok")
      out += fmt::format(", {} {}", printable(name), printable(cell(value)));
  return out + '\n';
}

} // namespace

std::optional<std::string> render_admin(std::string_view view, std::string_view text) {
  const auto answer = json::parse(text, nullptr, false);
  if (!answer.is_object())
    return {};
  for (const auto& list : list_views())
    if (list.view == view)
      return render_list(list, answer);
  if (view == "mails")
    return render_mails(answer);
  return view == "user" ? render_user(answer) : render_done(answer);
}

std::string problem_text(std::string_view text) {
  const auto answer = json::parse(text, nullptr, false);
  if (!answer.is_object() || !answer.contains("code"))
    return {};
  const auto detail = cell_of(answer, "detail");
  return printable(cell_of(answer, "code") + (detail == "-" ? "" : ": " + detail));
}

std::string format_age(std::uint64_t seconds) {
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  if (minutes == 0)
    return fmt::format("{}s", seconds);
  if (hours == 0)
    return fmt::format("{}m {}s", minutes, seconds % 60);
  if (hours < 24)
    return fmt::format("{}h {}m", hours, minutes % 60);
  return fmt::format("{}d {}h", hours / 24, hours % 24);
}

} // namespace lapwing
