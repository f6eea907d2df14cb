// How times and identities become columns: the forms that the opening comment of
// schema/0001_init.sql promises to people who query the tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "storage/secret_box.hpp"

namespace lapwing {

/// RFC 3339 with milliseconds. A time outside the years 1970 to 9999 becomes the nearest in them.
std::string to_row_time(timestamp time);
/// The same as a column that may be NULL.
std::optional<std::string> to_row_time(const std::optional<timestamp>& time);
/// Nothing for text of any other form.
std::optional<timestamp> parse_row_time(std::string_view text) noexcept;

/// A UUID of version 7 (RFC 9562 5.7): those made later sort later, so that new rows fill new pages
/// of the index on them. Nothing: no randomness.
std::optional<std::string> make_uuid(timestamp now, const random_source& random);

/// As an INTEGER column, clipped to its range.
std::int64_t to_column(std::uint64_t value) noexcept;

} // namespace lapwing
