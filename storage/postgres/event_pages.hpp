// Reads events and the state of logs. What a user may see is read as that user, under row-level
// security (schema/postgres/0002_row_security.sql): a mistake in a query shows nobody else's events.
#pragma once

#include <cstddef>

#include "core/store.hpp"
#include "storage/postgres/link.hpp"

namespace lapwing::postgres {

/// All calls throw failure; those that give events also job_refused.
class event_pages {
public:
  explicit event_pages(link& connection) : link_(connection) {}

  /// job_refused (payload_too_large) when two or more events take more than `bytes_max`.
  event_range read(const log_id& log, sequence after, std::size_t limit, std::size_t bytes_max);
  event_ptr find(const log_id& log, sequence seq);
  log_state state(const log_id& log);

private:
  link& link_;
};

/// The claims (CONTRACT 3) as which a user's own rows are read.
std::string claims_of(std::string_view user);

} // namespace lapwing::postgres
