#include "app/command_migrate.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command_config.hpp"
#include "storage/open_store.hpp"

namespace lapwing {

void add_migrate_command(CLI::App& app, int& exit_code) {
  struct options {
    std::string config_file;
    std::string data_dir;
    std::string database_url;
  };
  auto chosen = std::make_shared<options>();
  auto* command = app.add_subcommand("migrate", "Apply the schema to the database");
  command->footer("Examples:\n"
                  "  lapwing migrate --config lapwing.toml\n"
                  "  lapwing migrate --data ./data\n"
                  "A node does the same at start unless node.migrate is false.");
  command->add_option("--config", chosen->config_file, "TOML file");
  command->add_option("--data", chosen->data_dir, "Directory of the SQLite file");
  command->add_option("--database-url", chosen->database_url, "postgresql://... instead of SQLite");
  command->callback([chosen, &exit_code] {
    std::vector<config_override> overrides;
    if (!chosen->data_dir.empty())
      overrides.push_back({"node.data_dir", chosen->data_dir, "--data"});
    if (!chosen->database_url.empty())
      overrides.push_back({"node.database_url", chosen->database_url, "--database-url"});
    exit_code = exit_failed;
    const auto settings = load_or_explain(chosen->config_file, overrides, config_purpose::offline);
    if (!settings)
      return;
    const auto report = migrate_store(*settings);
    if (!report) {
      fmt::print(stderr, "the schema was not applied: {}\n", report.error().detail);
      return;
    }
    for (const auto& name : report->applied)
      fmt::print("applied {}\n", name);
    fmt::print("the schema is at version {}{}\n", report->version,
               report->applied.empty() ? ", nothing to do" : "");
    exit_code = exit_fine;
  });
}

} // namespace lapwing
