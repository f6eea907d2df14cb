// The mark that travels in every published event and comes back on the streams: who sent it, as
// which number, and when it was due. It is one string, so that it survives a server that writes
// JSON members in another order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lapwing::load {

struct mark {
  std::uint16_t salt = 0;      ///< Of this run: events of an earlier run are told apart.
  std::uint16_t publisher = 0; ///< Connection that published it.
  std::uint32_t number = 0;    ///< 1, 2, 3, ... per publisher and channel.
  std::uint64_t due_ns = 0;    ///< Scheduled time, CLOCK_MONOTONIC; below 2^56.

  friend bool operator==(const mark&, const mark&) = default;
};

/// A mark's two forms: a UUID where the protocol wants a delivery id, and decimal text elsewhere.
enum class mark_form : std::uint8_t { text, uuid };

/// "salt.publisher.number.due".
void append_mark_text(std::string& out, const mark& m);
std::optional<mark> parse_mark_text(std::string_view text) noexcept;

/// A version 4 UUID (RFC 9562 5.4) whose 122 free bits hold the mark.
void append_mark_uuid(std::string& out, const mark& m);
std::optional<mark> parse_mark_uuid(std::string_view text) noexcept;

/// Finds the mark in an envelope. Envelopes of one stream look alike, so it looks first where it
/// found the last one: at a million events a second the search would cost more than the rest.
class mark_finder {
public:
  explicit mark_finder(mark_form form) noexcept;

  std::optional<mark> find(std::string_view envelope) noexcept;

private:
  mark_form form_;
  std::string_view key_;
  std::size_t last_position_ = 0;
};

/// The member that holds the text form: `"mark":"..."`.
inline constexpr std::string_view mark_member = "\"mark\":\"";

} // namespace lapwing::load
