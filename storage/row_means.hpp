// What the rows of connections are made with, whatever database they are in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "storage/sealed_columns.hpp"

namespace lapwing {

/// From outside. Lives as long as the store.
struct row_means {
  const secret_columns* secrets;
  const wall_clock* clock;
  const random_source* random;

  /// A name for a new row. Throws job_refused when there is no randomness.
  std::string fresh_id(timestamp now) const;
  /// Throws job_refused when it cannot be sealed; nothing for "".
  std::optional<std::string> sealed(const sealed_column& column, std::string_view row_id,
                                    std::string_view secret) const;
};

/// Throws job_refused when the box cannot be opened; "" for NULL.
std::string opened(const secret_columns& secrets, const sealed_column& column,
                   std::string_view row_id, const std::optional<std::string_view>& box);

/// A box to be sealed with the newest key.
struct old_secret {
  const sealed_column* column;
  std::string row_id;
};

/// What one round of changing keys has to do.
struct old_secrets {
  std::size_t count = 0;         ///< Of all that an older key of ours sealed.
  std::vector<old_secret> batch; ///< Some of them.
  std::size_t foreign_count = 0; ///< Looked for when those are none: no key of ours opens them.
};

} // namespace lapwing
