// A log is an ordered, durable sequence of events with exactly one writer: one per user, one per
// room, one for broadcasts. Its writer numbers its events 1, 2, 3, ...; a number may be skipped (a
// duplicate burns one), so a hole is never a loss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.hpp"

namespace lapwing {

/// Position in a log. 0 is "before the first event".
using sequence = std::uint64_t;

enum class log_kind : std::uint8_t { user, room, broadcast };

struct log_id {
  log_kind kind = log_kind::user;
  std::string name; ///< User id or room name; empty for the broadcast log.

  static log_id of(const user_id& user) { return {log_kind::user, user.str()}; }
  static log_id of(const room_id& room) { return {log_kind::room, room.str()}; }
  static log_id broadcast() { return {log_kind::broadcast, {}}; }

  friend bool operator==(const log_id&, const log_id&) = default;
};

/// The key under which a store keeps the log: "u:ann", "r:admin", "b:".
std::string to_key(const log_id& log);
/// The thread on which the log's writer lives: see home_of(text, count). Broadcasts: thread 0.
std::size_t home_of(const log_id& log, std::size_t home_count) noexcept;

/// The log of such a key, or nothing.
std::optional<log_id> log_of_key(std::string_view key);

} // namespace lapwing

template <>
struct std::hash<lapwing::log_id> {
  std::size_t operator()(const lapwing::log_id& log) const noexcept {
    return std::hash<std::string>{}(log.name) * 3 + static_cast<std::size_t>(log.kind);
  }
};
