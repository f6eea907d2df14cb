// PostgreSQL's text form of an array: {1,2,NULL,"a,b",{...}} (PostgreSQL 15 manual, 8.15.6).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lapwing::realtime {

/// One step through an array literal.
struct array_token {
  enum class what : unsigned char { open, close, value, null };
  what is = what::value;
  std::string text; ///< Of a value, without its quotes and backslashes.
};

/// PostgreSQL allows 6 dimensions.
inline constexpr std::size_t array_dimensions_max = 6;

/// The tokens of a whole literal, commas left out; nothing when it is not one. Bounds in front
/// ("[2:3]={a,b}") are passed over.
std::optional<std::vector<array_token>> parse_array_literal(std::string_view text);

} // namespace lapwing::realtime
