// What a column's PostgreSQL type means to us: its name as clients see it, and the kind of value
// that its text form stands for.
#pragma once

#include <cstdint>
#include <string_view>

namespace lapwing::realtime {

enum class type_kind : std::uint8_t {
  boolean,
  integer, ///< int2, int4, int8, oid.
  numeric,
  float4,
  float8,
  text,    ///< text, varchar, name, "char".
  bpchar,  ///< char(n): blanks at the end do not count.
  citext,
  uuid,
  date,
  time,
  timestamp,
  timestamptz,
  json,
  jsonb,
  bytea,
  array,
  other, ///< Enumerations, ranges, network addresses, ...: equal when their texts are.
};

/// Of PostgreSQL's own types; empty for others, whose names the feed tells.
std::string_view builtin_type_name(std::uint32_t oid) noexcept;

/// By `typname`: "int8", "_text", ... A name that is not known is `array` when it begins with an
/// underscore, as PostgreSQL names them, and `other` if not.
type_kind kind_of_type(std::string_view name) noexcept;

/// LIKE and regular expressions apply.
bool is_textual(type_kind kind) noexcept;
/// Less and greater are defined here.
bool is_ordered(type_kind kind) noexcept;

} // namespace lapwing::realtime
