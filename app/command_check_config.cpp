#include "app/command_check_config.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command_config.hpp"
#include "config/document.hpp"

namespace lapwing {

void add_check_config_command(CLI::App& app, int& exit_code) {
  struct options {
    std::string file;
    bool print_docs = false;
    bool print_sample = false;
  };
  auto chosen = std::make_shared<options>();
  auto* command =
      app.add_subcommand("check-config", "Show every mistake in a configuration at once");
  command->footer("Examples:\n"
                  "  lapwing check-config lapwing.toml\n"
                  "  LAPWING_LIMITS__API_REQUESTS=200 lapwing check-config lapwing.toml\n"
                  "  lapwing check-config --print-sample > lapwing.toml");
  command->add_option("file", chosen->file,
                      "TOML file; the environment counts as it would for a node. Without a file "
                      "only the environment is checked");
  auto* docs = command->add_flag("--print-docs", chosen->print_docs,
                                 "Print the reference of all keys as Markdown instead");
  command
      ->add_flag("--print-sample", chosen->print_sample,
                 "Print a file with every key and its default instead")
      ->excludes(docs);
  command->callback([chosen, &exit_code] {
    if (chosen->print_docs || chosen->print_sample) {
      std::fputs((chosen->print_docs ? configuration_markdown() : sample_toml()).c_str(), stdout);
      return;
    }
    const auto loaded = load_or_explain(chosen->file);
    if (loaded && platforms_or_explain(*loaded, chosen->file))
      fmt::print("{}: no mistakes\n", chosen->file.empty() ? "environment" : chosen->file);
    else
      exit_code = exit_failed;
  });
}

} // namespace lapwing
