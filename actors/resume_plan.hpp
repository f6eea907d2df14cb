// Where a new stream starts, pure: from what the client says it had, and where the logs stand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cursor.hpp"
#include "core/log.hpp"

namespace lapwing {

struct log_position {
  log_id log;
  sequence newest = 0;
  sequence trimmed = 0; ///< Events up to here may be gone.
};

struct resume_plan {
  stream_cursor start;
  bool resumed = false; ///< The client's point was good: it misses nothing.
  /// Set when it was not: the stream says one `reset` and goes on from the oldest kept event.
  std::optional<std::string> reset_reason; ///< "too_old", "unknown" (ahead of the log), "invalid".
};

/// Without a resume point everything starts live. A log that the point does not name starts live,
/// too. If any log's position is too old or unknown, that log starts at its oldest kept event.
inline resume_plan plan_resume(const std::vector<log_position>& logs,
                               const std::optional<std::string>& last_event_id) {
  resume_plan plan;
  // A client that has seen no event yet sends an empty id; it asks for nothing.
  bool asked = last_event_id && !last_event_id->empty();
  auto point = asked ? stream_cursor::parse(*last_event_id) : std::nullopt;
  if (asked && !point)
    plan.reset_reason = "invalid";
  for (const log_position& at : logs) {
    sequence from = at.newest;
    if (asked && !point) {
      from = at.trimmed;
    } else if (auto had = point ? point->position(at.log) : std::nullopt) {
      from = *had;
      if (from > at.newest) { // The store was set back, or the id is somebody else's.
        plan.reset_reason = "unknown";
        from = at.trimmed;
      } else if (from < at.trimmed) {
        plan.reset_reason = "too_old";
        from = at.trimmed;
      }
    }
    plan.start.set(at.log, from);
  }
  plan.resumed = asked && !plan.reset_reason;
  return plan;
}

} // namespace lapwing
