// Which schema files a database has seen, against those that this program knows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "storage/schema_files.hpp"

namespace lapwing {

struct applied_file {
  std::int64_t version;
  std::string digest;
};

struct migration_report {
  int version = 0;                  ///< Of the schema now.
  std::vector<std::string> applied; ///< Names, in order; empty: it was current.
};

std::string sha256_hex(std::string_view text);

/// What stands in the way of using a database to which `applied` was done.
std::optional<error> misfit(const std::vector<applied_file>& applied,
                            std::span<const schema_file> known);
/// Nothing when all of them were applied.
std::optional<error> lacking(const std::vector<applied_file>& applied,
                             std::span<const schema_file> known);

} // namespace lapwing
