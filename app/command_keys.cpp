#include "app/command_keys.hpp"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/generated_secrets.hpp"
#include "app/text_table.hpp"

namespace lapwing {
namespace {

void print_as_text(const std::vector<generated_secret>& secrets) {
  text_table table{{"key", "value", ""}};
  for (const auto& secret : secrets)
    table.add({secret.key, secret.value, secret.purpose});
  std::fputs(table.render().c_str(), stdout);
}

void print_as_json(const std::vector<generated_secret>& secrets) {
  auto object = nlohmann::ordered_json::object();
  for (const auto& secret : secrets)
    object[secret.key] = secret.value;
  fmt::print("{}\n", object.dump(2));
}

void print_as_environment(const std::vector<generated_secret>& secrets) {
  for (const auto& secret : secrets)
    fmt::print("{}={}\n", secret.variable, secret.value);
}

} // namespace

void add_keys_command(CLI::App& app, int&) {
  struct options {
    bool json = false;
    bool env = false;
  };
  auto chosen = std::make_shared<options>();
  auto* command = app.add_subcommand("keys", "Make secrets and key pairs; nothing is stored");
  command->footer("Examples:\n"
                  "  lapwing keys\n"
                  "  lapwing keys --env > lapwing.env    # then: set -a; . ./lapwing.env\n"
                  "  lapwing keys --json | jq -r '.\"auth.jwt_secret\"'");
  auto* json = command->add_flag("--json", chosen->json, "One JSON object");
  command->add_flag("--env", chosen->env, "Lines VARIABLE=value")->excludes(json);
  command->callback([chosen] {
    const auto secrets = generate_secrets(secure_random_bytes);
    if (chosen->json)
      print_as_json(secrets);
    else if (chosen->env)
      print_as_environment(secrets);
    else
      print_as_text(secrets);
  });
}

} // namespace lapwing
