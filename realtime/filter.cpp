#include "realtime/filter.hpp"

#include <algorithm>
#include <array>

#include "core/json_text.hpp"
#include "realtime/array_literal.hpp"
#include "realtime/text_pattern.hpp"
#include "realtime/typed_value.hpp"

namespace lapwing::realtime {
namespace {

constexpr std::array<std::string_view, 13> operator_names
  = {"eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch",
     "isdistinct"};

constexpr std::string_view blanks = " \t\n\r\f\v";

std::string_view trimmed(std::string_view text) {
  auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

error malformed(std::string_view why) {
  return {errc::bad_request, "Error parsing `filter` params: " + std::string{why}};
}

error refused(std::string why) {
  return {errc::bad_request, std::move(why)};
}

/// How the original shows the parts that it could not use: ["foo", "hey"].
std::string listed(std::initializer_list<std::string_view> parts) {
  std::string out = "[";
  for (auto part : parts) {
    if (out.size() > 1)
      out += ", ";
    append_json_string(out, part);
  }
  return out + ']';
}

/// Cuts at commas that stand outside of parentheses and quotes. A quote opens where a value can
/// begin: after a dot, an opening parenthesis or a comma.
std::vector<std::string_view> split_segments(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t from = 0;
  int depth = 0;
  bool quoted = false;
  char before = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"' && (before == '.' || before == '(' || before == ',')) {
      quoted = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      depth = std::max(0, depth - 1);
    } else if (c == ',' && depth == 0) {
      parts.push_back(text.substr(from, i - from));
      from = i + 1;
      before = 0;
      continue;
    }
    before = c;
  }
  parts.push_back(text.substr(from));
  return parts;
}

/// "a\"b" without its quotes; anything that is not wholly one quoted text stays as it is.
std::string unquoted(std::string_view value) {
  if (!value.starts_with('"'))
    return std::string{value};
  std::string out;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == '"')
      return i + 1 == value.size() ? out : std::string{value};
    if (value[i] == '\\' && i + 1 < value.size())
      ++i;
    out += value[i];
  }
  return std::string{value};
}

result<filter_condition> parse_segment(std::string_view segment) {
  segment = trimmed(segment);
  if (segment.empty())
    return malformed("filter must not contain empty segments (check for extra commas)");
  auto equals = segment.find('=');
  if (equals == std::string_view::npos)
    return malformed(listed({segment}));
  filter_condition made;
  made.column = segment.substr(0, equals);
  auto rest = segment.substr(equals + 1);
  if (rest.starts_with("not.")) {
    made.negated = true;
    rest.remove_prefix(4);
  }
  auto dot = rest.find('.');
  if (dot == std::string_view::npos)
    return malformed(listed({rest}));
  auto name = rest.substr(0, dot);
  auto value = rest.substr(dot + 1);
  auto found = std::find(operator_names.begin(), operator_names.end(), name);
  if (found == operator_names.end())
    return malformed(listed({name, value}));
  made.op = static_cast<filter_operator>(found - operator_names.begin());
  if (made.op != filter_operator::in) {
    made.value = unquoted(value);
    return made;
  }
  if (value.size() < 2 || value.front() != '(' || value.back() != ')')
    return malformed("`in` filter value must be wrapped by parentheses");
  made.value = '{' + std::string{value.substr(1, value.size() - 2)} + '}';
  return made;
}

/// As PostgreSQL's boolean expressions: true, false or unknown.
using truth = std::optional<bool>;

} // namespace

std::string_view to_string_view(filter_operator op) noexcept {
  return operator_names[static_cast<std::size_t>(op)];
}

result<row_filter> parse_filter(std::string_view text) {
  row_filter made;
  text = trimmed(text);
  if (text.empty())
    return made;
  if (text.size() > filter_bytes_max)
    return malformed("the filter is too long");
  auto segments = split_segments(text);
  if (segments.size() > filter_conditions_max)
    return malformed("too many conditions");
  for (auto segment : segments) {
    auto condition = parse_segment(segment);
    if (!condition)
      return condition.error();
    made.push_back(std::move(*condition));
  }
  return made;
}

struct bound_filter::condition {
  std::size_t column = 0;
  type_kind kind = type_kind::other;
  filter_operator op = filter_operator::eq;
  bool negated = false;
  std::vector<typed_value> values; ///< One, or those of `in`.
  bool null_value = false;         ///< `in` has a null among its values.
  std::string word;                ///< Of `is`, or LIKE's pattern.
  std::optional<text_regex> regex;

  truth test(const cell& found) const;
  truth test_value(const typed_value& found) const;
};

truth bound_filter::condition::test(const cell& found) const {
  bool null = found.kind == cell_kind::null;
  if (op == filter_operator::is) {
    if (word == "null" || word == "unknown")
      return null != negated;
    return (!null && (found.value == "t") == (word == "true")) != negated;
  }
  if (null)
    return op == filter_operator::isdistinct ? truth{!negated} : truth{};
  truth holds;
  if (op == filter_operator::like || op == filter_operator::ilike) {
    holds = like(found.value, word, op == filter_operator::ilike || kind == type_kind::citext);
  } else if (regex) {
    holds = regex->found_in(found.value);
  } else {
    auto value = typed_value::read(kind, found.value);
    if (!value)
      return {};
    holds = test_value(*value);
  }
  if (!holds)
    return {};
  return *holds != negated;
}

truth bound_filter::condition::test_value(const typed_value& found) const {
  switch (op) {
    case filter_operator::eq: return found == values.front();
    case filter_operator::neq:
    case filter_operator::isdistinct: return found != values.front();
    case filter_operator::lt: return found < values.front();
    case filter_operator::lte: return found <= values.front();
    case filter_operator::gt: return found > values.front();
    case filter_operator::gte: return found >= values.front();
    case filter_operator::in:
      if (std::find(values.begin(), values.end(), found) != values.end())
        return true;
      return null_value ? truth{} : truth{false};
    default: return {};
  }
}

result<bound_filter> bound_filter::bind(const row_filter& filter, const table& of) {
  bound_filter made;
  for (const auto& asked : filter) {
    auto bound = std::make_shared<condition>();
    bound->column = of.find(asked.column);
    if (bound->column == table::npos)
      return refused("invalid column for filter " + asked.column);
    const auto& type = of.columns[bound->column].type;
    bound->kind = kind_of_type(type);
    bound->op = asked.op;
    bound->negated = asked.negated;
    auto invalid = [&](std::string_view value) {
      return refused("invalid input syntax for type " + type + ": \"" + std::string{value} + '"');
    };
    auto no_operator = [&] {
      return refused("operator " + std::string{to_string_view(asked.op)}
                     + " does not apply to columns of type " + type);
    };
    switch (asked.op) {
      case filter_operator::is: {
        const auto& word = asked.value;
        if (word != "null" && word != "true" && word != "false" && word != "unknown")
          return refused("invalid value for is filter: must be null, true, false, or unknown");
        if (word != "null" && bound->kind != type_kind::boolean)
          return refused("is " + word + " filter requires a boolean column, got " + type);
        bound->word = word;
        break;
      }
      case filter_operator::like:
      case filter_operator::ilike:
      case filter_operator::match:
      case filter_operator::imatch: {
        if (!is_textual(bound->kind))
          return refused("operator " + std::string{to_string_view(asked.op)}
                         + " requires a text-compatible column type, got " + type);
        bool pattern = asked.op == filter_operator::like || asked.op == filter_operator::ilike;
        if (pattern) {
          if (!valid_like_pattern(asked.value))
            return refused("LIKE pattern must not end with escape character");
          bound->word = asked.value;
          break;
        }
        auto regex = text_regex::compile(
          asked.value, asked.op == filter_operator::imatch || bound->kind == type_kind::citext);
        if (!regex)
          return refused("invalid regular expression for " + std::string{to_string_view(asked.op)}
                         + " filter: " + regex.error().detail);
        bound->regex = std::move(*regex);
        break;
      }
      case filter_operator::in: {
        auto tokens = parse_array_literal(asked.value);
        if (!tokens || tokens->size() < 2)
          return refused("malformed array literal: \"" + asked.value + '"');
        if (tokens->size() - 2 > filter_values_max)
          return refused("too many values for `in` filter. Maximum 100");
        for (std::size_t i = 1; i + 1 < tokens->size(); ++i) {
          const auto& token = (*tokens)[i];
          if (token.is == array_token::what::null) {
            bound->null_value = true;
            continue;
          }
          if (token.is != array_token::what::value)
            return refused("malformed array literal: \"" + asked.value + '"');
          auto value = typed_value::read(bound->kind, token.text);
          if (!value)
            return invalid(token.text);
          bound->values.push_back(std::move(*value));
        }
        if (bound->kind == type_kind::json)
          return no_operator();
        break;
      }
      default: {
        bool by_order = asked.op >= filter_operator::lt && asked.op <= filter_operator::gte;
        if (bound->kind == type_kind::json || (by_order && !is_ordered(bound->kind)))
          return no_operator();
        auto value = typed_value::read(bound->kind, asked.value);
        if (!value)
          return invalid(asked.value);
        bound->values.push_back(std::move(*value));
      }
    }
    made.conditions_.push_back(std::move(bound));
  }
  return made;
}

bool bound_filter::matches(const table& of, const tuple& row, bool key_only) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const auto& one) {
    if (one->column >= row.size() || (key_only && !of.columns[one->column].key))
      return false;
    const cell& found = row[one->column];
    if (found.kind != cell_kind::null && found.kind != cell_kind::text)
      return false;
    return one->test(found).value_or(false);
  });
}

} // namespace lapwing::realtime
