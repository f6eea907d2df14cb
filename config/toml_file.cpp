#include "config/toml_file.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/values.hpp"

namespace lapwing {
namespace {

text_position position(const toml::source_position& at) {
  return {static_cast<std::uint32_t>(at.line), static_cast<std::uint32_t>(at.column)};
}

toml_table read_table(const toml::table& table);

toml_value read_array(const toml::array& array) {
  std::vector<std::string> items;
  for (const auto& item : array) {
    const auto* text = item.as_string();
    if (!text)
      return toml_other{"a list of something other than text"};
    items.push_back(text->get());
  }
  return items;
}

toml_value read_value(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return node.as_string()->get();
    case toml::node_type::integer: return node.as_integer()->get();
    case toml::node_type::floating_point: return node.as_floating_point()->get();
    case toml::node_type::boolean: return node.as_boolean()->get();
    case toml::node_type::array: return read_array(*node.as_array());
    case toml::node_type::table: return read_table(*node.as_table());
    default: return toml_other{"a date or time"};
  }
}

toml_table read_table(const toml::table& table) {
  toml_table out;
  for (const auto& [key, node] : table)
    out.push_back({std::string{key.str()}, position(key.source().begin),
                   position(node.source().begin), read_value(node)});
  // toml++ sorts by name; people read from top to bottom.
  std::ranges::stable_sort(out, [](const toml_entry& a, const toml_entry& b) {
    return std::pair{a.name_at.line, a.name_at.column}
           < std::pair{b.name_at.line, b.name_at.column};
  });
  return out;
}

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

} // namespace

toml_outcome parse_toml(std::string_view text) {
  try {
    return read_table(toml::parse(text));
  } catch (const toml::parse_error& failure) {
    return toml_failure{position(failure.source().begin), std::string{failure.description()}};
  } catch (const std::exception& failure) {
    return toml_failure{{}, failure.what()};
  }
}

std::string describe(const toml_value& value) {
  return std::visit(overloaded{
                        [](const std::string& text) { return quoted(text); },
                        [](std::int64_t number) { return fmt::format("the integer {}", number); },
                        [](bool on) { return std::string{on ? "true" : "false"}; },
                        [](double number) { return fmt::format("the number {}", number); },
                        [](const std::vector<std::string>& items) {
                          return fmt::format("a list of {} items", items.size());
                        },
                        [](const toml_table&) { return std::string{"a table"}; },
                        [](const toml_other& other) { return std::string{other.name}; },
                    },
                    value);
}

} // namespace lapwing
