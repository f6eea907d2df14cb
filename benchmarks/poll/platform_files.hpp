// Platform files like those that ship, but without rests between two users: those are what would be
// measured.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace lapwing::poll_bench {

/// One polled platform of the benchmark.
struct polled_platform {
  std::string name;
  std::vector<std::string> endpoints; ///< Their ids: each is a timer of its own.
};

/// Writes one file for each of `names` into `directory`. errc::not_found: no such platform ships;
/// errc::internal: it cannot be written.
result<std::vector<polled_platform>> write_platform_files(std::span<const std::string> names,
                                                          const std::filesystem::path& directory);

} // namespace lapwing::poll_bench
