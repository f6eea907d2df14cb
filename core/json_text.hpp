// Writing JSON text by hand where an object is small, fixed and hot. Reading JSON is net's and
// storage's business (simdjson, nlohmann).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lapwing {

/// Appends `text` as a JSON string with its quotes (RFC 8259 7). `text` must be UTF-8; U+2028 and
/// U+2029 pass as they are. Never writes a raw CR or LF.
void append_json_string(std::string& out, std::string_view text);

/// Appends JSON text with CR and LF replaced by spaces. In valid JSON they can only stand between
/// tokens, so the value is unchanged and the text fits one SSE data line.
void append_json_on_one_line(std::string& out, std::string_view json);

void append_number(std::string& out, std::uint64_t value);

/// Appends bytes as `\ufffd`-repaired UTF-8: used for text from outside that only people read.
std::string repaired_utf8(std::string_view text);

} // namespace lapwing
