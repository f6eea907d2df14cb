// What a log's owner (user supervisor, room) does around the pure event_log: opens it in the store,
// sends its appends to the batch writer, reads back after a doubt, tries again with back-off.
// A plain object inside the owner; runs only in the owner's handlers.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include <caf/fwd.hpp>

#include "actors/event_log.hpp"
#include "actors/messages.hpp"

namespace lapwing {

struct node_context;

class log_writer {
public:
  struct hooks {
    /// Durable events, in order, to be delivered live.
    std::function<void(const std::vector<event_ptr>&)> publish;
    /// Jobs whose `outcome` is set, to be answered.
    std::function<void(std::vector<publish_job_ptr>&)> settle;
    /// The log has opened, or could not be: queries that wait can be answered.
    std::function<void(const result<log_state>&)> opened;
  };

  /// `owner` is the actor that holds this object and takes log_owner_actor's messages.
  log_writer(log_id log, const node_context& env, std::size_t home, caf::local_actor* owner,
             hooks what);

  void open();
  void submit(publish_job_ptr job);
  void on(const log_opened& message);
  void on(const log_page& message);
  void on(const append_done& message);
  void on_retry();

  const event_log& log() const noexcept { return log_; }
  event_log& log() noexcept { return log_; }
  bool is_open() const noexcept { return log_.state() == event_log::phase::open; }
  /// Nothing under way, neither at the store nor in wait of it.
  bool idle() const noexcept { return !log_.busy() && !asking_ && !retrying_; }

private:
  log_owner_actor owner() const;
  void apply(event_log::actions& todo);
  void retry_later();

  event_log log_;
  const node_context& env_;
  std::size_t home_;
  caf::local_actor* owner_;
  hooks hooks_;
  std::chrono::milliseconds backoff_{0};
  bool asking_ = false;   ///< An open or a read is at the store.
  bool retrying_ = false; ///< A retry timer runs.
};

} // namespace lapwing
