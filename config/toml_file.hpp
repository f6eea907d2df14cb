// A TOML document as a plain tree with positions, so that one file includes toml++ and no exception
// of the parser gets out of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lapwing {

struct text_position {
  std::uint32_t line = 0; ///< From 1; 0: unknown.
  std::uint32_t column = 0;
};

struct toml_entry;

/// A value of a type that no setting has: "a date", "an array of mixed types", ...
struct toml_other {
  std::string_view name;
};

using toml_table = std::vector<toml_entry>;
using toml_value = std::variant<std::string, std::int64_t, bool, double, std::vector<std::string>,
                                toml_table, toml_other>;

struct toml_entry {
  std::string name;
  text_position name_at;
  text_position value_at;
  toml_value value;
};

struct toml_failure {
  text_position at;
  std::string what; ///< The parser's sentence.
};

using toml_outcome = std::variant<toml_table, toml_failure>;

/// In the order of the file, as far as the parser keeps it.
toml_outcome parse_toml(std::string_view text);

/// "the integer 5", "the text \"abc\"", "a table": what was given, for people.
std::string describe(const toml_value& value);

} // namespace lapwing
