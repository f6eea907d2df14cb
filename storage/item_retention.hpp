// Polled items that are too old go, a bounded batch at a time.
//
// The table's rows are in the order of their arrival, which is the order of `extracted_at` unless a
// clock was wrong: the sweep goes along them from the oldest and rests where the young begin. What
// says how things are now (a person's channels and playlists, which further polls need) is kept
// whatever its age; the rule names it.
#pragma once

#include <cstdint>

#include "core/store.hpp"
#include "storage/retention.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// Lives on the writer's thread, works inside the transaction that is open.
class item_retention {
public:
  explicit item_retention(sqlite_connection& connection);

  /// Looks at one batch of trim_batch_max rows.
  retention_step trim(const retention_rule& rule);
  /// To be called when a transaction had no effect.
  void start_over() noexcept { passed_ = 0; }

private:
  sqlite_statement select_;
  sqlite_statement delete_;
  std::int64_t passed_ = 0; ///< Rows up to here are gone or kept.
};

} // namespace lapwing
