#include "storage/item_retention.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace lapwing {

item_retention::item_retention(sqlite_connection& connection)
    : select_(connection, "SELECT rowid, extracted_at < ?2, platform, data_type"
                          " FROM user_platform_data WHERE rowid > ?1 ORDER BY rowid LIMIT ?3"),
      delete_(connection, "DELETE FROM user_platform_data WHERE rowid = ?1") {}

retention_step item_retention::trim(const retention_rule& rule) {
  retention_step step;
  if (rule.items_before <= timestamp{})
    return step;
  std::vector<std::int64_t> gone;
  std::uint64_t looked_at = 0;
  bool ends_old = false;
  auto passed = passed_;
  bool met_young = false;
  const auto limit = to_rfc3339(rule.items_before);
  {
    reset_at_end ends{select_};
    select_.bind(1, passed_)
      .bind(2, limit)
      .bind(3, static_cast<std::int64_t>(trim_batch_max));
    while (select_.step()) {
      ++looked_at;
      const auto row = select_.integer(0);
      ends_old = select_.integer(1) != 0;
      met_young = met_young || !ends_old;
      if (!met_young)
        passed = row;
      if (!ends_old)
        continue;
      const stored_kind kind{std::string{select_.text(2)}, std::string{select_.text(3)}};
      if (std::ranges::find(rule.kept_kinds, kind) == rule.kept_kinds.end())
        gone.push_back(row);
      if (looked_at == trim_batch_max)
        passed = row; // A young row among old ones was stored by a clock that was wrong.
    }
  }
  for (const auto row : gone)
    delete_.bind(1, row).run();
  // At the very end of the table numbers that are free again would be given to what comes next.
  passed_ = looked_at < trim_batch_max && !met_young ? 0 : passed;
  step.removed = gone.size();
  step.more = looked_at == trim_batch_max && ends_old;
  return step;
}

} // namespace lapwing
