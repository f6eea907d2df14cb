// The files of config/platforms/, as they travel inside the program.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

namespace lapwing {

struct builtin_platform {
  std::string_view file_name; ///< "github.toml"
  std::string_view toml;
};

/// By file name.
std::span<const builtin_platform> builtin_platforms() noexcept;

/// One of the eight that ship: each has a route and a section of [webhooks] of its own.
inline bool is_builtin(std::string_view name) noexcept {
  return std::ranges::any_of(builtin_platforms(), [name](const builtin_platform& one) {
    return one.file_name.starts_with(name) && one.file_name.substr(name.size()) == ".toml";
  });
}

} // namespace lapwing
