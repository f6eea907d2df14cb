#include "app/command_config.hpp"

#include <cstdio>

#include <fmt/format.h>

namespace lapwing {

std::optional<config> load_or_explain(const std::string& file,
                                      const std::vector<config_override>& overrides,
                                      config_purpose purpose) {
  auto loaded = load(file.empty() ? nullptr : &file, process_environment(), overrides, purpose);
  if (loaded.ok())
    return std::move(loaded.value);
  for (const auto& mistake : loaded.mistakes)
    fmt::print(stderr, "{}\n", to_string(mistake));
  fmt::print(stderr, "{} {} in the configuration\n", loaded.mistakes.size(),
             loaded.mistakes.size() == 1 ? "mistake" : "mistakes");
  return {};
}

} // namespace lapwing
