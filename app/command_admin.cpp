#include "app/command_admin.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/admin_client.hpp"
#include "app/admin_view.hpp"
#include "core/ids.hpp"

namespace lapwing {
namespace {

struct options {
  std::string node = "http://127.0.0.1:3001";
  std::string token;
  std::string ca_file;
  bool json = false;
  std::string argument; ///< Of the views and commands that have one.
};

enum class method { get, post };

void run(const options& chosen, method how, const std::string& view, int& exit_code) {
  exit_code = exit_failed;
  const admin_client client{chosen.node, chosen.token, chosen.ca_file};
  const auto path = chosen.argument.empty() ? view : view + "/" + chosen.argument;
  const auto outcome = how == method::post ? client.post(path) : client.get(path);
  if (const auto* failure = std::get_if<admin_failure>(&outcome)) {
    fmt::print(stderr, "{}\n", failure->why);
    return;
  }
  const auto& body = std::get<std::string>(outcome);
  const auto text = render_admin(view, body);
  if (!text) {
    fmt::print(stderr, "that is no Lapwing node: the answer is not a JSON object\n");
    return;
  }
  std::fputs(chosen.json ? (body + '\n').c_str() : text->c_str(), stdout);
  exit_code = exit_fine;
}

/// What may stand in a path as it is.
std::string check_user(const std::string& text) {
  return valid_user_id(text) ? "" : "not a user id";
}

std::string check_session(const std::string& text) {
  const bool fits = !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return fits ? "" : "not a session id (`lapwing admin sessions` shows them)";
}

std::string check_mail(const std::string& text) {
  const bool fits = text == "all"
                    || (!text.empty() && text.size() <= 18 && std::ranges::all_of(text, [](char c) {
                         return c >= '0' && c <= '9';
                       }));
  return fits ? "" : "not the number of a mail (`lapwing admin mails` shows them), and not all";
}

} // namespace

void add_admin_command(CLI::App& app, int& exit_code) {
  auto chosen = std::make_shared<options>();
  auto* admin = app.add_subcommand("admin", "Look into a running node and act on it");
  admin->require_subcommand(1);
  admin->footer("Examples:\n"
                "  lapwing admin nodes\n"
                "  lapwing admin user ann --node http://127.0.0.1:3001\n"
                "  LAPWING_ADMIN_TOKEN=$(lapwing token --user operator --role admin) \\\n"
                "    lapwing admin sessions --json\n"
                "  lapwing admin close-session 00000000000000a1\n"
                "  lapwing admin log-level debug");
  admin->add_option("--node", chosen->node, "Address of the node")->capture_default_str();
  admin
      ->add_option("--token", chosen->token,
                   "Token of role admin; better in the environment, where `ps` does not show it")
      ->envname("LAPWING_ADMIN_TOKEN");
  admin->add_option("--ca", chosen->ca_file,
                    "PEM file with the CA of a node that speaks TLS (https://)");
  admin->add_flag("--json", chosen->json, "Print the node's answer as it came");

  // The options above may follow the view: `admin users --json`.
  const auto add = [&](const std::string& view, const char* about, method how = method::get) {
    auto* command = admin->add_subcommand(view, about)->fallthrough();
    command->callback([chosen, how, view, &exit_code] { run(*chosen, how, view, exit_code); });
    return command;
  };
  add("nodes", "Each node: address, version, uptime, users, sessions, rooms");
  add("users", "Active users with their sessions and platforms");
  add("user", "One user's tree: supervisor, platforms, sessions")
      ->add_option("user", chosen->argument, "User id")
      ->required()
      ->check(check_user);
  add("sessions", "Open streams with queue and cursor");
  add("actors", "Actors by kind with mailbox lengths");
  add("top", "The busiest actors");
  add("rooms", "Rooms with members");
  add("mails", "Mails that wait, and those that were given up");
  add("resend-mail", "Send a dead letter again, or all of them", method::post)
      ->add_option("id", chosen->argument, "Its number (`lapwing admin mails` shows it), or all")
      ->required()
      ->check(check_mail);
  add("close-session", "Close one stream; its client can resume", method::post)
      ->add_option("id", chosen->argument, "Session id")
      ->required()
      ->check(check_session);
  add("log-level", "Set the least severity that is logged, until the next start", method::post)
      ->add_option("level", chosen->argument, "trace, debug, info, warn or error")
      ->required()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
}

} // namespace lapwing
