// From a TOML file, the environment and the command line to a checked config, or to every mistake
// at once. Later sources win:
//   defaults < file < the seeds' own variables (GITHUB_WEBHOOK_SECRET, ...) < LAPWING_SECTION__KEY
//   < command line
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/mistake.hpp"

namespace lapwing {

/// A setting from the command line.
struct config_override {
  std::string path;   ///< "node.listen"
  std::string value;  ///< As in the environment: lists are comma separated.
  std::string origin; ///< "--listen", named in mistakes.
};

struct load_result {
  config value;                         ///< To be used only without mistakes.
  std::vector<config_mistake> mistakes; ///< In the order of file, environment, command line.

  bool ok() const noexcept { return mistakes.empty(); }
};

/// What the configuration is read for.
enum class config_purpose {
  serve,  ///< A node: listeners and identity must be right too.
  offline ///< A command that only works on the database.
};

/// `path`: null for defaults. Secrets given as "file:/path" are read here. Development identity
/// gets its own defaults here too (see docs/configuration.md). Blocks on files; never throws for
/// anything an operator can cause.
load_result load(const std::string* path, const environment& env,
                 const std::vector<config_override>& overrides = {},
                 config_purpose purpose = config_purpose::serve);

/// The same from the text of a file; `file_name` is what mistakes call it.
load_result load_text(std::string_view toml, std::string_view file_name, const environment& env,
                      const std::vector<config_override>& overrides = {},
                      config_purpose purpose = config_purpose::serve);

} // namespace lapwing
