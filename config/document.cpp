#include "config/document.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/keys.hpp"
#include "config/values.hpp"

namespace lapwing {
namespace {

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

/// The value as it stands in a TOML file. Defaults need no escaping beyond quotes.
std::string toml_text(const value_ref& value) {
  return std::visit(
      overloaded{
          [](std::string* text) { return fmt::format("\"{}\"", *text); },
          [](std::vector<std::string>* items) {
            return items->empty() ? std::string{"[]"}
                                  : fmt::format("[\"{}\"]", fmt::join(*items, "\", \""));
          },
          [](bool* on) { return std::string{*on ? "true" : "false"}; },
          [](std::uint64_t* number) { return std::to_string(*number); },
          [](milliseconds* time) { return fmt::format("\"{}\"", format_duration(*time)); },
      },
      value);
}

/// Lines of a TOML file that start with `mark`, wrapped at 100 columns.
std::string comment(const std::string& text, std::string_view mark = "#") {
  const std::size_t columns_max = 100 - mark.size() - 1;
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto end = rest.size();
    if (end > columns_max)
      if (end = rest.rfind(' ', columns_max); end == rest.npos)
        end = rest.size();
    out += fmt::format("{} {}\n", mark, rest.substr(0, end));
    rest.remove_prefix(end == rest.size() ? end : end + 1);
  }
  return out;
}

std::string upper_first(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

/// What a key takes, and the further facts about it, as sentences.
std::string facts(const key_info& key, const value_ref& value) {
  std::string out;
  const bool any_text = !key.rule && key.choices.empty() && !key.needed
                        && (std::holds_alternative<std::string*>(value)
                            || std::holds_alternative<std::vector<std::string>*>(value));
  if (!any_text && !std::holds_alternative<bool*>(value))
    out += " " + upper_first(allowed_text(key, value)) + ".";
  if (key.bytes)
    if (auto* bytes = std::get<std::uint64_t*>(value); *bytes >= 1024)
      out += fmt::format(" Default {}.", format_size(*bytes));
  if (key.secret)
    out += " Secret: file:/path reads it from there.";
  if (!key.seed_name.empty())
    out += fmt::format(" Also {} in the environment.", key.seed_name);
  if (key.reload)
    out += " SIGHUP changes it.";
  return out;
}

constexpr std::string_view sample_head =
    R"(# Every setting of Lapwing with its default. Delete what you do not change; a later release may
# choose better defaults.
#
# Each key can also come from the environment as LAPWING_SECTION__KEY, such as
# LAPWING_LIMITS__API_REQUESTS=200 or LAPWING_WEBHOOKS__GMAIL__AUDIENCE=...; lists are comma
# separated there. The environment wins over this file, the command line over both.
#
# Durations are text with a unit: "250ms", "30s", "15m", "1h", "30d". Sizes are bytes, as an integer
# or as "256KiB", "1MiB", "1GiB". `lapwing check-config FILE` shows every mistake at once.
)";

constexpr std::string_view sample_custom = R"(
# Any further platform that signs its deliveries: POST /api/webhooks/NAME/{userId}. One table each;
# take away the single marks and put your own name.
# [webhooks.custom.shop]
)";

constexpr std::string_view markdown_head = R"(# Configuration

<!-- Made from the table in config/keys.cpp: `lapwing check-config --print-docs`. Do not edit. -->

`lapwing node --config lapwing.toml` reads one TOML file.
[`config/lapwing.toml`](../config/lapwing.toml) is a complete one with every default; a file of
your own needs only what differs. Without a file the defaults and the environment decide. `lapwing
check-config FILE` shows every mistake at once, with line, column and what is allowed; a node
refuses to start with any.

## Where values come from

Later ones win:

1. the defaults below,
2. the file,
3. the variables of the customer's programs (`GITHUB_WEBHOOK_SECRET`, ...; empty ones are ignored),
4. `LAPWING_SECTION__KEY`, such as `LAPWING_LIMITS__API_REQUESTS` or `LAPWING_WEBHOOKS__GMAIL__AUDIENCE`,
5. the command line.

An unknown key, an unknown `LAPWING_...__...` variable, a wrong type and a value out of range are
errors.

## How values are written

* **Durations** are text with a unit: `"250ms"`, `"30s"`, `"15m"`, `"1h"`, `"30d"`.
* **Sizes** are bytes: an integer, or text such as `"256KiB"`, `"1MiB"`, `"1GiB"`.
* **Lists** are TOML arrays of text; comma separated in the environment.
* **Switches** are `true` or `false`; `1` and `0` too in the environment.
* **Secrets** can be given as `file:/absolute/path`: the file is read at start and on SIGHUP, one
  newline at its end is dropped. No secret is ever logged or shown, not even a wrong one.

## Development identity

`auth.mode = "dev"` (or `lapwing node --dev`) believes every `userId`. A node refuses to start in
it unless every listener is on loopback. It changes two defaults: `webhooks.accept_unknown_users`
is true, and `http.cors_origins` also holds `http://localhost:8086` and `http://localhost:5173`.

## SIGHUP

A node reads its configuration again on SIGHUP. Keys marked *reload* change at once, without
dropping a connection; the others keep their value, and the log names those that need a restart. A
configuration with a mistake changes nothing. Switching TLS on or off needs a restart; new
certificate files do not.
)";

std::string row(const key_info& key, const value_ref& value, std::string_view environment) {
  // A pipe would end the table's cell.
  const auto cell = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2)
      text.insert(at, 1, '\\');
    return text;
  };
  std::string notes;
  const auto note = [&](std::string_view text) {
    notes += notes.empty() ? text : fmt::format(", {}", text);
  };
  if (key.secret)
    note("secret");
  if (key.reload)
    note("reload");
  auto variables = fmt::format("`{}`", environment);
  if (!key.seed_name.empty())
    variables += fmt::format(" `{}`", key.seed_name);
  return fmt::format("| `{}` | `{}` | {} | {} | {} | {} |\n", name_of(key.path), toml_text(value),
                     cell(std::string{key.doc}), cell(allowed_text(key, value)), notes, variables);
}

constexpr std::string_view table_head = "| key | default | meaning | allowed | | environment |\n"
                                        "| --- | --- | --- | --- | --- | --- |\n";

} // namespace

std::string sample_toml() {
  std::string out{sample_head};
  config defaults;
  for (const auto& section : config_sections()) {
    out += '\n';
    if (!section.doc.empty())
      out += comment(std::string{section.doc});
    out += fmt::format("[{}]\n", section.path);
    for (const auto& key : config_keys()) {
      if (section_of(key.path) != section.path)
        continue;
      const auto value = key.member(defaults);
      out += comment(std::string{key.doc} + facts(key, value));
      out += fmt::format("{} = {}\n", name_of(key.path), toml_text(value));
    }
  }
  out += sample_custom;
  webhook_scheme_config scheme;
  for (const auto& key : custom_keys()) {
    const auto value = key.member(scheme);
    out += comment(std::string{key.doc} + facts(key, value), "##");
    out += fmt::format("# {} = {}\n", key.path, toml_text(value));
  }
  return out;
}

std::string configuration_markdown() {
  std::string out{markdown_head};
  config defaults;
  for (const auto& section : config_sections()) {
    out += fmt::format("\n## [{}]\n\n", section.path);
    if (!section.doc.empty())
      out += fmt::format("{}\n\n", section.doc);
    out += table_head;
    for (const auto& key : config_keys())
      if (section_of(key.path) == section.path)
        out += row(key, key.member(defaults), environment_name(key.path));
  }
  out +=
      "\n## [webhooks.custom.NAME]\n\nAny further platform that signs its deliveries, served at "
      "`POST /api/webhooks/NAME/{userId}`. A name\nhas at most 32 small letters, digits, `-` and "
      "`_`; in the environment it is written in capitals with\n`_` for `-`.\n\n";
  out += table_head;
  webhook_scheme_config scheme;
  for (const auto& key : custom_keys())
    out += row(key, key.member(scheme),
               fmt::format("LAPWING_WEBHOOKS__CUSTOM__NAME__{}",
                           environment_name(key.path).substr(std::string_view{"LAPWING_"}.size())));
  return out;
}

} // namespace lapwing
