// Reading JSON from outside with simdjson's DOM: the whole text is validated (UTF-8 too) before
// anything of it is believed. For the .cpp files of this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <simdjson.h>

#include "core/error.hpp"

namespace lapwing {

/// A value, or nothing: looking for what is not there gives nothing again, so that long paths
/// need no checks. Texts are valid while the document is.
class json_view {
public:
  json_view() = default;
  explicit json_view(simdjson::dom::element value) : value_(value) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool is_object() const noexcept { return value_ && value_->is_object(); }
  bool is_null() const noexcept { return value_ && value_->is_null(); }

  /// The first member of this name.
  json_view operator[](std::string_view name) const noexcept;
  /// The first item of an array.
  json_view first() const noexcept;
  /// Of an array; 0 for anything else.
  std::size_t size() const noexcept;

  /// Empty unless it is a text. May hold a lone surrogate as three bytes: clip() it before showing.
  std::string_view text() const noexcept;
  std::optional<std::int64_t> integer() const noexcept;
  /// False unless it is true.
  bool truth() const noexcept;

private:
  std::optional<simdjson::dom::element> value_;
};

class json_document {
public:
  /// At most this deep; simdjson's own loop does not recurse, but whoever reads the payload may.
  static constexpr std::size_t depth_max = 128;

  /// Valid until the next parse on this thread. errc::malformed_json.
  static result<json_document> parse(std::string_view text);

  json_view root() const noexcept { return root_; }

private:
  std::unique_ptr<simdjson::dom::parser> own_; ///< Large texts: freed with the document.
  json_view root_;
};

} // namespace lapwing
