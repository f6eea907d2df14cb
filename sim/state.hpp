// Everything the world knows. The provider files work on it; from outside only world.hpp is seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/chance.hpp"
#include "sim/crypto.hpp"
#include "sim/faults.hpp"
#include "sim/grants.hpp"
#include "sim/limits.hpp"
#include "sim/mailgun.hpp"
#include "sim/options.hpp"
#include "sim/outbox.hpp"
#include "sim/people.hpp"
#include "sim/stats.hpp"
#include "sim/web_push.hpp"

namespace lapwing::sim {

/// A code on its way from the authorization to the token endpoint.
struct authorization_code {
  std::uint32_t grant = 0; ///< Made with the code; without tokens until it is exchanged.
  std::string redirect_uri;
  std::string challenge;   ///< PKCE; "" none.
  timestamp expires_at{};
  bool offline = true;     ///< Google: a refresh token was asked for and is due.
  bool used = false;
};

/// One line of a GitHub hook's delivery log.
struct hook_delivery {
  std::uint64_t id = 0;
  std::uint64_t message = 0; ///< X-GitHub-Delivery follows from it.
  std::uint64_t item = 0;
  std::uint32_t part = 0;
  bool ping = false;
  bool redelivery = false;
  timestamp at{};
  int status = 0;            ///< 0: no answer.
};

struct github_hook {
  std::uint64_t id = 0;
  std::uint32_t person = 0;
  std::size_t repository = 0;
  std::vector<std::string> events;
  std::string url;
  std::string content_type = "form";
  std::string secret;
  bool active = true;
  timestamp created_at{};
  timestamp updated_at{};
  std::deque<hook_delivery> log; ///< Oldest first; three days of it.
};

struct mailbox_state {
  std::uint64_t cutoff = 0; ///< History ids below it are gone.
  std::optional<timestamp> watch_until;
  timestamp last_notice{};
};

struct calendar_change {
  std::uint32_t event = 0;
  std::uint32_t version = 0; ///< 0: created.
  bool cancelled = false;
};

struct calendar_state {
  std::vector<calendar_change> changes; ///< Beside account::times.
  std::vector<std::uint32_t> newest;    ///< Of each event: its last change.
  std::uint32_t epoch = 0;              ///< Sync tokens of earlier ones are gone.
};

struct calendar_channel {
  std::string id;
  std::string resource_id;
  std::string address;
  std::string token;
  std::uint32_t person = 0;
  std::uint32_t application = 0;
  timestamp expires_at{};
  std::uint64_t message_number = 0;
};

struct websub_subscription {
  std::string topic;
  std::string callback;
  std::string secret;
  std::uint32_t person = 0;
  std::optional<timestamp> lease_until; ///< Nothing: not verified yet.
  // What is being verified; the present state stays until it is.
  bool unsubscribing = false;
  std::string next_secret;
  std::chrono::seconds next_lease{0};
  std::string challenge;
};

struct discord_bucket {
  window_counter guilds;
  window_counter me;
};

struct world_state {
  explicit world_state(world_options chosen);

  world_options options;
  timestamp now;
  chance luck;
  std::vector<application> applications;
  people persons;
  grant_table grants;
  std::unordered_map<std::string, authorization_code> codes;
  std::deque<std::string> codes_by_age;
  /// (person, provider, application): it has agreed before; Google gives no second refresh token.
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> grants_of;
  fault_list faults;
  statistics stats;
  outbox deliveries;
  std::uint64_t next_number = 1;
  std::uint64_t next_message = 1;

  std::unordered_map<std::uint32_t, window_counter> spotify_calls;  ///< By application.
  std::unordered_map<std::uint32_t, std::pair<std::int64_t, std::uint32_t>> youtube_units;
  std::unordered_map<std::uint64_t, window_counter> github_calls;   ///< By application and person.
  std::unordered_map<std::uint32_t, discord_bucket> discord_buckets; ///< By person.
  std::unordered_map<std::uint32_t, window_counter> discord_calls;  ///< By application.
  window_counter discord_refused;                                   ///< 401, 403 and 429.
  std::unordered_map<std::uint64_t, window_counter> slack_calls;    ///< By method and person.
  std::unordered_map<std::uint32_t, window_counter> linkedin_calls; ///< By person.

  std::unordered_map<std::uint64_t, github_hook> hooks;
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> hooks_of;
  std::unordered_map<std::uint32_t, mailbox_state> mailboxes;
  std::vector<calendar_state> calendars; ///< By person.
  std::unordered_map<std::uint64_t, calendar_channel> channels;
  std::unordered_map<std::string, std::uint64_t> channel_ids;
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> channels_of;
  std::unordered_map<std::uint64_t, websub_subscription> subscriptions;
  std::unordered_map<std::string, std::uint64_t> subscription_keys; ///< callback + topic.
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> subscriptions_of;
  std::unordered_map<std::string, std::uint32_t> youtube_channels; ///< Filled when asked for.

  std::vector<rsa_key> google_keys; ///< Newest first; made when first needed.
  std::uint64_t google_keys_made = 0;
  std::string pubsub_token;         ///< Used for some minutes, as Pub/Sub does.
  timestamp pubsub_token_from{};
  std::unique_ptr<ed25519_key> discord_key;
  push_state push;
  mailgun::post_office mail;

  std::uint64_t take_number() { return next_number++; }
  /// "https://HOST", or the same behind `options.base_url`.
  std::string origin(std::string_view host) const;
  /// "" for nobody.
  std::string_view name_of_person(std::uint32_t index) const {
    return index < persons.count() ? std::string_view{persons.at(index).name} : std::string_view{};
  }
  /// Puts a delivery into the outbox, after the faults that may strike it.
  void deliver(pending_delivery what, std::chrono::milliseconds in);
  /// The usual time from an item to its delivery.
  std::chrono::milliseconds delivery_delay();
};

/// An account's newest item has come into being: its platform tells whoever has registered.
void tell_of_item(world_state& state, const account& which);

} // namespace lapwing::sim
