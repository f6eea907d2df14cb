// The writing end of one log, pure: numbers what comes in, recognises what came before, keeps what
// is under way to the store, and says what to publish once it is durable. Exactly one exists for a
// log at a time (its user's supervisor or its room), which is why it may number by itself.
//
//   opening --opened--> open --(append failed)--> doubtful --reopened--> open
//
// In `doubtful` nobody knows whether the lost append reached the disk: the store is asked again,
// and what did get there is published from it, before anything new is numbered.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/publish_job.hpp"
#include "actors/ring_queue.hpp"
#include "core/event.hpp"
#include "core/cursor.hpp"
#include "core/store.hpp"

namespace lapwing {

struct event_log_limits {
  std::size_t waiting_max = 1024;  ///< Jobs held while the log opens or is in doubt.
  std::size_t inflight_max = 4096; ///< Appends under way.
  std::size_t recent_max = 32;     ///< Delivery ids remembered to answer a duplicate without the store.
};

class event_log {
public:
  /// `limits` must outlive the log.
  explicit event_log(log_id log, const event_log_limits& limits);

  enum class phase : std::uint8_t { opening, open, doubtful };
  phase state() const noexcept { return phase_; }
  const log_id& log() const noexcept { return log_; }
  sequence newest() const noexcept { return newest_; }
  /// Highest number that is durable and has been handed out for live delivery.
  sequence published() const noexcept { return published_; }
  sequence trimmed() const noexcept { return trimmed_; }
  bool known() const noexcept { return known_; }
  bool busy() const noexcept { return !inflight_.empty() || !waiting_.empty(); }
  std::size_t inflight() const noexcept { return inflight_.size(); }

  /// What the caller must now do, in this order.
  struct actions {
    std::vector<append_request> append;  ///< Hand to the batch writer, in order.
    std::vector<publish_job_ptr> settled; ///< Answer with `job->outcome`.
    std::vector<event_ptr> publish;      ///< Deliver live, in order.
    bool reopen = false;                 ///< Ask the store for the log's state again.
    std::optional<sequence> recover_after; ///< Read the store after this and call recovered().
  };

  /// A stored publication. Jobs that cannot be taken are settled at once with an error.
  void submit(publish_job_ptr job, timestamp now, actions& out);

  /// The store's answer to opening. `accept_unknown` lets an unknown user's log be written.
  void opened(const result<log_state>& state, bool accept_unknown, timestamp now, actions& out);

  /// The store's answer to the oldest `count` appends under way.
  void appended(const result<std::vector<append_result>>& results, std::size_t count,
                actions& out);

  /// Events found in the store after a doubtful append: what was published of them is not said again.
  /// Unless `complete`, `recover_after` asks for the next page.
  void recovered(const std::vector<event_ptr>& events, bool complete, timestamp now, actions& out);

  /// The user came into being (PUT, first stream).
  void set_known() noexcept { known_ = true; }
  void set_trimmed(sequence trimmed) noexcept;

private:
  struct entry {
    event_ptr item;
    publish_job_ptr job;
    std::vector<publish_job_ptr> doubles; ///< The same delivery, come while the first was under way.
    std::string key;                      ///< Of `by_key_`; empty without a delivery id.
  };

  void number(publish_job_ptr job, timestamp now, actions& out);
  void refuse(publish_job_ptr job, error why, actions& out) const;
  void settle(publish_job_ptr job, sequence seq, bool duplicate, actions& out) const;
  void remember(std::string key, sequence seq);
  void release_waiting(timestamp now, actions& out);

  log_id log_;
  const event_log_limits& limits_;
  phase phase_ = phase::opening;
  bool known_ = false;
  bool accept_unknown_ = false;
  sequence newest_ = 0;    ///< Highest number given.
  sequence published_ = 0; ///< Highest number handed to live streams.
  sequence trimmed_ = 0;
  ring_queue<std::unique_ptr<entry>> inflight_;
  std::unordered_map<std::string, entry*> by_key_;
  ring_queue<publish_job_ptr> waiting_;
  ring_queue<std::pair<std::string, sequence>> recent_;
};

} // namespace lapwing
