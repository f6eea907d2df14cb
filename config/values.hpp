// How one setting is written as text: durations, sizes, numbers, switches. Pure; the same forms in
// TOML strings, in the environment and on the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lapwing {

/// "250ms", "30s", "15m", "1h", "30d": one whole number and one unit. Nothing for anything else,
/// and for more than 36,500 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// In the largest unit that is exact: 15min gives "15m", 1500ms gives "1500ms", zero gives "0s".
std::string format_duration(std::chrono::milliseconds value);

/// Bytes: "1024", "256KiB", "1MiB", "2GiB".
std::optional<std::uint64_t> parse_size(std::string_view text);
/// In the largest exact unit: "256 KiB", "1000 bytes".
std::string format_size(std::uint64_t bytes);

/// Decimal digits only.
std::optional<std::uint64_t> parse_count(std::string_view text);

/// "true", "false", "1", "0".
std::optional<bool> parse_switch(std::string_view text);

/// Comma separated, spaces around the items dropped; empty text is an empty list.
std::vector<std::string> parse_list(std::string_view text);

/// In double quotes, at most 60 bytes of it, control characters and quotes escaped: safe to print.
std::string quoted(std::string_view text);

} // namespace lapwing
