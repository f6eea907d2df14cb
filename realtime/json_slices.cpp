#include "realtime/json_slices.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <simdjson.h>

namespace lapwing::realtime {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void skip_blanks(std::string_view& rest) {
  while (!rest.empty() && is_blank(rest[0]))
    rest.remove_prefix(1);
}

std::size_t length_of_string(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"')
    at += text[at] == '\\' ? 2 : 1;
  return std::min(at + 1, text.size());
}

/// Takes one value from the front of valid JSON.
std::string_view take_value(std::string_view& rest) {
  skip_blanks(rest);
  auto whole = rest;
  std::size_t depth = 0;
  while (!rest.empty()) {
    char c = rest[0];
    if (c == '"') {
      rest.remove_prefix(length_of_string(rest));
    } else if (c == '{' || c == '[') {
      ++depth;
      rest.remove_prefix(1);
      continue;
    } else if (c == '}' || c == ']') {
      if (depth == 0)
        break;
      --depth;
      rest.remove_prefix(1);
    } else if (c == ',' || c == ':' || is_blank(c)) {
      if (depth == 0)
        break;
      rest.remove_prefix(1);
      continue;
    } else {
      while (!rest.empty() && rest[0] != ',' && rest[0] != '}' && rest[0] != ']'
             && !is_blank(rest[0]))
        rest.remove_prefix(1);
    }
    if (depth == 0)
      break;
  }
  return whole.substr(0, whole.size() - rest.size());
}

/// RFC 8259 to the letter. simdjson and nlohmann refuse numbers that do not fit their types; what
/// we pass on untouched may have them.
class validator {
public:
  explicit validator(std::string_view text) : rest_(text) {}

  bool run() {
    if (!value())
      return false;
    skip_blanks(rest_);
    return rest_.empty();
  }

private:
  bool value() {
    skip_blanks(rest_);
    if (rest_.empty())
      return false;
    switch (rest_[0]) {
      case '{': return list('}', true);
      case '[': return list(']', false);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  bool list(char end, bool named) {
    if (++depth_ > json_depth_max)
      return false;
    rest_.remove_prefix(1);
    skip_blanks(rest_);
    if (!take(end)) {
      do {
        skip_blanks(rest_);
        if (named && !(string() && colon()))
          return false;
        if (!value())
          return false;
        skip_blanks(rest_);
      } while (take(','));
      if (!take(end))
        return false;
    }
    --depth_;
    return true;
  }

  bool colon() {
    skip_blanks(rest_);
    return take(':');
  }

  bool string() {
    if (!take('"'))
      return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20)
        return false;
      if (take('\\')) {
        if (take('u')) {
          for (int i = 0; i < 4; ++i)
            if (!take_any("0123456789abcdefABCDEF"))
              return false;
        } else if (!take_any("\"\\/bfnrt")) {
          return false;
        }
        continue;
      }
      rest_.remove_prefix(1);
    }
    return take('"');
  }

  bool number() {
    take('-');
    if (!take('0') && !digits())
      return false;
    if (take('.') && !digits())
      return false;
    if (take_any("eE")) {
      take_any("+-");
      return digits();
    }
    return true;
  }

  bool digits() {
    bool any = false;
    while (take_any("0123456789"))
      any = true;
    return any;
  }

  bool word(std::string_view wanted) {
    if (!rest_.starts_with(wanted))
      return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }

  bool take(char wanted) {
    if (!rest_.starts_with(wanted))
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_any(std::string_view of) {
    if (rest_.empty() || of.find(rest_[0]) == std::string_view::npos)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
};

std::string_view trimmed(std::string_view json) {
  skip_blanks(json);
  return json;
}

} // namespace

bool valid_json(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size()) && validator{text}.run();
}

json_type type_of(std::string_view json) noexcept {
  json = trimmed(json);
  switch (json.empty() ? '0' : json[0]) {
    case '{': return json_type::object;
    case '[': return json_type::array;
    case '"': return json_type::text;
    case 't':
    case 'f': return json_type::boolean;
    case 'n': return json_type::null;
    default: return json_type::number;
  }
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view json, std::size_t max) {
  if (type_of(json) != json_type::array)
    return std::nullopt;
  auto rest = trimmed(json).substr(1);
  std::vector<std::string_view> out;
  for (skip_blanks(rest); !rest.empty() && rest[0] != ']'; skip_blanks(rest)) {
    if (rest[0] == ',') {
      rest.remove_prefix(1);
      continue;
    }
    if (out.size() == max)
      return std::nullopt;
    out.push_back(take_value(rest));
  }
  return out;
}

std::optional<std::string_view> json_member(std::string_view json, std::string_view name) {
  if (type_of(json) != json_type::object)
    return std::nullopt;
  auto rest = trimmed(json).substr(1);
  std::optional<std::string_view> found;
  for (skip_blanks(rest); !rest.empty() && rest[0] != '}'; skip_blanks(rest)) {
    if (rest[0] == ',') {
      rest.remove_prefix(1);
      continue;
    }
    auto key = take_value(rest);
    skip_blanks(rest);
    if (!rest.empty()) // The colon.
      rest.remove_prefix(1);
    auto value = take_value(rest);
    auto bare = key.substr(1, key.size() - 2);
    if (bare == name
        || (bare.find('\\') != std::string_view::npos && json_string(key) == std::string{name}))
      found = value;
  }
  return found;
}

std::optional<std::string> json_string(std::string_view json) {
  json = trimmed(json);
  if (type_of(json) != json_type::text)
    return std::nullopt;
  if (json.find('\\') == std::string_view::npos)
    return std::string{json.substr(1, length_of_string(json) - 2)};
  auto value = nlohmann::json::parse(json, nullptr, false);
  if (!value.is_string())
    return std::nullopt;
  return std::move(value.get_ref<std::string&>());
}

} // namespace lapwing::realtime
