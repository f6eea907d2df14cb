#include "sim/platform.hpp"

namespace lapwing::sim {
namespace {

constexpr std::array<std::string_view, platform_count> platform_names{
  "spotify", "youtube", "github", "discord", "gmail", "calendar", "slack", "linkedin"};
constexpr std::array<std::string_view, provider_count> provider_names{
  "spotify", "google", "github", "discord", "slack", "linkedin"};

} // namespace

std::string_view name_of(platform value) noexcept { return platform_names[index_of(value)]; }

std::string_view name_of(provider value) noexcept { return provider_names[index_of(value)]; }

std::optional<platform> platform_of(std::string_view name) noexcept {
  if (name == "google_calendar")
    return platform::calendar;
  for (auto value : all_platforms)
    if (name_of(value) == name)
      return value;
  return std::nullopt;
}

provider provider_of(platform value) noexcept {
  switch (value) {
    case platform::spotify: return provider::spotify;
    case platform::github: return provider::github;
    case platform::discord: return provider::discord;
    case platform::slack: return provider::slack;
    case platform::linkedin: return provider::linkedin;
    case platform::youtube:
    case platform::gmail:
    case platform::calendar: break;
  }
  return provider::google;
}

} // namespace lapwing::sim
