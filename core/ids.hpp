// Identities are types of their own, so that a room can never be passed where a user is meant.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace lapwing {

/// A non-empty piece of text that names one kind of thing. Compares and hashes like its text.
template <class Tag>
class text_id {
public:
  text_id() = default;
  explicit text_id(std::string value) : value_(std::move(value)) {}
  explicit text_id(std::string_view value) : value_(value) {}
  explicit text_id(const char* value) : value_(value) {}

  const std::string& str() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

  friend bool operator==(const text_id&, const text_id&) = default;
  friend auto operator<=>(const text_id&, const text_id&) = default;

private:
  std::string value_;
};

/// A person: the `sub` of their token. At most `user_id_bytes_max` bytes, see `valid_user_id`.
using user_id = text_id<struct user_id_tag>;
/// A provider by its configuration name: `github`, `gmail`, ...
using platform_id = text_id<struct platform_id_tag>;
/// A room: `[A-Za-z0-9:_.-]{1,128}`.
using room_id = text_id<struct room_id_tag>;

/// One client stream on this node; unique for the life of the process, shown as 16 hex digits.
enum class session_id : std::uint64_t {};

inline constexpr std::size_t user_id_bytes_max = 128;
inline constexpr std::size_t room_id_bytes_max = 128;

/// True for 1 to 128 bytes of printable ASCII without `/`, `?`, `#`, `%`, `\`, `"`, `,` or space: what can stand in a path, a
/// header and a log line as it is.
bool valid_user_id(std::string_view text) noexcept;
/// True for `[A-Za-z0-9:_.-]{1,128}`.
bool valid_room_id(std::string_view text) noexcept;

/// The thread, of `home_count`, on which everything of this user or room lives. The same text
/// gives the same thread on every node with the same count (FNV-1a, 64 bit, then mixed).
std::size_t home_of(std::string_view text, std::size_t home_count) noexcept;

/// 16 lower-case hex digits.
std::string to_string(session_id id);

} // namespace lapwing

template <class Tag>
struct std::hash<lapwing::text_id<Tag>> {
  std::size_t operator()(const lapwing::text_id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
