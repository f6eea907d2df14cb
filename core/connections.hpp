// The port between HTTP routes and what keeps users connected to platforms.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/ids.hpp"

namespace lapwing {

/// Where to send the browser, and what it must bring back.
struct authorization_start {
  std::string url;
  std::string state; ///< The callback's `state`; also kept by the browser, so that nobody can make
                     ///< another person finish an authorization they began.
};

/// How the platform sent the browser back.
struct authorization_answer {
  platform_id platform;
  std::string state;
  std::string code;
  std::string refusal; ///< `error` of RFC 6749 4.1.2.1; "" none.
};

struct authorization_result {
  user_id user;
  platform_id platform;
  std::string redirect_to; ///< As given to authorize(); "" the configured page.
};

/// What a hub asks of a subscriber (WebSub 5.3).
struct subscription_question {
  user_id user;
  platform_id platform;
  std::string mode; ///< subscribe, unsubscribe or denied.
  std::string topic;
  std::chrono::seconds lease{0};
};

/// Stored items of one user and platform, newest first.
struct item_query {
  user_id user;
  platform_id platform;
  std::string type;     ///< "" all.
  std::string after;    ///< `next` of the page before; "" the newest.
  std::size_t limit = 100;
};

/// Any thread; `done` is called exactly once, on an I/O thread: on the one that called if that was
/// one. Documents are JSON as the routes answer them (docs/routes.md).
class connection_service {
public:
  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~connection_service() = default;

  /// errc: not_found (no such platform), not_configured (no client id for it), store_unavailable.
  virtual void authorize(user_id user, platform_id platform, std::string redirect_to,
                         callback<authorization_start> done) = 0;
  /// Trades the code for tokens, stores them and starts monitoring. errc: bad_request (unknown or
  /// used state, refused by the person), upstream_unavailable, not_configured, store_unavailable.
  virtual void authorized(authorization_answer answer, callback<authorization_result> done) = 0;

  virtual void list(user_id user, callback<std::string> done) = 0;
  /// Revokes, unregisters and stops. False: there was no connection.
  virtual void disconnect(user_id user, platform_id platform, callback<bool> done) = 0;
  /// Polls now: one platform's, or all. How many connections were told.
  virtual void sync(user_id user, std::optional<platform_id> platform,
                    callback<std::size_t> done) = 0;
  /// What deliveries to the webhooks that this node registered for the user are signed with; "" when
  /// there are none. A secret: for comparing only.
  virtual void webhook_secret(user_id user, platform_id platform, callback<std::string> done) = 0;
  /// That secret did not fit a delivery to `registration` (the provider's name for it).
  virtual void misdelivered(user_id user, platform_id platform, std::string registration) = 0;
  /// Whether the challenge is to be echoed; what follows is durable then. errc::not_found: nothing is
  /// registered by this node for that user and platform.
  virtual void verify_subscription(subscription_question question, callback<bool> done) = 0;

  virtual void items(item_query what, callback<std::string> done) = 0;
  /// For external schedulers: "token-refresh", or "poll-" and a platform's name. What is due is told
  /// to go; the document says how many. errc::not_found.
  virtual void run_job(std::string job, callback<std::string> done) = 0;
};

} // namespace lapwing
