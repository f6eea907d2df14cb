// How a simulated world is set up. Where a provider's number is public it is the default here
// (PLATFORMS.md); the others are marked as guesses.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "sim/platform.hpp"

namespace lapwing::sim {

/// An OAuth client as the provider knows it.
struct application {
  provider at = provider::github;
  std::string client_id;
  std::string client_secret;
  /// Exact; empty: any address of this machine.
  std::vector<std::string> redirect_uris;
  /// GitHub Apps against OAuth apps, Slack with and without token rotation.
  bool expiring_tokens = true;
};

struct world_options {
  std::uint64_t seed = 1;
  timestamp start{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  /// "" for the real addresses; with "http://127.0.0.1:8088" links in answers lead to
  /// http://127.0.0.1:8088/api.github.com/... instead.
  std::string base_url;
  /// A provider without one here gets `sim-PROVIDER-id` and `sim-PROVIDER-secret`.
  std::vector<application> applications;

  double items_per_hour = 1.0;        ///< Of a mailbox; the other platforms in proportion to it.
  std::chrono::seconds history{24 * 3600}; ///< A new person has a past of this length.
  /// Of every access token that ends and can be refreshed; 0: the provider's own.
  std::chrono::seconds access_token_life{0};

  // Provider limits. 0: unlimited.
  std::uint32_t spotify_calls_per_30s = 180;  ///< Per application; a guess, Spotify tells nobody.
  std::uint32_t youtube_units_per_day = 10'000;
  std::uint32_t github_calls_per_hour = 5'000;
  std::uint32_t discord_calls_per_second = 50;
  std::uint32_t discord_guild_calls_per_5s = 5; ///< Per person; a guess.
  std::uint32_t slack_history_per_minute = 1;   ///< 50 for Marketplace and internal applications.
  std::uint32_t slack_history_limit = 15;       ///< 999 for those.
  std::uint32_t slack_list_per_minute = 20;
  std::uint32_t linkedin_calls_per_day = 500;   ///< Per member; a guess.

  std::chrono::seconds github_feed_lag{30};
  std::chrono::seconds github_poll_interval{60};
  std::chrono::hours gmail_history_life{7 * 24};
  std::chrono::hours calendar_token_life{28 * 24}; ///< A guess.
  bool google_testing = false;    ///< The consent screen is in testing: grants die after 7 days.
  bool linkedin_partner = false;  ///< Only partners get refresh tokens.

  // What an operator sets in a provider's portal. "{user}" stands for the person's name.
  std::string pubsub_push_url;    ///< Of the Pub/Sub subscription; "" pull only.
  std::string pubsub_audience;    ///< "": the push URL.
  std::string pubsub_service_account = "push@lapwing-sim.iam.gserviceaccount.com";
  std::string pubsub_subscription = "projects/lapwing-sim/subscriptions/gmail";
  std::string slack_events_url;   ///< "": no Events API.
  std::string slack_signing_secret = "sim-slack-signing-secret";
  std::string discord_events_url; ///< "": no webhook events.
  std::string mailgun_api_key = "sim-mailgun-key";
  std::string mailgun_domain = "mg.example.com";

  /// From an item to its delivery: at least, and on average as much again.
  std::chrono::milliseconds delivery_delay{500};
};

/// Takes the providers' limits away.
void lift_limits(world_options& of);

} // namespace lapwing::sim
