// Where a stream stands in each of the logs it follows. Its text is the `id` of CONTRACT 4: opaque
// to clients, enough for any node to resume after any restart.
//
//   u42,b7                a user's stream
//   b8,u42                the same stream's broadcast event 8: an event's own log stands first
//   r17:admin,u42,b8      with a room
//
// A log that is absent from a cursor starts live.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log.hpp"

namespace lapwing {

/// At most this many rooms on one stream: keeps an id below 5 KiB.
inline constexpr std::size_t stream_rooms_max = 32;

class stream_cursor {
public:
  stream_cursor() = default;

  /// The position in `log`, or nothing when the stream does not follow it. Only one user's log can
  /// be followed, so the user's name is not looked at.
  std::optional<sequence> position(const log_id& log) const noexcept;

  /// Sets or adds; positions may go back only by the caller's will (a reset).
  void set(const log_id& log, sequence seq);
  void forget(const log_id& log) noexcept;

  /// Moves forward to `seq` if the log is followed and behind it. Returns whether it moved, which
  /// is how a doubled event is recognised.
  bool advance(const log_id& log, sequence seq) noexcept;

  /// Appends the text with `first` standing first (if it is followed).
  void append_text(std::string& out, const log_id& first) const;
  std::string text() const;

  /// The rooms that are followed.
  std::vector<std::string> rooms() const;

  friend bool operator==(const stream_cursor&, const stream_cursor&) = default;

  /// Parses a cursor; nothing when it is not one (any byte of it may come from outside).
  static std::optional<stream_cursor> parse(std::string_view text);

  /// The log and position of the event an id was given to: its first component. The user's name
  /// is not in the text and is taken from `user`.
  static std::optional<std::pair<log_id, sequence>> event_of(std::string_view text,
                                                             const user_id& user);

private:
  static constexpr sequence absent = ~sequence{0};
  sequence user_ = absent;
  sequence broadcast_ = absent;
  std::vector<std::pair<std::string, sequence>> rooms_;
};

} // namespace lapwing
