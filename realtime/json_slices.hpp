// Taking JSON text apart without rewriting it: what a client broadcasts reaches the others as it
// came, to the last digit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lapwing::realtime {

/// Deeper texts are refused, so that whoever reads the values may recurse.
inline constexpr std::size_t json_depth_max = 100;

/// RFC 8259 and UTF-8, not nested too deeply. Everything below wants text that passed this.
bool valid_json(std::string_view text);

enum class json_type : unsigned char { object, array, text, number, boolean, null };
json_type type_of(std::string_view json) noexcept;

/// The values of an array; nothing when it is not one, or has more than `max`.
std::optional<std::vector<std::string_view>> json_elements(std::string_view json, std::size_t max);

/// The value of an object's member; the last one counts, as in JavaScript. Nothing: no such member,
/// or not an object.
std::optional<std::string_view> json_member(std::string_view json, std::string_view name);

/// The text of a JSON string. Nothing when it is none, or stands for no characters (half a
/// surrogate pair).
std::optional<std::string> json_string(std::string_view json);

} // namespace lapwing::realtime
