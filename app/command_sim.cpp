#include "app/command_sim.hpp"

#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "config/values.hpp"
#include "sim/server.hpp"

namespace lapwing {
namespace {

struct options {
  sim::simulator_options simulator;
  std::vector<std::string> names;
  unsigned users = 1;
  std::string history = "24h";
  std::string token_life = "0s";
};

std::chrono::seconds duration_of(const std::string& option, const std::string& text) {
  auto parsed = parse_duration(text);
  if (!parsed)
    throw CLI::ValidationError{option, "give a duration such as 30s, 15m or 24h"};
  return std::chrono::duration_cast<std::chrono::seconds>(*parsed);
}

int play(options chosen) {
  auto& simulator = chosen.simulator;
  simulator.world.history = duration_of("--history", chosen.history);
  simulator.world.access_token_life = duration_of("--token-life", chosen.token_life);
  simulator.users = chosen.names;
  if (chosen.names.empty())
    for (unsigned i = 0; i < chosen.users; ++i)
      simulator.users.push_back("user-" + std::to_string(i));
  return sim::run_simulator(std::move(simulator), std::cout, std::cerr);
}

} // namespace

void add_sim_command(CLI::App& app, int& exit_code) {
  auto chosen = std::make_shared<options>();
  auto& simulator = chosen->simulator;
  auto& world = simulator.world;
  simulator.listen = "127.0.0.1:9100";
  auto* command = app.add_subcommand("sim", "Play the eight platforms on this machine");
  command->footer("A node asks it instead of the real ones with\n"
                  "  LAPWING_PLATFORMS__SIMULATOR=http://127.0.0.1:9100 \\\n"
                  "  LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES=true \\\n"
                  "  API_URL=http://127.0.0.1:3001 ENCRYPTION_KEY=$(openssl rand -hex 32) \\\n"
                  "  SPOTIFY_CLIENT_ID=sim-spotify-id SPOTIFY_CLIENT_SECRET=sim-spotify-secret \\\n"
                  "  lapwing node --dev\n"
                  "POST /_control makes faults, GET /_stats counts calls: docs/simulator.md.\n"
                  "scripts/run --demo starts both, with people who connect everything.");
  command->add_option("--listen", simulator.listen, "ADDRESS:PORT on loopback; port 0 picks one")
    ->capture_default_str();
  command->add_option("--seed", world.seed, "The same seed gives the same world")
    ->capture_default_str();
  auto* users = command->add_option("--users", chosen->users,
                                    "People user-0, user-1, ... who are there from the start");
  users->capture_default_str();
  command->add_option("--user", chosen->names, "A person of this name instead; may be repeated")
    ->excludes(users);
  command->add_option("--rate", world.items_per_hour,
                      "Items an hour in each mailbox; other platforms in proportion")
    ->check(CLI::NonNegativeNumber)
    ->capture_default_str();
  command->add_option("--history", chosen->history, "How far back each person's past goes")
    ->capture_default_str();
  command->add_option("--token-life", chosen->token_life,
                      "Of access tokens that end and can be refreshed; 0s: as long as the platform's")
    ->capture_default_str();
  command->add_option("--pubsub-push-url", world.pubsub_push_url,
                      "Where Gmail's notices are pushed; without it they are not");
  command->add_option("--slack-events-url", world.slack_events_url,
                      "Where Slack's events go, {user} stands for the person; without it nowhere");
  command->add_option("--discord-events-url", world.discord_events_url,
                      "Where Discord's webhook events go, {user} as above");
  command->add_flag_callback(
    "--unlimited", [chosen] { sim::lift_limits(chosen->simulator.world); },
    "No provider limits its callers; for load");
  command->add_option("--fault", simulator.faults, "What goes wrong, as POST /_control takes it");
  command->callback([chosen, &exit_code] { exit_code = play(*chosen); });
}

} // namespace lapwing
