// The `filter` of a postgres_changes entry: `column=[not.]op.value`, joined by commas, all of which
// must hold.
//
// Values are compared as the column's type compares them, with SQL's rule for null: a comparison
// with it is unknown, and unknown is not enough. Texts are ordered by their bytes (PostgreSQL's
// collation "C").
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "realtime/transactions.hpp"

namespace lapwing::realtime {

enum class filter_operator : std::uint8_t {
  eq, neq, lt, lte, gt, gte, in, like, ilike, is, match, imatch, isdistinct,
};

std::string_view to_string_view(filter_operator op) noexcept;

inline constexpr std::size_t filter_values_max = 100; ///< Of one `in`.
inline constexpr std::size_t filter_bytes_max = 16 * 1024;
inline constexpr std::size_t filter_conditions_max = 32;

struct filter_condition {
  std::string column;
  filter_operator op = filter_operator::eq;
  bool negated = false;
  std::string value; ///< Without quotes; of `in`, an array literal.
};

/// No conditions: every row.
using row_filter = std::vector<filter_condition>;

/// errc::bad_request; `detail` is the documented sentence for the client.
result<row_filter> parse_filter(std::string_view text);

/// A filter for one shape of a table: columns found, values read, patterns compiled.
class bound_filter {
public:
  /// errc::bad_request with PostgreSQL's words when a column does not exist, a value is not of its
  /// type, or an operator does not apply.
  static result<bound_filter> bind(const row_filter& filter, const table& of);

  /// Any thread. A row without the value of a column that is asked for does not match.
  /// `key_only`: only columns of the replica identity have values.
  bool matches(const table& of, const tuple& row, bool key_only) const;

private:
  struct condition;
  std::vector<std::shared_ptr<const condition>> conditions_;
};

} // namespace lapwing::realtime
