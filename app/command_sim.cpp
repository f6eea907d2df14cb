#include "app/command_sim.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "sim/server.hpp"

namespace lapwing {

void add_sim_command(CLI::App& app, int& exit_code) {
  auto chosen = std::make_shared<sim::simulator_options>();
  chosen->listen = "127.0.0.1:9100";
  auto users = std::make_shared<unsigned>(1);
  auto* command = app.add_subcommand("sim", "Play the eight platforms on this machine");
  command->footer("A node asks it instead of the real ones with\n"
                  "  LAPWING_PLATFORMS__SIMULATOR=http://127.0.0.1:9100 \\\n"
                  "  LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES=true \\\n"
                  "  API_URL=http://127.0.0.1:3001 ENCRYPTION_KEY=$(openssl rand -hex 32) \\\n"
                  "  SPOTIFY_CLIENT_ID=sim-spotify-id SPOTIFY_CLIENT_SECRET=sim-spotify-secret \\\n"
                  "  lapwing node --dev\n"
                  "POST /_control makes faults, GET /_stats counts calls.");
  command->add_option("--listen", chosen->listen, "ADDRESS:PORT on loopback; port 0 picks one")
    ->capture_default_str();
  command->add_option("--seed", chosen->world.seed, "The same seed gives the same world")
    ->capture_default_str();
  command->add_option("--users", *users, "People user-0, user-1, ... who are there from the start")
    ->capture_default_str();
  command->add_option("--rate", chosen->world.items_per_hour,
                      "Items an hour in each mailbox; other platforms in proportion")
    ->capture_default_str();
  command->add_option("--fault", chosen->faults, "What goes wrong, as POST /_control takes it");
  command->callback([chosen, users, &exit_code] {
    for (unsigned i = 0; i < *users; ++i)
      chosen->users.push_back("user-" + std::to_string(i));
    exit_code = sim::run_simulator(*chosen, std::cout, std::cerr);
  });
}

} // namespace lapwing
