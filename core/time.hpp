// Civil time and its text form. Timers use the actor clock instead, which no step of civil time
// can disturb.
#pragma once

#include <chrono>
#include <string>

namespace lapwing {

using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// Civil time comes from outside, so that tests can move it.
class wall_clock {
public:
  virtual ~wall_clock() = default;
  /// Any thread.
  virtual timestamp now() const = 0;
};

/// The system's clock.
class system_wall_clock final : public wall_clock {
public:
  timestamp now() const override;
};

/// RFC 3339 in UTC with milliseconds: "2026-11-21T09:00:00.123Z". Years 0000 to 9999.
std::string to_rfc3339(timestamp time);
void append_rfc3339(std::string& out, timestamp time);

} // namespace lapwing
