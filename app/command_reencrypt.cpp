#include "app/command_reencrypt.hpp"

#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command_config.hpp"
#include "storage/open_store.hpp"

namespace lapwing {
namespace {

/// Of one transaction: a node that shares a database server with this waits no longer than that.
constexpr std::size_t batch_size = 500;

/// How many were left with older keys before this batch.
result<std::size_t> seal_batch(connection_store& connections) {
  std::promise<result<std::size_t>> answer;
  auto found = answer.get_future();
  connections.reencrypt(batch_size,
                        [&answer](result<std::size_t> left) { answer.set_value(std::move(left)); });
  return found.get();
}

/// How many secrets were sealed anew.
result<std::size_t> seal_all(connection_store& connections) {
  std::size_t total = 0;
  std::size_t last = 0;
  while (true) {
    const auto left = seal_batch(connections);
    if (!left)
      return left.error();
    if (*left == 0)
      return total;
    if (total == 0)
      total = *left;
    else if (*left >= last)
      return error{errc::internal,
                   fmt::format("{} secrets do not get fewer; does a node still write with an"
                               " older key?", *left)};
    last = *left;
    fmt::print(stderr, "{} of {} secrets are sealed with older keys\n", *left, total);
  }
}

} // namespace

void add_reencrypt_command(CLI::App& app, int& exit_code) {
  struct options {
    std::string config_file;
    std::string data_dir;
    std::string database_url;
  };
  auto chosen = std::make_shared<options>();
  auto* command
    = app.add_subcommand("reencrypt", "Seal all stored secrets with the newest encryption key");
  command->footer(
    "The keys are those of security.encryption_keys, newest first. To rotate: put the new key\n"
    "before the old one, stop the node, run this, remove the old key, start the node. It can be\n"
    "stopped and run again at any time.\n"
    "Examples:\n"
    "  lapwing reencrypt --config lapwing.toml\n"
    "  LAPWING_SECURITY__ENCRYPTION_KEYS=NEW,OLD lapwing reencrypt --data ./data");
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
    auto settings = load_or_explain(chosen->config_file, overrides, config_purpose::offline);
    if (!settings)
      return;
    std::error_code failure;
    if (settings->node.database_url.empty()
        && !std::filesystem::is_directory(settings->node.data_dir, failure)) {
      fmt::print(stderr, "there is no directory {}; name the node's with --data\n",
                 settings->node.data_dir);
      return;
    }
    settings->node.migrate = false; // A database that no node has used holds no secrets.
    const auto store = open_store(*settings);
    if (!store) {
      fmt::print(stderr, "the database cannot be used: {}\n", store.error().detail);
      return;
    }
    const auto sealed = seal_all((*store)->connections());
    if (!sealed) {
      fmt::print(stderr, "not everything is sealed with the newest key; keep the older ones: {}\n",
                 sealed.error().detail);
      return;
    }
    fmt::print("{} secrets sealed with the newest key; nothing needs an older one\n", *sealed);
    exit_code = exit_fine;
  });
}

} // namespace lapwing
