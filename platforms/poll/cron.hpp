// Five-field cron expressions in UTC, as in seed 003 (`*/30 * * * *`). Pure: times in, times out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "core/time.hpp"

namespace lapwing {

/// minute hour day-of-month month day-of-week. Each a list of `*`, values, ranges `a-b` and steps
/// (`*/n`, `a-b/n`); months and weekdays also by their English names of three letters, Sunday is 0
/// or 7. When neither day field begins with `*`, a day that fits either of them fits (crontab(5)).
class cron_expression {
public:
  /// errc::bad_request with the field and why. Dates that never come (31 February) are refused.
  static result<cron_expression> parse(std::string_view text);

  /// The first full minute that fits, later than `time`; nothing from the year 9000 on. Steps over
  /// whole months, days and hours: a few hundred steps for 29 February.
  std::optional<timestamp> next_after(timestamp time) const;

  friend bool operator==(const cron_expression&, const cron_expression&) = default;

private:
  bool fits_day(std::chrono::sys_days day, std::chrono::day of_month) const;

  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;
  bool either_day_ = false; ///< Both day fields are restricted: one of them is enough.
};

} // namespace lapwing
