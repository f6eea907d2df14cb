#include "storage/postgres/log_trimmer.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/postgres/connection_rows.hpp"
#include "storage/row_values.hpp"

namespace lapwing::postgres {
namespace {

/// Events removed at most by one step: some tens of milliseconds. As in SQLite.
constexpr std::uint64_t removed_max = 500;
/// Logs looked at in one step: two index look-ups each.
constexpr std::size_t looked_at_max = 200;

/// Deletes the rows whose places `which` selects and remembers how far, in one statement.
std::string removal(const std::string& which) {
  return "WITH gone AS (DELETE FROM events WHERE ctid = ANY (ARRAY(" + which
         + ")) RETURNING log, seq), marks AS (INSERT INTO logs (log, trimmed)"
           " SELECT log, max(seq) FROM gone GROUP BY log ORDER BY log"
           " ON CONFLICT (log) DO UPDATE SET trimmed = greatest(logs.trimmed, excluded.trimmed))"
           " SELECT log, count(*) FROM gone GROUP BY log";
}

struct step {
  pqxx::transaction_base& transaction;
  log_ledger& ledger;
  std::uint64_t count_max;
  std::uint64_t budget = removed_max;

  void take_off(const pqxx::result& removed);
  std::vector<std::string> candidates();
  std::uint64_t length_of(const std::string& log);
  void shorten(const std::string& log);
};

/// Polled items: few of those that are kept are old, so they are passed over again each time.
std::uint64_t remove_items(pqxx::transaction_base& transaction, const retention_rule& rule) {
  std::vector<std::string> kept;
  for (const auto& kind : rule.kept_kinds)
    kept.push_back(kind.platform + '/' + kind.data_type);
  transaction.exec("SET LOCAL enable_seqscan = off"); // As for events.
  return static_cast<std::uint64_t>(
    transaction
      .exec_params("DELETE FROM user_platform_data WHERE ctid = ANY (ARRAY("
                   "SELECT ctid FROM user_platform_data WHERE extracted_at < $1::timestamptz"
                   " AND platform || '/' || data_type <> ALL ($2::text[]) LIMIT $3::bigint))",
                   to_row_time(rule.items_before), text_array(kept), to_column(removed_max))
      .affected_rows());
}

/// Notes what a removal() has removed.
void step::take_off(const pqxx::result& removed) {
  for (const auto& row : removed) {
    const auto count = row[1].as<std::uint64_t>();
    ledger.removed(row[0].as<std::string>(), count);
    budget -= std::min(budget, count);
  }
}

std::vector<std::string> step::candidates() {
  auto logs = ledger.take_candidates(looked_at_max);
  const auto swept = ledger.swept();
  if (!logs.empty() || !swept)
    return logs;
  for (const auto& row : transaction.exec_prepared("next_logs", *swept, to_column(looked_at_max)))
    logs.push_back(row[0].as<std::string>());
  ledger.set_swept(logs.size() < looked_at_max ? std::nullopt : std::optional{logs.back()});
  return logs;
}

std::uint64_t step::length_of(const std::string& log) {
  if (const auto known = ledger.held(log))
    return *known;
  const auto row = transaction.exec_prepared1("count_log", log);
  const auto count = row[0].as<std::uint64_t>();
  ledger.counted(log, count, row[1].as<sequence>());
  return count;
}

void step::shorten(const std::string& log) {
  const auto length = budget == 0 ? count_max + 1 : length_of(log);
  if (length <= count_max)
    return;
  const auto wanted = std::min(length - count_max, budget);
  if (wanted > 0)
    take_off(transaction.exec_prepared("remove_oldest", log, to_column(wanted)));
  if (budget == 0)
    ledger.still_a_candidate(log);
}

} // namespace

void prepare_trimming(pqxx::connection& connection) {
  connection.prepare("remove_oldest", removal("SELECT ctid FROM events WHERE log = $1"
                                              " ORDER BY seq LIMIT $2::bigint"));
  // From each log's index entries to the next log's, without a look at those between.
  connection.prepare("next_logs",
                     "WITH RECURSIVE found (log) AS ("
                     "(SELECT log FROM events WHERE log > $1 ORDER BY log LIMIT 1) UNION ALL"
                     " SELECT (SELECT log FROM events WHERE log > found.log ORDER BY log LIMIT 1)"
                     " FROM found WHERE found.log IS NOT NULL)"
                     " SELECT log FROM found WHERE log IS NOT NULL LIMIT $2::bigint");
  // With holes there are less than the span; a log whose span fits needs no counting.
  connection.prepare(
    "long_logs",
    "SELECT log FROM unnest($1::text[]) AS asked (log) WHERE"
    " (SELECT seq FROM events WHERE events.log = asked.log ORDER BY seq DESC LIMIT 1)"
    " - (SELECT seq FROM events WHERE events.log = asked.log ORDER BY seq LIMIT 1) >= $2::bigint");
  connection.prepare("count_log",
                     "SELECT count(*), coalesce(max(seq), 0) FROM events WHERE log = $1");
}

retention_step trim_logs(pqxx::transaction_base& transaction, const retention_rule& rule,
                         log_ledger& ledger) {
  step now{transaction, ledger, rule.count_max};
  if (rule.before > timestamp{}) {
    // Not prepared, and by the index only: a plan for any time would read the whole table whenever
    // nothing is old.
    transaction.exec("SET LOCAL enable_seqscan = off");
    now.take_off(transaction.exec_params(
      removal("SELECT ctid FROM events WHERE time < $1::timestamptz LIMIT $2::bigint"),
      to_row_time(rule.before), to_column(now.budget)));
  }
  ledger.use_rule(rule.count_max);
  if (rule.count_max > 0 && now.budget > 0) {
    const auto logs = now.candidates();
    if (!logs.empty()) {
      for (const auto& row : transaction.exec_prepared("long_logs", text_array(logs),
                                                       to_column(rule.count_max)))
        now.shorten(row[0].as<std::string>());
    }
  }
  const bool more_logs = rule.count_max > 0 && ledger.has_candidates();
  std::uint64_t items = 0;
  if (rule.items_before > timestamp{})
    items = remove_items(transaction, rule);
  return {removed_max - now.budget + items,
          now.budget == 0 || more_logs || items == removed_max};
}

} // namespace lapwing::postgres
