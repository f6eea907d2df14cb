// Small tools for text from outside: clipping for people, forms and queries, JSON for data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lapwing {

/// Appends at most `bytes_max` bytes of the text as UTF-8 (repaired), cut between characters and
/// marked with an ellipsis when cut; control characters become spaces.
void append_clipped(std::string& out, std::string_view text, std::size_t bytes_max);
std::string clipped(std::string_view text, std::size_t bytes_max);

/// 1 to `bytes_max` printable ASCII characters other than space, quote and backslash: what an id
/// made by a platform looks like.
bool is_plain_id(std::string_view text, std::size_t bytes_max) noexcept;

/// Strict: each % needs two hex digits, + is a space. Nothing otherwise.
std::optional<std::string> percent_decoded(std::string_view text);

/// The value of the field in `a=b&c=d`, decoded. Nothing when it is absent, there twice, or broken.
std::optional<std::string> form_field(std::string_view form, std::string_view name);

/// Whether a Content-Type value names this media type, whatever its parameters and case.
bool is_media_type(std::string_view content_type, std::string_view type) noexcept;

/// A copy of a JSON object (already validated) in which every top-level member of this name is "".
std::string with_blanked_member(std::string_view json, std::string_view name);

/// Writes one flat JSON object; empty and absent values are left out.
class object_writer {
public:
  void text(std::string_view name, std::string_view value, std::size_t bytes_max = 200);
  void number(std::string_view name, std::optional<std::int64_t> value);
  void truth(std::string_view name, bool value);
  /// `json` is a valid JSON value.
  void raw(std::string_view name, std::string_view json);
  std::string take();

private:
  void name_member(std::string_view name);
  std::string out_ = "{";
};

} // namespace lapwing
