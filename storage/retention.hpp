// What is too old or too much goes, a bounded batch at a time, without looking at what stays.
//
// By age: along the index on time, oldest first. By count: only logs that got events since they
// were last looked at are candidates (all logs once after a start and after a change of the rule);
// a log whose span of numbers fits the rule needs two index look-ups, any other is counted once and
// then kept count of in memory. So neither a count per log has to be written with every event, nor
// is a full log counted again and again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/store.hpp"
#include "storage/sqlite.hpp"

namespace lapwing {

/// Events removed at most by one call of trim(): a few milliseconds of the writer's time.
inline constexpr std::uint64_t trim_batch_max = 500;

/// Lives on the writer's thread, works inside the transaction that is open.
class log_retention {
public:
  explicit log_retention(sqlite_connection& connection);

  /// An event was stored in this log (logs.id).
  void appended(std::int64_t log);
  retention_step trim(const retention_rule& rule);
  /// To be called when a transaction had no effect: counts are no longer right.
  void start_over();

private:
  void remove_old(timestamp before, std::uint64_t& budget);
  /// True when the log keeps the rule now.
  bool shorten(std::int64_t log, std::uint64_t count_max, std::uint64_t& budget,
               std::uint64_t& effort);
  std::optional<std::int64_t> next_candidate();
  std::uint64_t held(std::int64_t log, std::uint64_t count_max, std::uint64_t& effort);
  void remove(std::int64_t event, std::int64_t log, sequence seq);
  void remember_trimmed();

  sqlite_statement select_old_;
  sqlite_statement select_oldest_;
  sqlite_statement span_;
  sqlite_statement count_;
  sqlite_statement next_log_;
  sqlite_statement delete_;
  sqlite_statement set_trimmed_;

  std::uint64_t count_max_ = 0;                       ///< The rule that the below is about.
  std::unordered_set<std::int64_t> touched_;          ///< Got events, not yet looked at.
  std::optional<std::int64_t> swept_ = 0;             ///< Logs up to here were looked at; none: all.
  std::unordered_map<std::int64_t, std::uint64_t> held_; ///< Events of logs that were counted.
  std::map<std::int64_t, sequence> trimmed_;          ///< By this call, not yet written.
};

} // namespace lapwing
