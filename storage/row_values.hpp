// How times and identities become columns: the forms that the opening comment of
// schema/0001_init.sql promises to people who query the tables.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/connection_store.hpp"
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

/// "" as NULL.
std::optional<std::string> unless_empty(const std::string& text);

/// The text in the column `status`, and back; text that is none counts as disconnected.
std::string_view to_row_status(connection_status status) noexcept;
connection_status parse_row_status(std::string_view text) noexcept;

/// A state that ends a day before a new one was forgotten by its browser long ago. Measured against
/// each other, no clock is needed, and abandoned authorizations cannot pile up.
inline constexpr std::chrono::hours state_kept{24};
inline constexpr std::int64_t states_dropped_max = 100;

/// Of a page of items: whoever asks for more gets the rest with the next one.
inline constexpr std::size_t page_items_max = 1000;
inline constexpr std::size_t page_bytes_max = 4 * 1024 * 1024;

/// The row number with which a page ended; throws job_refused (bad_request) for other text. "" is
/// before everything.
std::int64_t page_end(const std::string& after);

/// As an INTEGER column, clipped to its range.
std::int64_t to_column(std::uint64_t value) noexcept;

} // namespace lapwing
