// The files of storage/schema/, in order, as they were when this program was built (embedded by
// storage/CMakeLists.txt).
#pragma once

#include <span>
#include <string_view>

namespace lapwing {

struct schema_file {
  int version;           ///< The number its name begins with: 1, 2, 3, ...
  std::string_view name; ///< "0001_init".
  std::string_view sql;
};

/// SQLite's.
std::span<const schema_file> schema_files() noexcept;
/// PostgreSQL's, of storage/schema/postgres/.
std::span<const schema_file> postgres_schema_files() noexcept;

} // namespace lapwing
