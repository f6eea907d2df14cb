#include "benchmarks/poll/platform_files.hpp"

#include <algorithm>
#include <fstream>

#include "platforms/builtin.hpp"
#include "platforms/spec_loader.hpp"

namespace lapwing::poll_bench {
namespace {

/// As many polls under way as a platform file may ask for.
constexpr std::string_view no_rest
  = "concurrency = 1000\nuser_gap_min = \"0s\"\nuser_gap_max = \"0s\"\n";

std::string without_rests(std::string toml) {
  constexpr std::string_view table = "\n[limits]\n";
  if (const auto at = toml.find(table); at != std::string::npos)
    toml.insert(at + table.size(), no_rest);
  else
    toml.append(table).append(no_rest);
  return toml;
}

} // namespace

result<std::vector<polled_platform>> write_platform_files(
  std::span<const std::string> names, const std::filesystem::path& directory) {
  std::vector<polled_platform> out;
  for (const auto& name : names) {
    const auto file_name = name + ".toml";
    const auto shipped = builtin_platforms();
    const auto found
      = std::find_if(shipped.begin(), shipped.end(),
                     [&](const builtin_platform& one) { return one.file_name == file_name; });
    if (found == shipped.end())
      return error{errc::not_found, "no platform " + name + " ships"};
    const auto toml = without_rests(std::string{found->toml});
    const auto loaded = load_platform_text(toml, file_name, {});
    if (!loaded.ok())
      return error{errc::internal, to_string(loaded.mistakes.front())};
    std::ofstream file{directory / file_name};
    file << toml;
    file.close();
    if (!file)
      return error{errc::internal, "a platform file cannot be written"};
    auto& platform = out.emplace_back();
    platform.name = name;
    for (const auto& endpoint : loaded.value.poll.endpoints)
      platform.endpoints.push_back(endpoint.id);
  }
  return out;
}

} // namespace lapwing::poll_bench
