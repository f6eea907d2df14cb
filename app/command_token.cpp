#include "app/command_token.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command_config.hpp"
#include "config/values.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "net/auth/jwt.hpp"

namespace lapwing {
namespace {

struct options {
  std::string user;
  std::string role = "authenticated";
  std::string ttl = "1h";
  std::string config_file;
  std::vector<std::string> rooms;
};

/// A claim `rooms` holds names, or beginnings of names followed by `*`.
bool valid_room_claim(std::string_view room) {
  if (room.ends_with('*'))
    room.remove_suffix(1);
  return room.empty() || valid_room_id(room);
}

void mint(const options& chosen, int& exit_code) {
  const auto ttl = parse_duration(chosen.ttl);
  if (!ttl || ttl->count() == 0)
    throw CLI::ValidationError{"--ttl", "give a duration such as 30s, 15m, 1h or 30d"};
  if (!valid_user_id(chosen.user))
    throw CLI::ValidationError{
        "--user", "1 to 128 printable characters without space , / ? # % \\ and quotes"};
  for (const auto& room : chosen.rooms)
    if (!valid_room_claim(room))
      throw CLI::ValidationError{"--rooms",
                                 "letters, digits and : _ . -, with * at the end at most"};

  exit_code = exit_failed;
  const auto settings = load_or_explain(chosen.config_file);
  if (!settings)
    return;
  if (settings->auth.jwt_secret.empty()) {
    std::fputs(settings->dev() ? "auth.mode is \"dev\": clients need no token\n"
                               : "auth.jwt_secret is not set: tokens are made by whoever holds "
                                 "the private keys of the JWKS\n",
               stderr);
    return;
  }
  const auto now = system_wall_clock{}.now();
  jwt_claims claims;
  claims.subject = chosen.user;
  claims.role = chosen.role;
  claims.rooms = chosen.rooms;
  claims.issued_at = now;
  claims.expires = now + *ttl;
  claims.issuer = settings->auth.issuer;
  if (!settings->auth.audience.empty())
    claims.audience = {settings->auth.audience};
  fmt::print("{}\n", mint_hs256(hmac_sha256_key{settings->auth.jwt_secret}, claims));
  exit_code = exit_fine;
}

} // namespace

void add_token_command(CLI::App& app, int& exit_code) {
  auto chosen = std::make_shared<options>();
  auto* command = app.add_subcommand("token", "Mint a JWT with the configured secret");
  command->footer("Examples:\n"
                  "  lapwing token --user ann --config lapwing.toml\n"
                  "  lapwing token --user backend --role service_role --ttl 30d\n"
                  "  lapwing token --user ann --rooms 'artist:ann,news:*'\n"
                  "  curl -N -H \"Authorization: Bearer $(lapwing token --user ann)\" \\\n"
                  "       'http://127.0.0.1:3001/api/sse/stream?userId=ann'");
  command->add_option("--user", chosen->user, "User id (`sub`)")->required();
  command->add_option("--role", chosen->role, "What the token may do")
      ->check(CLI::IsMember({"authenticated", "service_role", "admin"}))
      ->capture_default_str();
  command->add_option("--ttl", chosen->ttl, "How long it is good for: 30s, 15m, 1h, 30d")
      ->capture_default_str();
  command
      ->add_option("--rooms", chosen->rooms,
                   "Rooms it may join; * at the end for all that begin so")
      ->delimiter(',');
  command->add_option("--config", chosen->config_file,
                      "TOML file; without it the environment (LAPWING_AUTH__JWT_SECRET)");
  command->callback([chosen, &exit_code] { mint(*chosen, exit_code); });
}

} // namespace lapwing
