// Closed until a time: by what a platform said, or, where it named no time, by a wait that grows
// with every refusal after the wait was over.
#pragma once

#include <cstdint>
#include <optional>

#include "core/time.hpp"
#include "platforms/limits/limit_signs.hpp"

namespace lapwing {

/// From when something may be sent: now when `from` is not after it.
struct admission {
  timestamp from{};
  limit_cause cause = limit_cause::none;

  friend bool operator==(const admission&, const admission&) = default;
};

/// The later of two.
constexpr admission later(admission a, admission b) noexcept {
  return b.from > a.from ? b : a;
}

/// Its time must not go back (forward_clock).
class closure {
public:
  /// Closed as the signs say. A refusal while it is closed is an echo of requests sent before:
  /// it does not make the next wait longer. `chance` in [0, 1) adds up to a tenth to a wait that
  /// the platform did not name.
  void close(limit_cause cause, std::optional<timestamp> until, timestamp now, double chance);
  /// The platform did what was asked.
  void saw_success(timestamp now) noexcept;

  admission may_send(timestamp now) const noexcept;
  /// Nothing is left to remember.
  bool is_idle(timestamp now) const noexcept { return refusals_ == 0 && !is_closed(now); }

private:
  bool is_closed(timestamp now) const noexcept { return may_send(now).from > now; }

  timestamp until_{};
  limit_cause cause_ = limit_cause::none;
  std::uint8_t refusals_ = 0; ///< In a row.
};

} // namespace lapwing
