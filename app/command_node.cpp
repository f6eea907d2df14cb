#include "app/command_node.hpp"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <pthread.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "app/command_config.hpp"
#include "app/logging.hpp"
#include "app/node.hpp"
#include "app/version.hpp"
#include "config/reload.hpp"
#include "config/values.hpp"
#include "platforms/spec_loader.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

struct node_options {
  std::string config_file;
  std::string listen;
  std::string data_dir;
  std::string database_url;
  bool dev = false;

  std::vector<config_override> overrides() const {
    std::vector<config_override> list;
    if (!listen.empty())
      list.push_back({"node.listen", listen, "--listen"});
    if (!data_dir.empty())
      list.push_back({"node.data_dir", data_dir, "--data"});
    if (!database_url.empty())
      list.push_back({"node.database_url", database_url, "--database-url"});
    if (dev)
      list.push_back({"auth.mode", "dev", "--dev"});
    return list;
  }
};

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, number);
  return set;
}

/// The signal that came within `patience`, or 0.
int wait_for_signal(const sigset_t& set, std::chrono::milliseconds patience) {
  timespec limit{patience.count() / 1000, (patience.count() % 1000) * 1'000'000};
  int number = sigtimedwait(&set, nullptr, &limit);
  return number > 0 ? number : 0;
}

/// Sockets are what a node holds most of.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// What goes on by itself: "Spotify is polled every 30m".
std::vector<std::string> background_services(const config& settings,
                                             const std::vector<platform_spec>& platforms) {
  std::vector<std::string> out{
    "heartbeat every " + format_duration(settings.streams.heartbeat),
    "retention every " + format_duration(settings.events.retention_interval)};
  if (!settings.platforms.monitor)
    return out;
  out.push_back("tokens and polls that are due are looked for every "
                + format_duration(settings.platforms.scan));
  for (const auto& platform : platforms) {
    if (!connectable(platform) || platform.poll.endpoints.empty())
      continue;
    const auto& schedule = platform.poll.schedule;
    out.push_back(platform.title + " is polled "
                  + (schedule.cron.empty() ? "every " + format_duration(schedule.interval)
                                           : "at " + schedule.cron + " UTC"));
  }
  return out;
}

/// S3-36: what a person wants to see first.
void print_banner(const config& settings, const std::vector<std::string>& services,
                  const node& running) {
  spdlog::info("Lapwing {} ({})", version, settings.dev() ? "development identity: every claim is believed" : settings.node.environment);
  for (const std::string& url : running.addresses()) {
    spdlog::info("dashboard    {}/", url);
    spdlog::info("live stream  curl -N '{}/api/sse/stream?userId=ann'", url);
    spdlog::info("WebSocket    ws{}/ws", url.substr(4));
  }
  spdlog::info("store        {}", settings.node.database_url.empty() ? "SQLite in " + settings.node.data_dir : "PostgreSQL");
  std::string origins;
  for (const std::string& origin : settings.http.cors_origins)
    origins += (origins.empty() ? "" : ", ") + origin;
  spdlog::info("CORS         {}", origins.empty() ? "same origin only" : origins);
  for (const std::string& service : services)
    spdlog::info("background   {}", service);
}

void reload(const node_options& options, config& current, node& running) {
  auto next = load_or_explain(options.config_file, options.overrides());
  if (!next)
    return spdlog::error("SIGHUP: the configuration has mistakes; nothing has changed");
  auto plan = apply_reload(current, *next);
  if (auto taken = running.reload(plan.merged); !taken)
    return spdlog::error("SIGHUP: {}; nothing has changed", taken.error().detail);
  set_log_level(plan.merged.log.level);
  for (const std::string& key : plan.changed)
    spdlog::info("SIGHUP: {} is in force", key);
  for (const std::string& key : plan.needs_restart)
    spdlog::warn("SIGHUP: {} changes with the next start", key);
  spdlog::info("SIGHUP: reloaded, {} changed", plan.changed.size());
  current = std::move(plan.merged);
}

int run(const node_options& options) {
  auto settings = load_or_explain(options.config_file, options.overrides());
  if (!settings)
    return exit_failed;
  auto platforms = platforms_or_explain(*settings, options.config_file);
  if (!platforms)
    return exit_failed;
  // Before any thread: they inherit the mask, so the signals wait for us below.
  auto signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  start_logging(settings->log);
  auto services = background_services(*settings, *platforms);
  auto running = node::start(*settings, std::move(*platforms));
  if (!running) {
    fmt::print(stderr, "the node did not start: {}\n", running.error().detail);
    spdlog::shutdown();
    return exit_failed;
  }
  print_banner(*settings, services, **running);
  for (const std::string& url : (*running)->addresses())
    fmt::print("ready {}\n", url);
  std::fflush(stdout);
  int number = 0;
  while (number != SIGTERM && number != SIGINT) {
    number = wait_for_signal(signals, 1h);
    if (number == SIGHUP)
      reload(options, *settings, **running);
  }
  spdlog::info("draining");
  (*running)->drain();
  auto deadline = std::chrono::steady_clock::now() + settings->node.drain_timeout;
  // A second signal means now.
  while (!(*running)->drained() && std::chrono::steady_clock::now() < deadline)
    if (int again = wait_for_signal(signals, 20ms); again == SIGTERM || again == SIGINT)
      break;
  running->reset();
  spdlog::info("stopped");
  spdlog::shutdown();
  return exit_fine;
}

} // namespace

void add_node_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<node_options>();
  auto* command = app.add_subcommand("node", "Run a node until SIGTERM");
  command->footer("Prints `ready http://A:P` to standard output when it serves.\n"
                  "SIGTERM and SIGINT drain; SIGHUP reads limits, secrets, certificates and the log "
                  "level again.\n"
                  "Examples:\n"
                  "  lapwing node --dev --data ./data\n"
                  "  lapwing node --config /etc/lapwing/lapwing.toml\n"
                  "  lapwing node --dev --listen 127.0.0.1:0");
  command->add_option("--config", options->config_file, "TOML file");
  command->add_option("--listen", options->listen, "Address:port; port 0 picks one");
  command->add_option("--data", options->data_dir, "Directory of the embedded store");
  command->add_option("--database-url", options->database_url, "postgresql://... instead of SQLite");
  command->add_flag("--dev", options->dev, "Development identity: believe ?userId=; loopback only");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

} // namespace lapwing
