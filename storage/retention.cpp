#include "storage/retention.hpp"

#include <algorithm>
#include <vector>

namespace lapwing {
namespace {

/// Beyond these many logs a sweep over all is cheaper than a list. Guess: never measured.
constexpr std::size_t touched_max = 1'000'000;
constexpr std::size_t held_max = 100'000;

/// Index rows one call may look at besides the events it removes: about 5 ms. One log's span
/// counts as much as a hundred rows of a count.
constexpr std::uint64_t effort_max = 50'000;
constexpr std::uint64_t effort_of_span = 100;

struct old_event {
  std::int64_t id;
  std::int64_t log;
  sequence seq;
};

} // namespace

log_retention::log_retention(sqlite_connection& connection)
    : select_old_(connection, "SELECT id, log_id, seq FROM events WHERE time < ?1"
                              " ORDER BY time LIMIT ?2"),
      select_oldest_(connection, "SELECT id, log_id, seq FROM events WHERE log_id = ?1"
                                 " ORDER BY seq LIMIT ?2"),
      span_(connection, "SELECT (SELECT min(seq) FROM events WHERE log_id = ?1),"
                        " (SELECT max(seq) FROM events WHERE log_id = ?1)"),
      count_(connection, "SELECT count(*) FROM events WHERE log_id = ?1"),
      next_log_(connection, "SELECT id FROM logs WHERE id > ?1 ORDER BY id LIMIT 1"),
      delete_(connection, "DELETE FROM events WHERE id = ?1"),
      set_trimmed_(connection, "UPDATE logs SET trimmed = max(trimmed, ?2) WHERE id = ?1") {}

void log_retention::appended(std::int64_t log) {
  if (swept_ && *swept_ < log)
    return; // The sweep will come to it.
  if (touched_.size() >= touched_max) {
    touched_.clear();
    swept_ = 0;
  } else {
    touched_.insert(log);
  }
  if (const auto known = held_.find(log); known != held_.end())
    ++known->second;
}

void log_retention::start_over() {
  touched_.clear();
  held_.clear();
  trimmed_.clear();
  swept_ = 0;
}

retention_step log_retention::trim(const retention_rule& rule) {
  retention_step step;
  auto budget = trim_batch_max;
  if (rule.before > timestamp{})
    remove_old(rule.before, budget);
  if (rule.count_max != count_max_) {
    start_over();
    count_max_ = rule.count_max;
  }
  if (rule.count_max > 0) {
    std::uint64_t effort = effort_max;
    while (budget > 0) {
      const auto log = next_candidate();
      if (!log)
        break;
      if (effort == 0) {
        step.more = true;
        break;
      }
      if (shorten(*log, rule.count_max, budget, effort)) {
        if (touched_.erase(*log) == 0)
          swept_ = *log;
      }
    }
  }
  remember_trimmed();
  step.removed = trim_batch_max - budget;
  step.more = step.more || budget == 0;
  return step;
}

void log_retention::remove_old(timestamp before, std::uint64_t& budget) {
  std::vector<old_event> batch;
  select_old_.bind(1, before.time_since_epoch().count())
    .bind(2, static_cast<std::int64_t>(budget));
  while (select_old_.step())
    batch.push_back({select_old_.integer(0), select_old_.integer(1),
                     static_cast<sequence>(select_old_.integer(2))});
  for (const auto& old : batch)
    remove(old.id, old.log, old.seq);
  budget -= batch.size();
}

std::optional<std::int64_t> log_retention::next_candidate() {
  if (!touched_.empty())
    return *touched_.begin();
  if (!swept_)
    return std::nullopt;
  reset_at_end ends{next_log_};
  if (next_log_.bind(1, *swept_).step())
    return next_log_.integer(0);
  swept_.reset();
  return std::nullopt;
}

std::uint64_t log_retention::held(std::int64_t log, std::uint64_t count_max, std::uint64_t& effort) {
  if (const auto known = held_.find(log); known != held_.end())
    return known->second;
  reset_at_end ends_span{span_};
  effort -= std::min(effort, effort_of_span);
  if (!span_.bind(1, log).step() || span_.is_null(0))
    return 0;
  const auto span = static_cast<std::uint64_t>(span_.integer(1) - span_.integer(0)) + 1;
  if (span <= count_max)
    return span; // With holes it is less; it fits either way.
  reset_at_end ends_count{count_};
  count_.bind(1, log).step();
  const auto counted = static_cast<std::uint64_t>(count_.integer(0));
  effort -= std::min(effort, counted);
  if (held_.size() >= held_max)
    held_.clear();
  held_.emplace(log, counted);
  return counted;
}

bool log_retention::shorten(std::int64_t log, std::uint64_t count_max, std::uint64_t& budget,
                        std::uint64_t& effort) {
  const auto count = held(log, count_max, effort);
  if (count <= count_max)
    return true;
  const auto excess = count - count_max;
  const auto wanted = std::min(excess, budget);
  std::vector<old_event> batch;
  select_oldest_.bind(1, log).bind(2, static_cast<std::int64_t>(wanted));
  while (select_oldest_.step())
    batch.push_back({select_oldest_.integer(0), log,
                     static_cast<sequence>(select_oldest_.integer(2))});
  for (const auto& old : batch)
    remove(old.id, old.log, old.seq);
  budget -= batch.size();
  return wanted == excess;
}

void log_retention::remove(std::int64_t event, std::int64_t log, sequence seq) {
  delete_.bind(1, event).run();
  auto& up_to = trimmed_[log];
  up_to = std::max(up_to, seq);
  if (const auto known = held_.find(log); known != held_.end() && known->second > 0)
    --known->second;
}

void log_retention::remember_trimmed() {
  for (const auto& [log, seq] : trimmed_)
    set_trimmed_.bind(1, log).bind(2, static_cast<std::int64_t>(seq)).run();
  trimmed_.clear();
}

} // namespace lapwing
