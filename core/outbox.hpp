// The port behind which messages wait that must leave the house: stored in the transaction of the
// event that causes them, claimed by whoever sends them, kept until their fate is known.
//
//   waiting --claim--> sending --settle--> sent | dead | waiting again, later
//                         | the claim ran out: as good as waiting
//   dead --resend--> waiting
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace lapwing {

/// A message to be stored together with an event (append_request::outgoing). Of all with one key
/// only the first is ever stored, so it may be offered any number of times.
struct outbox_item {
  std::string kind; ///< What sends it: "mail".
  std::string key;  ///< Not empty.
  user_id user;     ///< Whom it concerns; may be empty.
  std::string body; ///< A JSON object; what it means is the sender's business.
  timestamp queued_at{};
};

/// A message that the caller, and nobody else, may send until the claim runs out.
struct outbox_claim {
  std::uint64_t id = 0;
  std::uint64_t claim = 0; ///< Which claim of the message this is: it grows with each.
  std::string key;
  std::string body;
  std::uint32_t attempt_count = 0; ///< Attempts that counted, before this one.
  timestamp queued_at{};           ///< When it was stored, or last sent again by an operator.
};

struct outbox_claims {
  std::vector<outbox_claim> entries; ///< Soonest due first.
  /// When the next one is due, or a claim runs out; not those of `entries`. Nothing: none waits.
  std::optional<timestamp> next_due;
};

/// What became of a claimed message.
struct outbox_outcome {
  enum class fate : std::uint8_t {
    sent, ///< Its body is forgotten.
    again,
    dead
  };
  fate what = fate::sent;
  bool counts = true;    ///< As an attempt.
  timestamp due{};       ///< Of `again`.
  timestamp ended_at{};  ///< Of `sent` and `dead`.
  std::string cause;     ///< A stable code without content: "refused_400"; "" when sent.
};

/// A message that nobody will send any more unless an operator says so. Without its content.
struct dead_letter {
  std::uint64_t id = 0;
  std::string user;
  std::uint32_t attempt_count = 0;
  std::string cause;
  timestamp created_at{};
  timestamp ended_at{};
};

struct outbox_report {
  std::uint64_t waiting = 0; ///< Due or not, with those that are being sent; counted up to 10,000.
  std::uint64_t dead = 0;    ///< Counted up to 10,000.
  std::vector<dead_letter> letters; ///< Newest first.
};

/// Messages of one kind at a time. All calls return at once; `done` is called exactly once, on any
/// thread, and must only post. Failures: errc::store_unavailable, errc::internal; whether a change
/// that failed had its effect is unknown.
class outbox_store {
public:
  static constexpr std::uint64_t counted_max = 10'000;
  /// Nothing is planned further ahead than this.
  static constexpr std::chrono::hours due_horizon{26};

  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~outbox_store() = default;

  /// Takes up to `limit` messages that are due at `now`, among them those whose claim has run out, and
  /// those due more than `due_horizon` later, which is no plan but a clock that was wrong. They are
  /// the caller's until `until`.
  virtual void claim(std::string kind, timestamp now, timestamp until, std::size_t limit,
                     callback<outbox_claims> done) = 0;
  /// Durable before `done`. False, and nothing is changed, when the claim is not the last one any
  /// more or was settled already.
  virtual void settle(std::uint64_t id, std::uint64_t claim, outbox_outcome how,
                      callback<bool> done) = 0;
  virtual void report(std::string kind, std::size_t letters_max, callback<outbox_report> done) = 0;
  /// Makes dead letters wait again, due at `now`, with no attempt counted: the one with this id, or
  /// (nothing) all of them, at most `limit`. Answers how many.
  virtual void resend(std::string kind, std::optional<std::uint64_t> id, timestamp now,
                      std::size_t limit, callback<std::size_t> done) = 0;
  /// Forgets at most `limit` messages that were sent or given up before then, and their keys with
  /// them. Answers how many.
  virtual void trim(std::string kind, timestamp before, std::size_t limit,
                    callback<std::size_t> done) = 0;
};

} // namespace lapwing
