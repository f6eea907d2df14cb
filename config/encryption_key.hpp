// The 32-byte keys that seal stored secrets, in the forms people write them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lapwing {

using encryption_key = std::array<std::uint8_t, 32>;

/// 64 hex digits, base64 (standard or URL alphabet, padding optional) of 32 bytes, or 32 raw
/// characters. Lengths tell the forms apart: 64, 43 or 44, and 32 characters.
std::optional<encryption_key> decode_encryption_key(std::string_view text);

} // namespace lapwing
