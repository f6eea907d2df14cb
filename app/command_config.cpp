#include "app/command_config.hpp"

#include <cstdio>

#include <filesystem>

#include <fmt/format.h>

#include "platforms/spec_loader.hpp"

namespace lapwing {
namespace {

void explain(const std::vector<config_mistake>& mistakes) {
  for (const auto& mistake : mistakes)
    fmt::print(stderr, "{}\n", to_string(mistake));
  fmt::print(stderr, "{} {} in the configuration\n", mistakes.size(),
             mistakes.size() == 1 ? "mistake" : "mistakes");
}

} // namespace

std::optional<config> load_or_explain(const std::string& file,
                                      const std::vector<config_override>& overrides,
                                      config_purpose purpose) {
  auto loaded = load(file.empty() ? nullptr : &file, process_environment(), overrides, purpose);
  if (loaded.ok())
    return std::move(loaded.value);
  explain(loaded.mistakes);
  return {};
}

std::optional<std::vector<platform_spec>> platforms_or_explain(const config& settings,
                                                               const std::string& file) {
  auto directory = settings.platforms.directory;
  if (directory.empty() && !file.empty())
    directory = (std::filesystem::path{file}.parent_path() / "platforms").string();
  auto loaded = load_platforms(directory, process_environment());
  if (!loaded.ok()) {
    explain(loaded.mistakes);
    return {};
  }
  for (auto& platform : loaded.platforms) {
    fill_project(platform, settings.webhooks.google_project_id);
    if (!settings.platforms.simulator.empty())
      redirect_to(platform, settings.platforms.simulator);
  }
  return std::move(loaded.platforms);
}

} // namespace lapwing
