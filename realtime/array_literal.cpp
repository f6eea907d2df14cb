#include "realtime/array_literal.hpp"

namespace lapwing::realtime {
namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_null_word(std::string_view text) {
  constexpr std::string_view word = "null";
  if (text.size() != word.size())
    return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if ((text[i] | 0x20) != word[i])
      return false;
  return true;
}

class array_parser {
public:
  explicit array_parser(std::string_view text) : rest_(text) {}

  std::optional<std::vector<array_token>> run() {
    skip_blanks();
    if (rest_.starts_with('[')) {
      auto equals = rest_.find('=');
      if (equals == std::string_view::npos)
        return std::nullopt;
      rest_.remove_prefix(equals + 1);
    }
    if (!list(1))
      return std::nullopt;
    skip_blanks();
    if (!rest_.empty())
      return std::nullopt;
    return std::move(tokens_);
  }

private:
  bool list(std::size_t depth) {
    if (depth > array_dimensions_max || !take('{'))
      return false;
    tokens_.push_back({array_token::what::open, {}});
    skip_blanks();
    if (!rest_.starts_with('}')) {
      do {
        skip_blanks();
        if (!(rest_.starts_with('{') ? list(depth + 1) : element()))
          return false;
        skip_blanks();
      } while (take(','));
    }
    if (!take('}'))
      return false;
    tokens_.push_back({array_token::what::close, {}});
    return true;
  }

  bool element() {
    if (take('"'))
      return quoted();
    std::string text;
    bool escaped = false;
    while (!rest_.empty() && rest_[0] != ',' && rest_[0] != '}') {
      if (rest_[0] == '{' || rest_[0] == '"')
        return false;
      if (rest_[0] == '\\') {
        rest_.remove_prefix(1);
        escaped = true;
        if (rest_.empty())
          return false;
      }
      text += rest_[0];
      rest_.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back()))
      text.pop_back();
    if (text.empty())
      return false;
    bool null = !escaped && is_null_word(text);
    tokens_.push_back({null ? array_token::what::null : array_token::what::value,
                       null ? std::string{} : std::move(text)});
    return true;
  }

  bool quoted() {
    std::string text;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty())
          return false;
      }
      text += rest_[0];
      rest_.remove_prefix(1);
    }
    tokens_.push_back({array_token::what::value, std::move(text)});
    return take('"');
  }

  bool take(char wanted) {
    if (!rest_.starts_with(wanted))
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_[0]))
      rest_.remove_prefix(1);
  }

  std::string_view rest_;
  std::vector<array_token> tokens_;
};

} // namespace

std::optional<std::vector<array_token>> parse_array_literal(std::string_view text) {
  return array_parser{text}.run();
}

} // namespace lapwing::realtime
