// Arguments and exit code. Each command lives in app/command_NAME.cpp.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command_admin.hpp"
#include "app/command_bench.hpp"
#include "app/command_check_config.hpp"
#include "app/command_keys.hpp"
#include "app/command_migrate.hpp"
#include "app/command_node.hpp"
#include "app/command_reencrypt.hpp"
#include "app/command_sim.hpp"
#include "app/command_token.hpp"
#include "app/command_version.hpp"
#include "config/mistake.hpp"
#include "config/values.hpp"

namespace {

/// CLI11 alone would only say that a command is missing.
bool has_unknown_command(const CLI::App& app, const char* typed) {
  if (typed[0] == '-')
    return false;
  std::vector<std::string_view> names;
  for (const auto* command : app.get_subcommands(nullptr))
    names.push_back(command->get_name());
  if (std::ranges::find(names, typed) != names.end())
    return false;
  const auto meant = lapwing::nearest(typed, names);
  fmt::print(stderr, "lapwing has no command {}{}\n", lapwing::quoted(typed),
             meant.empty() ? "; lapwing --help lists them"
                           : fmt::format("; did you mean `lapwing {}`?", meant));
  return true;
}

} // namespace

int main(int argc, char** argv) {
  using namespace lapwing;
  int exit_code = exit_fine;
  CLI::App app{"Lapwing takes in webhooks once and streams them to browsers in order."};
  app.name("lapwing");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 fine, 1 failed, 2 wrong use. `lapwing COMMAND --help` has examples.");
  add_node_command(app, exit_code);
  add_check_config_command(app, exit_code);
  add_token_command(app, exit_code);
  add_keys_command(app, exit_code);
  add_migrate_command(app, exit_code);
  add_reencrypt_command(app, exit_code);
  add_admin_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_sim_command(app, exit_code);
  add_version_command(app, exit_code);
  if (argc > 1 && has_unknown_command(app, argv[1]))
    return exit_wrong_use;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    // Help is a result and goes to standard output; wrong use is explained on standard error.
    return app.exit(stop) == 0 ? exit_fine : exit_wrong_use;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "lapwing: {}\n", failure.what());
    return exit_failed;
  }
  return exit_code;
}
