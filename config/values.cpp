#include "config/values.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace lapwing {
namespace {

using std::chrono::milliseconds;

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first: formatting takes the first that divides.
constexpr std::array duration_units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"m", 60'000},
                                    unit{"s", 1000}, unit{"ms", 1}};
constexpr std::array size_units{unit{"GiB", 1ull << 30}, unit{"MiB", 1ull << 20},
                                unit{"KiB", 1ull << 10}};
constexpr std::uint64_t duration_max = 36'500ull * 86'400'000;

/// Splits "15m" into 15 and "m".
std::optional<std::pair<std::uint64_t, std::string_view>> split_number(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{})
    return {};
  return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto parts = split_number(text);
  if (!parts)
    return {};
  for (const auto& [name, factor] : duration_units)
    if (parts->second == name && parts->first <= duration_max / factor)
      return milliseconds{static_cast<milliseconds::rep>(parts->first * factor)};
  return {};
}

std::string format_duration(milliseconds value) {
  const auto count = static_cast<std::uint64_t>(value.count());
  if (count == 0)
    return "0s";
  for (const auto& [name, factor] : duration_units)
    if (count % factor == 0)
      return fmt::format("{}{}", count / factor, name);
  return {};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto parts = split_number(text);
  if (!parts)
    return {};
  if (parts->second.empty())
    return parts->first;
  for (const auto& [name, factor] : size_units)
    if (parts->second == name && parts->first <= UINT64_MAX / factor)
      return parts->first * factor;
  return {};
}

std::string format_size(std::uint64_t bytes) {
  for (const auto& [name, factor] : size_units)
    if (bytes != 0 && bytes % factor == 0)
      return fmt::format("{} {}", bytes / factor, name);
  return fmt::format("{} bytes", bytes);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const auto parts = split_number(text);
  if (!parts || !parts->second.empty())
    return {};
  return parts->first;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "true" || text == "1")
    return true;
  if (text == "false" || text == "0")
    return false;
  return {};
}

std::vector<std::string> parse_list(std::string_view text) {
  std::vector<std::string> items;
  while (!trimmed(text).empty()) {
    const auto comma = text.find(',');
    items.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == text.npos)
      break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t bytes_max = 60;
  auto shown = text.substr(0, bytes_max);
  if (shown.size() < text.size()) // Not in the middle of a UTF-8 sequence.
    while (!shown.empty() && (static_cast<unsigned char>(text[shown.size()]) & 0xc0) == 0x80)
      shown.remove_suffix(1);
  std::string out = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else if (c == '"' || c == '\\')
      out.append({'\\', c});
    else
      out += c;
  }
  out += shown.size() < text.size() ? "...\"" : "\"";
  return out;
}

} // namespace lapwing
