// The files of config/platforms/, as they travel inside the program.
#pragma once

#include <span>
#include <string_view>

namespace lapwing {

struct builtin_platform {
  std::string_view file_name; ///< "github.toml"
  std::string_view toml;
};

/// By file name.
std::span<const builtin_platform> builtin_platforms() noexcept;

} // namespace lapwing
