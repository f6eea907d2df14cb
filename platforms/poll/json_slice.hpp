// Looking into a provider's JSON answer without taking it apart: an item is kept as it came, with
// every digit of its numbers (ids beyond 2^53, Slack's timestamps).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace lapwing {

enum class json_kind : std::uint8_t { none, null, boolean, number, string, array, object };

/// One value inside checked JSON text; borrows the text. Default-constructed: there is no such
/// value, which answers every question like an absent member.
class json_slice {
public:
  static constexpr std::size_t depth_max = 64;

  json_slice() = default;

  /// The whole of `text`: errc::malformed_json unless it is one JSON value in UTF-8 (RFC 8259) with
  /// at most `depth_max` levels.
  static result<json_slice> check(std::string_view text);

  json_kind kind() const noexcept;
  bool exists() const noexcept { return !text_.empty(); }

  /// The first member of that name.
  json_slice operator[](std::string_view name) const;
  /// Down a path of member names ("a.b"). "" and "$": this value. No arrays on the way.
  json_slice at(std::string_view path) const;

  /// A string without its quotes and escapes, or a number as it stands; nothing for other kinds.
  std::optional<std::string> scalar() const;
  bool is_true() const noexcept { return text_ == "true"; }
  bool is_false() const noexcept { return text_ == "false"; }

  /// Elements of an array, in order; nothing for other kinds. Ends when `visit` answers false.
  void for_each(const std::function<bool(json_slice)>& visit) const;
  /// Members of an object, in order, names without escapes.
  void for_each_member(const std::function<bool(std::string, json_slice)>& visit) const;

  /// Appends the value without white space. The escape \u0000 becomes \ufffd, since databases do
  /// not take NUL in text.
  void append_compact(std::string& out) const;

private:
  explicit json_slice(std::string_view text) : text_(text) {}

  std::string_view text_;
};

/// Every value that `path` leads to: "a.b" one, "history[].messagesAdded[].message" one for each
/// element. An array at the end counts as its elements, an object as itself, null and absent
/// values as none; errc::malformed_json when there is anything else on the way or at the end, or a
/// value that is no object. Ends when `visit` answers false.
result<bool> for_each_item(json_slice root, std::string_view path,
                           const std::function<bool(json_slice)>& visit);

/// 32 hex digits of a SHA-256 over the value with members sorted by name and without those whose
/// path is in `ignored` ("picture", "images[].url").
std::string digest_of(json_slice value, const std::vector<std::string>& ignored);
/// The same over a text.
std::string digest_of(std::string_view text);

} // namespace lapwing
