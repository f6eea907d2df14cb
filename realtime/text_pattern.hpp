// SQL's LIKE and PostgreSQL's regular expressions on text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace lapwing::realtime {

/// `%` any text, `_` one character, `\` takes the next as it is. Of UTF-8 texts; time at most the
/// product of their lengths.
bool like(std::string_view text, std::string_view pattern, bool ignore_case);

/// A pattern that ends in a lone backslash is an error in SQL.
bool valid_like_pattern(std::string_view pattern) noexcept;

/// A regular expression in Perl's syntax, which is PostgreSQL's but for a few escapes (\m, \M, \y).
/// A search that grows too complex gives up and finds nothing.
class text_regex {
public:
  /// errc::bad_request: not a regular expression.
  static result<text_regex> compile(std::string_view pattern, bool ignore_case);

  /// Any thread.
  bool found_in(std::string_view text) const;

private:
  struct compiled;
  std::shared_ptr<const compiled> compiled_;
};

} // namespace lapwing::realtime
