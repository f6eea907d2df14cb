// The port behind which events are kept. Two stores stand behind it, one contract test in front
// (tests/storage/event_store_contract.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

namespace lapwing {

struct sync_effect; // core/connection_store.hpp
struct outbox_item; // core/outbox.hpp

/// One event to be stored.
struct append_request {
  event_ptr item;          ///< Numbered by its log's only writer; seq >= 1.
  std::string source;      ///< Whose delivery ids these are: "github", "slack", ...
  std::string delivery_id; ///< With `source` unique in the log; empty: nothing to compare.
  /// What the event tells of: stored in its transaction, and also when the event turns out to be a
  /// duplicate, since it may be stored any number of times. Where the connection is not there (any
  /// more) it comes to nothing, and of one that is disconnected only the items are kept.
  std::shared_ptr<const sync_effect> with{};
  /// A message that the event causes: put into the outbox in its transaction, also when the event
  /// turns out to be a duplicate, since the outbox tells by its key.
  std::shared_ptr<const outbox_item> outgoing{};
};

enum class append_outcome : std::uint8_t { stored, duplicate };

struct append_result {
  append_outcome outcome = append_outcome::stored;
  sequence seq = 0; ///< Of the stored event: this one, or the one that was there before.
};

/// What the writer of a log must know before it writes or serves.
struct log_state {
  sequence newest = 0;  ///< Highest number ever given, also of events that retention removed.
  sequence trimmed = 0; ///< Events up to here may be gone; a cursor below it needs a `reset`.
  bool known = false;   ///< User logs: the user exists (CONTRACT 3). Others: always true.
};

/// Whose mailbox, team or channel a delivery without a user in its path belongs to.
struct account {
  platform_id platform;
  std::string name; ///< "ann@example.com", a Slack team id, ...
  friend bool operator==(const account&, const account&) = default;
};

/// A stretch of a log.
struct event_range {
  std::vector<event_ptr> events; ///< Ascending.
  /// Events up to here may be gone, as of the moment after the read: a reader that asked from below
  /// it may have missed some.
  sequence trimmed = 0;
};

/// What polled items are of.
struct stored_kind {
  std::string platform;
  std::string data_type;
  friend bool operator==(const stored_kind&, const stored_kind&) = default;
};

struct retention_rule {
  std::uint64_t count_max = 0; ///< Events per log; 0: no bound.
  timestamp before{};          ///< Events older than this go; the epoch: no bound.
  timestamp items_before{};    ///< Polled items older than this go; the epoch: no bound.
  std::vector<stored_kind> kept_kinds{}; ///< But not those of these kinds.
};

struct retention_step {
  std::uint64_t removed = 0;
  bool more = false; ///< Call again: a batch was full.
};

/// All calls return at once; `done` is called exactly once, on any thread, and must only post.
/// A failure is errc::store_unavailable (try again), or errc::internal.
class event_store {
public:
  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~event_store() = default;

  /// Stores all of the batch in one transaction, durable before `done`; results are in the order
  /// of the batch. Two requests of one batch may be duplicates of each other: the first one wins.
  /// A number that the log already holds under another delivery is errc::internal: two writers.
  virtual void append(std::vector<append_request> batch,
                      callback<std::vector<append_result>> done) = 0;

  /// Events of `log` with a number above `after`, oldest first, at most `limit`; fewer than `limit`
  /// means the end. errc::payload_too_large: they are too heavy to be given at once, ask for fewer.
  virtual void read(log_id log, sequence after, std::size_t limit, callback<event_range> done) = 0;

  /// The event, or null when there is none with this number (any more).
  virtual void find(log_id log, sequence seq, callback<event_ptr> done) = 0;

  virtual void open(log_id log, callback<log_state> done) = 0;

  /// Makes the user exist and, for each given account, moves that account to them. Idempotent.
  virtual void put_user(user_id user, std::vector<account> accounts, callback<bool> done) = 0;

  /// Whose account this is, or nothing.
  virtual void find_account(account which, callback<std::optional<user_id>> done) = 0;

  /// Removes one bounded batch of what the rule lets go, and remembers how far (log_state::trimmed).
  virtual void trim(retention_rule rule, callback<retention_step> done) = 0;

  /// True when a write would be durable now.
  virtual void check(callback<bool> done) = 0;
};

} // namespace lapwing
