// The eight platforms that users connect, and the six providers that authorize them: Google stands
// behind three platforms with one authorization server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lapwing::sim {

enum class platform : std::uint8_t {
  spotify,
  youtube,
  github,
  discord,
  gmail,
  calendar,
  slack,
  linkedin
};
inline constexpr std::size_t platform_count = 8;

enum class provider : std::uint8_t { spotify, google, github, discord, slack, linkedin };
inline constexpr std::size_t provider_count = 6;

constexpr std::size_t index_of(platform value) noexcept { return static_cast<std::size_t>(value); }
constexpr std::size_t index_of(provider value) noexcept { return static_cast<std::size_t>(value); }

inline constexpr std::array<platform, platform_count> all_platforms{
  platform::spotify, platform::youtube,  platform::github, platform::discord,
  platform::gmail,   platform::calendar, platform::slack,  platform::linkedin};

/// The name in configuration and routes: "github", "calendar", ...
std::string_view name_of(platform value) noexcept;
std::string_view name_of(provider value) noexcept;
/// "google_calendar" is understood as well.
std::optional<platform> platform_of(std::string_view name) noexcept;
provider provider_of(platform value) noexcept;

} // namespace lapwing::sim
