#include "app/command_bench_poll.hpp"

#include <filesystem>
#include <iostream>
#include <memory>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "benchmarks/poll/poll_bench.hpp"

namespace lapwing {

void add_bench_poll_command(CLI::App& bench, const std::atomic<bool>& interrupted,
                            std::function<void()> prepare, int& exit_code) {
  auto options = std::make_shared<poll_bench::poll_options>();
  auto& command = *bench.add_subcommand(
    "poll", "Connected users: memory and CPU at rest, due polls a second");
  command.footer("Starts a node and a simulator of its own, and needs no running node. With the\n"
                 "defaults it takes some ten minutes and 2 GB of memory and disk.\n"
                 "Example: lapwing bench poll --users 10000 --platforms spotify,github");
  command.add_option("--users", options->users, "Users, each connected to every platform")
    ->capture_default_str();
  command.add_option("--platforms", options->platforms,
                     "Some of spotify, github, gmail and discord (default: spotify,github,gmail)")
    ->delimiter(',');
  command.add_flag("!--one-size", options->linear,
                   "Only --users; otherwise a tenth and a third of them before");
  command.add_option("--rest", options->rest, "Seconds each state is watched at rest")
    ->capture_default_str();
  command.add_option("--duration", options->duration, "Seconds of polls, at most")
    ->capture_default_str();
  command.add_option("--rate", options->item_rate, "Items an hour in a mailbox; others in proportion")
    ->capture_default_str();
  command.add_option("--threads", options->threads, "Threads of the node; 0: one per core")
    ->capture_default_str();
  command.add_option("--directory", options->directory,
                     "Where the stores are made and deleted again (default: /tmp)");
  command.add_flag("--json", options->json, "Print JSON instead of the table");
  command.callback([options, &interrupted, prepare = std::move(prepare), &exit_code] {
    prepare();
    options->program = std::filesystem::read_symlink("/proc/self/exe").string();
    exit_code = poll_bench::run_poll_bench(
      *options, {std::cout, std::cerr, isatty(STDERR_FILENO) == 1}, interrupted);
  });
}

} // namespace lapwing
