// Writes batches of events, what they tell of and what they cause: one statement, and one round trip, for all events.
#pragma once

#include <span>
#include <vector>

#include "storage/append_batch.hpp"
#include "storage/postgres/fence.hpp"
#include "storage/postgres/link.hpp"
#include "storage/row_means.hpp"

namespace lapwing::postgres {

class event_appender {
public:
  /// All must outlive this.
  event_appender(link& connection, const node_fence& fence, const row_means& means)
      : link_(connection), fence_(fence), means_(means) {}

  /// Stores all events of the batches, and what they tell of, in one transaction, and answers what
  /// became of each, in order. Throws failure, of which two_writers means that a number is taken
  /// by another event, or job_refused; then nothing was stored (unless the failure is in doubt).
  std::vector<append_result> append(std::span<append_batch* const> batches);

private:
  static void note_duplicates(const answer& found, std::vector<append_result>& results);
  void apply(const sync_effect& effect);
  void put(const outbox_item& item);

  link& link_;
  const node_fence& fence_;
  const row_means& means_;
};

} // namespace lapwing::postgres
