// Text forms of bytes. The decoders are strict: one text per byte string, nothing skipped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lapwing {

/// Lower-case hex digits.
std::string to_hex(std::string_view bytes);
/// Both cases of digits; nothing for an odd count or any other character.
std::optional<std::string> from_hex(std::string_view text);

/// RFC 4648 4, with padding.
std::string to_base64(std::string_view bytes);
/// RFC 4648 4: padding required, no line breaks, unused bits zero.
std::optional<std::string> from_base64(std::string_view text);

/// RFC 4648 5, without padding (as RFC 7515 2).
std::string to_base64url(std::string_view bytes);
/// RFC 4648 5 without padding; unused bits zero.
std::optional<std::string> from_base64url(std::string_view text);

/// Either alphabet (not both in one text), padded or not: for senders known to differ.
std::optional<std::string> from_base64_lenient(std::string_view text);

} // namespace lapwing
