// The port behind which users' connections to platforms are kept: tokens, poll cursors, timers and
// registrations. A timer that matters is a row (`due_at`): a node that was away fires it late, once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace lapwing {

/// Secrets: sealed at rest, never logged, never in an event, an error or a message to another node.
struct token_set {
  std::string access_token;
  std::string refresh_token;                     ///< Empty: the platform gave none.
  std::optional<timestamp> expires_at;           ///< Of the access token; nothing: it does not expire.
  std::optional<timestamp> grant_expires_at;     ///< When refreshing itself will end (Spotify).
  std::string scopes;                            ///< As granted, separated by spaces.
};

enum class connection_status : std::uint8_t { connected, degraded, needs_reauth, disconnected };

struct connection {
  user_id user;
  platform_id platform;
  std::string account; ///< The platform's own name for the person; may be empty.
  token_set tokens;
  std::uint64_t token_version = 0; ///< Raised with every change of the tokens.
  connection_status status = connection_status::connected;
  std::string cause;               ///< Why it is not `connected`: a stable code, "" otherwise.
  std::string message;             ///< The same in a sentence for people.
  timestamp granted_at{};          ///< When the person last agreed.
  std::optional<timestamp> last_sync;
  /// A refresh is being asked for since then: set before the request is sent, so that of several
  /// nodes one sends. After a crash the same refresh token is tried once more (PLATFORMS 3.4).
  std::optional<timestamp> refresh_began;
  /// What the keeper of the tokens wants its next life to know (failures, when to ask again, what
  /// was said), in its own words; "" nothing.
  std::string refresh_memory;
};

/// What is written down of a refresh before it is sent and after it failed.
struct refresh_note {
  std::uint64_t version = 0;      ///< Of the tokens it is about.
  std::optional<timestamp> seen;  ///< What `refresh_began` was when it was last read or written.
  std::optional<timestamp> began; ///< What it becomes; nothing: no refresh is under way any more.
  std::string memory;             ///< What `refresh_memory` becomes.
};

/// How far one polled endpoint has been read.
struct poll_progress {
  std::string endpoint;           ///< Its id in the platform's file.
  std::string cursor;             ///< "": nothing read yet.
  std::string etag;               ///< With its quotes; "" none.
  std::optional<timestamp> last_poll;
  timestamp due{};
  std::uint32_t failure_count = 0; ///< In a row.
};

/// A webhook, watch or subscription at the provider.
struct registration {
  std::string resource;    ///< "owner/repo", a calendar id, a channel id; "" when there is only one.
  std::string external_id; ///< The provider's name for it, or ours in its callbacks; may be empty.
  std::string secret;      ///< What its deliveries are checked with; sealed at rest.
  std::string status;      ///< "pending", "active", "failed", "expired".
  std::string cause;
  std::string details;     ///< JSON: what only that platform needs (Calendar's resourceId).
  std::optional<timestamp> expires_at;
  std::optional<timestamp> renew_at;
  std::optional<timestamp> last_delivery;
};

/// Everything that a platform actor needs to go on.
struct loaded_connection {
  connection at;
  std::vector<poll_progress> polls;
  std::vector<registration> registrations;
};

struct connection_key {
  user_id user;
  platform_id platform;
  friend bool operator==(const connection_key&, const connection_key&) = default;
};

/// One thing that a poll brought.
struct polled_item {
  std::string key;  ///< Natural key: the same thing has the same key, however often it is read.
  std::string json;
};

/// What is stored together with the event that tells of it, or not at all (append_request::with).
struct sync_effect {
  connection_key of;
  std::string data_type;
  std::vector<polled_item> items; ///< Items whose key is stored already are left as they are.
  poll_progress progress;
  timestamp next_due{};           ///< Of the connection: the soonest of all its timers.
};

/// A stored item, as the user reads it.
struct stored_item {
  std::string id;
  std::string data_type;
  std::string extracted_at; ///< RFC 3339.
  std::string json;
};
struct stored_items {
  std::vector<stored_item> items;
  std::string next; ///< For the next page; "" the end.
};

/// An authorization under way; good once.
struct oauth_state {
  std::string state; ///< At least 128 random bits.
  connection_key of;
  std::string verifier;    ///< PKCE (RFC 7636); sealed at rest.
  std::string redirect_to; ///< Where the browser goes afterwards; "" the page of the node.
  timestamp expires_at{};
};

/// All calls return at once; `done` is called exactly once, on any thread, and must only post.
/// Failures: errc::store_unavailable, errc::not_found (there is no such connection), errc::internal.
class connection_store {
public:
  /// Nothing is planned further ahead than this.
  static constexpr std::chrono::hours due_horizon{25};

  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~connection_store() = default;

  virtual void put_oauth_state(oauth_state state, callback<bool> done) = 0;
  /// Finds and deletes; nothing when it is unknown, used or past `now`.
  virtual void take_oauth_state(std::string state, timestamp now,
                                callback<std::optional<oauth_state>> done) = 0;

  /// Makes the user and the connection exist, or renews it: tokens, account, `granted_at`, status
  /// connected. Cursors and registrations of an earlier connection stay, unless that was of another
  /// account (both are known and differ): then they say nothing about this one and are forgotten.
  /// Stored items stay in any case. Answers the new token_version.
  virtual void connect(connection fresh, timestamp due, callback<std::uint64_t> done) = 0;

  virtual void load(connection_key which, callback<std::optional<loaded_connection>> done) = 0;
  /// All of a user's, without tokens and secrets.
  virtual void list(user_id user, callback<std::vector<loaded_connection>> done) = 0;

  /// Durable before the refresh request is sent. Compare and swap: false, and nothing is changed,
  /// when version or `refresh_began` is another by now, or the connection is over.
  virtual void note_refresh(connection_key which, refresh_note what, callback<bool> done) = 0;
  /// Compare and swap: false when the version is not `expected` any more. Sets `refresh_began` to
  /// nothing. `tokens` without a refresh token keeps the one that is stored.
  virtual void save_tokens(connection_key which, std::uint64_t expected, token_set tokens,
                           timestamp next_due, callback<bool> done) = 0;
  virtual void save_status(connection_key which, connection_status status, std::string cause,
                           std::string message, callback<bool> done) = 0;
  /// A poll that brought nothing new, or failed.
  virtual void save_progress(connection_key which, poll_progress progress, timestamp next_due,
                             callback<bool> done) = 0;
  /// Which of the keys are not stored yet, in their order.
  virtual void unknown_keys(connection_key which, std::string data_type,
                            std::vector<std::string> keys,
                            callback<std::vector<std::string>> done) = 0;

  virtual void save_registration(connection_key which, registration what, timestamp next_due,
                                 callback<bool> done) = 0;
  virtual void remove_registration(connection_key which, std::string resource,
                                   callback<bool> done) = 0;

  /// Forgets tokens, cursors and registrations; the row stays with status disconnected.
  virtual void disconnect(connection_key which, callback<bool> done) = 0;

  /// Connections of a platform (not disconnected or needs_reauth) due up to `until`, soonest first;
  /// after them those due more than `due_horizon` later, which is no plan but a clock that was wrong.
  virtual void due(platform_id platform, timestamp until, std::size_t limit,
                   callback<std::vector<connection_key>> done) = 0;
  virtual void set_due(connection_key which, timestamp due, callback<bool> done) = 0;

  /// Newest first, after the page that ended with `after` ("" from the newest), of one data type or
  /// ("") all. errc::bad_request: `after` is no place.
  virtual void items(connection_key which, std::string data_type, std::string after,
                     std::size_t limit, callback<stored_items> done) = 0;

  /// Seals one batch of secrets again with the newest key; answers how many were left with older
  /// keys before it, at most `limit` of them now done. errc::not_configured: no keys, or none is left
  /// but what no key of ours opens.
  virtual void reencrypt(std::size_t limit, callback<std::size_t> done) = 0;
};

} // namespace lapwing
