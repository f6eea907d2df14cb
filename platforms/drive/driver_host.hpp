// What a connection driver needs from where it lives: an actor in a node, an event queue in tests of
// simulated months.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/connection_store.hpp"
#include "core/engine.hpp"
#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

class token_endpoints;

class driver_host {
public:
  using poster = std::function<void(std::function<void()>)>;

  virtual ~driver_host() = default;

  virtual timestamp now() const = 0;
  /// In [0, 1).
  virtual double chance() = 0;
  /// Runs what it is given on the host's thread, unless the host has ended. Any thread may call it,
  /// also after the host's end.
  virtual poster make_poster() = 0;
  /// Runs `call` on the host's thread once `delay` has passed, unless the host has ended.
  virtual void after(std::chrono::milliseconds delay, std::function<void()> call) = 0;
  /// To the user's log (or, ephemeral, to the streams alone). `done` comes on the host's thread.
  virtual void publish(publish_request request,
                       std::function<void(result<publish_receipt>)> done) = 0;
  /// A stream of the user is open.
  virtual bool watched() const = 0;
};

/// Whose request it is, and which of the platform's accounts it is about: where the platform's file
/// says so (limits.owner), all who share the account share a budget.
struct traffic_party {
  traffic_party(const connection_key& key, std::string_view name = {}) : of(key), account(name) {}

  const connection_key& of;
  std::string_view account; ///< "": not known; the user counts alone.
};

/// Who may ask a platform when: its budget and its queue, shared by all users of a node.
class platform_traffic {
public:
  virtual ~platform_traffic() = default;

  /// Calls `go` (any thread) when this connection's turn to poll has come; `finished` must follow.
  /// errc::rate_limited: the queue is full.
  virtual void enter(const connection_key& who, timestamp now,
                     std::function<void(result<bool>)> go) = 0;
  virtual void finished(const connection_key& who) = 0;
  /// From when this connection may send again; a time that has passed: now. Any thread.
  virtual timestamp not_before(const traffic_party& who, const std::string& endpoint,
                               timestamp now) const = 0;
  /// A request goes out. Any thread.
  virtual void sending(const traffic_party& who, const std::string& endpoint, timestamp now) = 0;
  /// What its answer said about budgets. Any thread.
  virtual void saw(const traffic_party& who, const std::string& endpoint,
                   const http_response& answer, timestamp now) = 0;
  /// 0 to 1: of the platform's request budget.
  virtual double budget_left(const traffic_party& who, timestamp now) const = 0;
};

struct driver_ports {
  connection_store* store = nullptr;
  http_client* http = nullptr;
  platform_traffic* traffic = nullptr;
  /// "https://node.example": what providers and browsers reach us by; "" unknown, so no webhooks are
  /// registered.
  std::string public_url;
  /// 43 characters of [A-Za-z0-9_-] that nobody can guess (256 random bits).
  std::function<std::string()> fresh_secret;
  /// What is known of the token endpoints; null: each connection finds out for itself.
  token_endpoints* endpoints = nullptr;
};

} // namespace lapwing
