// What the network side asks of the actors. app/bridge implements it; tests of net use a fake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/connections.hpp"
#include "core/error.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "core/store.hpp"
#include "core/stream.hpp"

namespace lapwing::realtime {
class service;
}

namespace lapwing {

enum class publish_origin : std::uint8_t {
  api,     ///< Somebody with the service role.
  webhook, ///< A verified delivery of `draft.platform`: goes through that platform's actor.
};

struct publish_request {
  log_id target;
  event_draft draft;
  std::string source;      ///< See append_request.
  std::string delivery_id; ///< See append_request.
  publish_origin origin = publish_origin::api;
  bool ephemeral = false; ///< Live clients only, never stored.
  std::shared_ptr<const sync_effect> with = {};     ///< See append_request.
  std::shared_ptr<const outbox_item> outgoing = {}; ///< See append_request.
};

struct publish_receipt {
  std::string id;         ///< Cursor text "u42"; empty when ephemeral.
  bool duplicate = false; ///< It was stored before; `id` is of that event.
  std::size_t sessions = 0; ///< Live streams it was handed to.
};

struct event_page {
  std::vector<event_ptr> events;
  bool more = false;
};

struct engine_counts {
  std::size_t sse_sessions = 0;
  std::size_t websocket_sessions = 0;
  std::size_t rooms = 0;       ///< With at least one member.
  std::size_t users = 0;       ///< Active supervisors.
  std::uint64_t mails_sent = 0;
  std::uint64_t mail_failures = 0; ///< Attempts.
  std::uint64_t mails_waiting = 0; ///< Up to outbox_store::counted_max; the next as well.
  std::uint64_t mails_dead = 0;
};

/// Any thread; returns at once. `done` is called exactly once, within `limits.engine_timeout`, on
/// an I/O thread: on the one that called if that was an I/O thread.
class engine {
public:
  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~engine() = default;

  /// Stored (unless ephemeral) before `done`. errc: unknown_user, rate_limited (webhooks), store_unavailable,
  /// shutting_down, request_timeout.
  virtual void publish(publish_request request, callback<publish_receipt> done) = 0;

  /// Starts a session for a connection. Home thread of the user only. The session answers
  /// through the sink: `connected` first, or close(too_many_sessions), close(store_unavailable), ...
  virtual std::unique_ptr<stream_session> open_stream(stream_request request,
                                                      std::shared_ptr<client_sink> sink) = 0;

  /// What is stored of a log, oldest first.
  virtual void history(log_id log, sequence after, std::size_t limit,
                       callback<event_page> done) = 0;
  /// Null when there is no such event (any more).
  virtual void find_event(log_id log, sequence seq, callback<event_ptr> done) = 0;
  virtual void put_user(user_id user, std::vector<account> accounts, callback<bool> done) = 0;
  virtual void find_account(account which, callback<std::optional<user_id>> done) = 0;

  /// Cheap: counters, no messages.
  virtual engine_counts counts() const = 0;
  /// Registrations and monitoring of one user, and everything under /admin: a JSON document.
  /// `path` is the part after /admin/ ("users/ann"), or "registrations/ann", "monitoring/ann".
  virtual void inspect(std::string path, callback<std::string> done) = 0;
  /// An operator's command: ("close-session", id), ("resend-mail", "all"), ...: a JSON document.
  virtual void command(std::string verb, std::string argument, callback<std::string> done) = 0;

  /// True when a webhook can be stored and streamed now; `why` names what is not ready.
  virtual bool ready(std::string& why) const = 0;

  /// What keeps users connected to platforms; null: this engine does not.
  virtual connection_service* connections() noexcept { return nullptr; }
  /// The channels of Supabase Realtime; null: this engine has none.
  virtual realtime::service* realtime_service() noexcept { return nullptr; }
};

} // namespace lapwing
