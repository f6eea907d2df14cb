// A platform as data: what config/platforms/NAME.toml says, checked. Nothing here knows any one
// platform; what only one of them does is a named option of these structs (docs/platforms.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.hpp"

namespace lapwing {

using parameter_list = std::vector<std::pair<std::string, std::string>>;

/// How the client says who it is at the token endpoint (RFC 6749 2.3).
enum class client_auth : std::uint8_t { basic, body, none };

struct revocation_spec {
  std::string url;             ///< Empty: the platform has none.
  std::string method = "POST";
  std::string token_param = "token"; ///< Form member, or JSON member with `json`.
  bool json = false;           ///< GitHub: DELETE with a JSON body and basic client authentication.
  bool bearer = false;         ///< Slack: the token is its own authentication.
};

struct oauth_spec {
  std::string authorize_url;
  std::string token_url;
  revocation_spec revocation;
  client_auth authentication = client_auth::body;
  bool pkce = true;
  std::vector<std::string> scopes;
  std::string scope_param = "scope"; ///< Slack's user tokens: "user_scope".
  std::string scope_separator = " ";
  parameter_list authorize_params;   ///< access_type=offline, prompt=consent, ...
  /// Member of the token answer that holds the tokens: "" the top, Slack's users "authed_user".
  std::string token_path;
  std::vector<std::string> reauth_errors;    ///< The person must connect again.
  std::vector<std::string> config_errors;    ///< The operator must act; people stay connected.
  std::vector<std::string> transient_errors; ///< Besides network failures, 429 and 5xx.
  bool refreshable = true;                   ///< False: tokens that neither expire nor refresh.
  std::optional<std::chrono::seconds> grant_lifetime; ///< From consent to the end of refreshing.
  /// Refresh at least so often, because a grant that is not used dies: half of its limit.
  std::optional<std::chrono::seconds> keep_alive;
  /// "GOOGLE": GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET serve when NAME_CLIENT_ID is not set.
  std::string client_env;
  std::string client_id;     ///< From the environment only; empty: nobody can connect.
  std::string client_secret;
  /// Platforms that share the client and where it is revoked: Google ends an authorization of all of
  /// them with the token of one.
  std::vector<platform_id> siblings;
};

/// Either every `interval`, or at the times of a five-field cron expression (UTC).
struct schedule_spec {
  std::chrono::seconds interval{0};
  std::string cron;
};

enum class page_style : std::uint8_t {
  none,
  token,      ///< `next_page` in the answer, sent as `page_param`.
  link_header ///< RFC 8288 rel="next"; never built by us (GitHub).
};

enum class cursor_style : std::uint8_t {
  none,
  value,      ///< `next_cursor` in the answer, sent as `cursor_param`.
  newest_key, ///< Keys of the newest items: read until a known one; nothing is sent.
  newest_field, ///< The greatest `next_cursor` among the items (Slack's ts, YouTube's publishedAt).
  digest      ///< Of the answer: the same answer is nothing new (LinkedIn, Discord's guild list).
};

struct endpoint_spec {
  std::string id;            ///< Becomes data_type and the event's dataType.
  std::string url;           ///< May hold {account} and {resource}, in its query too.
  std::string method = "GET";
  parameter_list params;
  parameter_list headers;
  /// Path of the array ("a.b"); "": the answer itself, array or object. "a[].b[].c" walks through
  /// every element on the way: Gmail's history holds lists of lists.
  std::string items;
  std::vector<std::string> key; ///< Paths in an item; empty: a digest of the item.
  std::vector<std::string> ignored; ///< Paths left out of digests (picture URLs that expire).
  cursor_style cursor = cursor_style::none;
  std::string next_cursor;
  std::string cursor_param;
  page_style pages = page_style::none;
  std::string next_page;
  std::string page_param;
  bool etag = false;         ///< If-None-Match and 304.
  int resync_status = 0;     ///< The cursor is gone: start over. 0: never happens.
  int empty_status = 0;      ///< Nothing to report (Spotify's 204).
  /// Where the cursor comes from before the first sync (Gmail's profile): asked first, so that
  /// nothing is lost between; then `first_sync_url` is read, bounded.
  std::string start_url;
  std::string start_cursor;  ///< Path in its answer.
  std::string first_sync_url;
  std::string first_sync_items;
  parameter_list first_sync_params;
  std::size_t first_sync_items_max = 50;
  std::size_t pages_max = 20; ///< Per poll; the rest comes with the next one.
  std::optional<schedule_spec> schedule; ///< Differs from the platform's.
  /// Asked once for each {resource}: these, or what another endpoint's items hold
  /// ("channels.id": endpoint, then path). The resource is part of each item's natural key.
  std::vector<std::string> resources;
  std::string resources_from;
};

/// Whom a limit stops.
enum class limit_reach : std::uint8_t {
  endpoint,   ///< One endpoint, or bucket of endpoints, of one token.
  token,      ///< Everything sent with one token.
  application ///< Everything this application sends to the platform.
};

/// Whose requests count together, as far as they do not count for the whole application.
enum class budget_owner : std::uint8_t {
  user,   ///< Each connection's own.
  account ///< All connections to one account of the platform (Slack's workspace).
};

struct rate_limit_spec {
  std::string limit_header = "X-RateLimit-Limit";
  std::string remaining_header = "X-RateLimit-Remaining";
  std::string reset_header = "X-RateLimit-Reset";            ///< Unix seconds, decimals allowed.
  std::string reset_after_header; ///< Seconds, decimals allowed (Discord).
  std::string bucket_header;                                 ///< Discord.
  std::string retry_after_json;                              ///< Path in a 429's body (Discord).
  std::string poll_interval_header;                          ///< GitHub's X-Poll-Interval.
  std::vector<std::string> quota_reasons; ///< 403 with such a reason: closed until the daily reset.
  std::string quota_zone = "America/Los_Angeles";            ///< Whose midnight that is.
  /// Whom a refusal stops that does not say it itself. Nothing: the endpoint for a platform with
  /// `requests_per_minute`, otherwise the token when the answer tells a window of it, otherwise the
  /// application.
  std::optional<limit_reach> refusal_reach;
  budget_owner owner = budget_owner::user;
  std::uint32_t concurrency = 4;          ///< Polls under way per application.
  std::chrono::milliseconds user_gap_min{2000}; ///< Between two users (seeds: 2 to 5 s), per slot.
  std::chrono::milliseconds user_gap_max{5000};
  std::optional<std::uint32_t> requests_per_minute; ///< Per token, where the platform names one.
};

struct poll_spec {
  schedule_spec schedule;
  std::vector<endpoint_spec> endpoints;
  std::chrono::seconds interval_min{60};   ///< When somebody watches, or webhooks went quiet.
  std::chrono::seconds interval_max{86400}; ///< When nobody looks, or the budget is low.
};

struct webhook_spec {
  /// standard-webhooks, hmac-sha256, ed25519, github, slack, google-oidc, channel-token, websub,
  /// linkedin.
  std::string scheme;
  std::string secret;
  std::string header;             ///< hmac-sha256: where the signature is.
  std::string prefix;             ///< hmac-sha256: before it ("sha256=").
  std::string encoding = "hex";   ///< hmac-sha256: hex or base64.
  /// Without a delivery for so long, although polls found news, webhooks are doubted.
  std::chrono::seconds quiet_after{6 * 3600};
  /// Endpoints whose news its deliveries tell of: polled less often while they come, and what such a
  /// poll finds without a delivery is what doubts them.
  std::vector<std::string> covers;
  /// Deliveries that say the grant may have ended (Slack's tokens_revoked): the token is tried.
  std::vector<std::string> ends_grant;
};

enum class registration_style : std::uint8_t { none, github, gmail, calendar, websub };

struct registration_spec {
  registration_style style = registration_style::none;
  std::string url;               ///< May hold {resource}.
  std::vector<std::string> events;
  std::string topic; ///< Gmail's Pub/Sub topic with {project}, WebSub's feed with {resource}.
  std::chrono::seconds lifetime{0};
  std::chrono::seconds renew_before{0};
  std::chrono::seconds renew_every{0}; ///< Gmail: daily whatever the answer says.
  std::vector<std::string> resources;  ///< As of an endpoint.
  std::string resources_from;
  std::string resources_if; ///< Path in the same item: left out where it is there and not true.
};

struct platform_spec {
  platform_id name;
  std::string title; ///< For people: "Google Calendar".
  oauth_spec oauth;
  std::string account_url;  ///< Asked once after consent; "" none.
  /// The account's name in its answer, "a.b" or "items.0.id"; without `account_url` in the answer
  /// of the token endpoint (Slack's team.id).
  std::string account_path;
  poll_spec poll;
  rate_limit_spec limits;
  webhook_spec webhook;
  registration_spec registration;
  std::string reconcile; ///< "": by polling; "github-deliveries": by the deliveries API, too.
  std::chrono::seconds reconcile_every{6 * 3600};
};

} // namespace lapwing
