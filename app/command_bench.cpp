#include "app/command_bench.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/command_bench_poll.hpp"
#include "benchmarks/load/bench.hpp"

namespace lapwing {
namespace {

using load::bench_options;
using load::scenario;

/// Set by Ctrl-C: a signal handler reaches nothing but statics.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_interrupt(int) {
  interrupted.store(true);
  // A second Ctrl-C ends the process at once.
  std::signal(SIGINT, SIG_DFL);
}

void handle_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

/// What the command line says, before it is understood.
struct bench_arguments {
  bench_options options;
  std::string target = "127.0.0.1:3001";
  bool websocket = false;
};

void add_common(CLI::App& command, bench_arguments& into) {
  auto& options = into.options;
  command.add_option("--target", into.target, "The node: ADDRESS:PORT on loopback")
    ->envname("LAPWING_BENCH_TARGET")
    ->capture_default_str();
  command.add_option("--users", options.users, "Different users");
  command.add_option("--prefix", options.prefix, "Users are called PREFIX-0, PREFIX-1, ...")
    ->capture_default_str();
  command.add_option("--jwt-secret", options.jwt_secret,
                     "The node's HS256 secret, to mint tokens with; not needed in development "
                     "identity")
    ->envname("LAPWING_AUTH__JWT_SECRET");
  command.add_option("--token", options.token, "A bearer token with the role service_role");
  command.add_option("--pid", options.pid,
                     "The node's process (default: the one that listens on the target's port)");
  command.add_option("--threads", options.threads, "Threads of this client")
    ->capture_default_str();
  command.add_option("--runs", options.runs, "Repeat, and show the median")
    ->capture_default_str();
  command.add_flag("--json", options.json, "Print JSON instead of the table");
}

void add_streams(CLI::App& command, bench_arguments& into) {
  auto& options = into.options;
  command.add_option("--streams", options.streams, "Open streams");
  auto* websocket = command.add_flag("--ws", into.websocket, "Streams are WebSockets");
  command.add_flag("--sse")
    ->description("Streams are server-sent events (the default)")
    ->excludes(websocket);
  command.add_option("--burst", options.burst, "Streams connecting at once, per thread")
    ->capture_default_str();
  command.add_option("--settle", options.settle, "Seconds of rest after connecting")
    ->capture_default_str();
}

void add_sending(CLI::App& command, bench_arguments& into) {
  auto& options = into.options;
  command.add_option("--publishers", options.publishers,
                     "Connections that send, with one request each in flight");
  command.add_option("--requests", options.requests_max, "End after this many sends");
  command.add_option("--warmup", options.warmup, "Seconds before measuring")
    ->capture_default_str();
  command.add_option("--duration", options.duration, "Seconds measured; 0: until --requests")
    ->capture_default_str();
  command.add_option("--drain", options.drain, "Seconds to wait at most for what is on its way")
    ->capture_default_str();
}

void add_rate(CLI::App& command, bench_arguments& into, const std::string& usual) {
  command.add_option("--rate", into.options.rate,
                     "Sends a second, open loop; 0: as fast as answers come (default: " + usual
                       + ")");
}

void add_events(CLI::App& command, bench_arguments& into) {
  command.add_option("--padding", into.options.padding, "Bytes of padding in each event")
    ->capture_default_str();
}

void add_ephemeral(CLI::App& command, bench_arguments& into) {
  command.add_flag("--ephemeral", into.options.ephemeral, "Events are not stored");
}

void add_secret(CLI::App& command, bench_arguments& into) {
  command.add_option("--secret", into.options.secret, "The node's GitHub webhook secret")
    ->envname("GITHUB_WEBHOOK_SECRET");
}

int run(bench_arguments arguments) {
  auto& options = arguments.options;
  const auto target = load::parse_endpoint(arguments.target);
  if (!target) {
    std::cerr << "bench: " << target.error().detail << '\n';
    return exit_wrong_use;
  }
  options.target = *target;
  options.how = arguments.websocket ? load::transport::websocket : load::transport::sse;
  handle_interrupts();
  return load::run_bench(options, {std::cout, std::cerr, isatty(STDERR_FILENO) == 1}, interrupted);
}

/// A scenario's subcommand, which runs when it is the one that was parsed.
CLI::App& add_scenario(CLI::App& bench, scenario which, const std::string& what,
                       const std::shared_ptr<bench_arguments>& arguments, int& exit_code) {
  auto& command = *bench.add_subcommand(std::string{load::to_string_view(which)}, what);
  arguments->options.which = which;
  add_common(command, *arguments);
  command.callback([&command, arguments, &exit_code] {
    const auto* rate = command.get_option_no_throw("--rate");
    arguments->options.rate_given = rate != nullptr && rate->count() > 0;
    exit_code = run(*arguments);
  });
  return command;
}

} // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  auto& bench = *app.add_subcommand("bench", "Drive a running node as clients do, and measure it");
  bench.require_subcommand(1);
  bench.footer(
    "Rate limits would be what is measured: start the node with\n"
    "  LAPWING_LIMITS__API_REQUESTS=0 LAPWING_LIMITS__WEBHOOK_REQUESTS=0 lapwing node --dev\n"
    "Exit codes: 0 fine, 1 something was lost, doubled or refused, 2 wrong use.");
  const auto scenario_of = [&](scenario which, const std::string& what) {
    auto arguments = std::make_shared<bench_arguments>();
    auto& command = add_scenario(bench, which, what, arguments, exit_code);
    return std::pair<CLI::App&, bench_arguments&>{command, *arguments};
  };
  {
    auto [command, into] = scenario_of(scenario::connect, "Idle streams: memory, connect rate");
    add_streams(command, into);
  }
  {
    auto [command, into] = scenario_of(scenario::fanout, "One room with many members");
    add_streams(command, into);
    add_sending(command, into);
    add_rate(command, into, "0, held back by --window");
    command.add_option("--window", into.options.window,
                       "Events at most that have not reached all members (without --rate)");
    add_events(command, into);
    add_ephemeral(command, into);
  }
  {
    auto [command, into] = scenario_of(scenario::users, "Many users with streams of their own");
    add_streams(command, into);
    add_sending(command, into);
    add_rate(command, into, "0");
    add_events(command, into);
    add_ephemeral(command, into);
  }
  {
    auto [command, into]
      = scenario_of(scenario::webhooks, "Signed GitHub deliveries: durable answers a second");
    add_sending(command, into);
    add_rate(command, into, "0");
    add_secret(command, into);
  }
  {
    auto [command, into]
      = scenario_of(scenario::end_to_end, "From the webhook's POST to the user's stream");
    add_streams(command, into);
    add_sending(command, into);
    add_rate(command, into, "1000");
    add_secret(command, into);
  }
  {
    auto [command, into]
      = scenario_of(scenario::resume, "All streams are cut and resume while events come in");
    add_streams(command, into);
    add_sending(command, into);
    add_rate(command, into, "1000");
    add_events(command, into);
    command.add_option("--cuts", into.options.cuts, "Times all streams are cut")
      ->capture_default_str();
    command.add_option("--outage", into.options.outage, "Seconds they stay away")
      ->capture_default_str();
  }
  add_bench_poll_command(bench, interrupted, handle_interrupts, exit_code);
}

} // namespace lapwing
