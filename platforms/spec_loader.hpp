// From platform files and the environment to checked platforms, or to every mistake at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/mistake.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

struct spec_result {
  platform_spec value;                  ///< To be used only without mistakes.
  std::vector<config_mistake> mistakes; ///< In the order of the file.

  bool ok() const noexcept { return mistakes.empty(); }
};

/// One platform file; `file_name` is what mistakes call it. The client's id and secret come from
/// `env`: NAME_CLIENT_ID and NAME_CLIENT_SECRET, then those of `oauth.client_env`. Blocks on files
/// only where a secret is given as `file:/path`.
spec_result load_platform_text(std::string_view toml, std::string_view file_name,
                               const environment& env);

struct platforms_result {
  std::vector<platform_spec> platforms; ///< By name. To be used only without mistakes.
  std::vector<config_mistake> mistakes;

  bool ok() const noexcept { return mistakes.empty(); }
};

/// The eight that ship, and the `*.toml` files of `directory` (empty or not there: none), which add
/// platforms or replace whole ones by name. Blocks on files.
platforms_result load_platforms(const std::string& directory, const environment& env);

/// Whether people can connect it: there is a client id, and a secret where one is needed.
bool connectable(const platform_spec& platform) noexcept;

/// Writes the operator's Google Cloud project into Gmail's topic. Without one nothing is registered
/// there, and the platform is polled.
void fill_project(platform_spec& platform, std::string_view project);

/// Sends every request of the platform to `base` ("http://127.0.0.1:9000") instead:
/// https://host/path becomes base/host/path. For the simulator. WebSub topics are names, not
/// addresses, and stay.
void redirect_to(platform_spec& platform, std::string_view base);

} // namespace lapwing
