// All eight platforms in one deterministic world: it is asked, its time is moved from outside, and
// it says what it would send. No threads, no sockets, no clock. The same seed and the same calls
// give the same world (but for the RSA keys, which are made anew).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/time.hpp"
#include "sim/faults.hpp"
#include "sim/item.hpp"
#include "sim/options.hpp"
#include "sim/push_orders.hpp"
#include "sim/stats.hpp"

namespace lapwing::sim {

struct world_state;

/// What becomes of an answer on its way.
enum class transport : std::uint8_t {
  whole,
  broken, ///< The connection ends before the answer, or within it.
  silent  ///< Nothing ever comes.
};

struct sim_answer {
  http_response response;
  transport way = transport::whole;
  std::chrono::milliseconds latency{0};
};

/// A request that a provider makes to a registered callback.
struct sim_delivery {
  std::uint64_t id = 0;
  timestamp due{};
  platform where = platform::github;
  std::string user;
  std::string kind; ///< "github_event", "gmail_notice", ...
  std::uint32_t attempt = 0;
  http_request request;
};

/// Tokens as a code exchange would have brought them.
struct sim_tokens {
  std::string access;
  std::string refresh; ///< "": the platform gives none.
  std::optional<timestamp> expires_at;
  std::vector<std::string> scopes;
};

class world {
public:
  explicit world(world_options options);
  ~world();
  world(world&&) noexcept;
  world& operator=(world&&) noexcept;

  // Being asked.
  /// `request.url` is the real one: "https://api.github.com/user".
  sim_answer answer(const http_request& request);
  /// The same without faults on the way: what never arrives whole is a 502.
  http_response handle(const http_request& request);

  // Time.
  timestamp now() const noexcept;
  /// Brings forth every item until `to`, in order. Never goes back.
  void advance(timestamp to);
  /// When the next delivery is due, or the next item comes into being.
  std::optional<timestamp> next_due() const;
  std::optional<timestamp> next_delivery_due() const;

  // Deliveries.
  /// Those that are due. Each awaits report(); without one for ten seconds it has failed.
  std::vector<sim_delivery> take_deliveries();
  void report(std::uint64_t delivery, const result<http_response>& answer);
  std::size_t waiting_deliveries() const noexcept;

  // People.
  void add_user(std::string_view user);
  std::vector<std::string> users() const;
  /// The person agrees to what the address asks for: the Location of the redirect, "" for a refusal
  /// without one.
  std::string consent(std::string_view authorize_url, std::string_view user);
  /// The person agrees, without a browser.
  sim_tokens grant(platform where, std::string_view user);
  void set_rate(platform where, std::string_view user, double items_per_hour);
  /// Items at once; deliveries follow.
  void make_items(platform where, std::string_view user, std::size_t count);
  /// Everything that came into being since then, oldest first.
  std::vector<produced_item> produced(platform where, std::string_view user,
                                      timestamp since = timestamp{}) const;
  std::size_t produced_count(platform where, std::string_view user) const;
  /// The name that stands in the platform's own addresses: GitHub login, mail address, channel id.
  std::string account_name(platform where, std::string_view user) const;
  /// GitHub's repositories, Slack's channels, the calendar, the YouTube channel.
  std::vector<std::string> resources(platform where, std::string_view user) const;

  /// Slack's url_verification and Discord's pings (one with a bad signature on purpose) to the
  /// person's addresses: an address that answers wrongly is removed, for everybody.
  void verify_addresses(std::string_view user);

  // Web Push (web_push.hpp).
  /// The subscription as JSON: id, endpoint, keys.
  result<std::string> subscribe_push(const push_wish& wish);
  /// False: there is no such subscription.
  bool change_push(const std::string& id, const push_change& what);
  /// Subscriptions and what their browsers got, as JSON; "" all of them.
  std::string push_report(std::string_view id) const;

  /// The mails that Mailgun has accepted after the one with that number, as JSON (mailgun.hpp).
  std::string mail_report(std::uint64_t after) const;

  // Misfortunes.
  void add_fault(fault what);
  void clear_faults();
  /// The person withdraws what they agreed to. Returns how many grants ended. "" means everybody.
  std::size_t revoke_grants(platform where, std::string_view user);
  /// Access tokens given out so far stop working; refreshing goes on.
  std::size_t expire_access_tokens(platform where, std::string_view user);
  /// Gmail's history ids and Calendar's sync tokens given out so far are gone.
  void expire_cursors(platform where, std::string_view user);
  /// Hooks, watches, channels and subscriptions vanish at the provider. Returns how many.
  std::size_t delete_registrations(platform where, std::string_view user);
  std::size_t registrations(platform where, std::string_view user) const;
  /// Google signs with a new key from now on; the last one stays published.
  void rotate_google_key();

  const statistics& stats() const noexcept;
  std::uint64_t faults_struck(fault_kind kind) const noexcept;
  /// Grants that a refused refresh or a person's withdrawal ended, and those that live.
  std::size_t live_grants(platform where) const;

  /// The secrets and addresses of this world, for whoever configures a node against it.
  const world_options& options() const noexcept;
  world_options& change_options() noexcept;
  const application& application_of(platform where) const;
  std::string discord_public_key() const; ///< Lower-case hexadecimal.

private:
  std::unique_ptr<world_state> state_;
};

} // namespace lapwing::sim
