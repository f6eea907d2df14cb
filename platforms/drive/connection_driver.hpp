// One connection kept alive: loads it, keeps its tokens fresh and polls its endpoints when they are
// due, one thing after the other. The decisions are pure classes (token_keeper, poll_run, schedule);
// this executes them against the ports.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "platforms/drive/connection_work.hpp"
#include "platforms/drive/driver_host.hpp"
#include "platforms/drive/poll_step.hpp"
#include "platforms/drive/token_step.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Only its host's thread calls it. Spec, ports and host must outlive it.
class connection_driver {
public:
  using ending = std::function<void(result<bool>)>;

  connection_driver(connection_key of, const platform_spec& spec, const driver_ports& ports,
                    driver_host& host);
  ~connection_driver();
  connection_driver(const connection_driver&) = delete;
  connection_driver& operator=(const connection_driver&) = delete;

  /// Does `work`; `done` comes when it and everything that was due is done. False: there is no such
  /// connection. Work that comes while some is under way follows it, all at once.
  void run(connection_work work, ending done);

  bool idle() const noexcept { return current_.empty(); }

  /// A delivery of the platform's webhook was stored.
  void saw_delivery(timestamp when) noexcept { last_delivery_ = when; }

  /// The row as it was last loaded or changed; nothing before the first run.
  const std::optional<loaded_connection>& known() const noexcept { return known_; }
  /// What is wrong with the tokens at the moment.
  std::optional<token_keeper::trouble_report> token_trouble() const;

private:
  struct job {
    connection_work work;
    ending done;
  };
  /// One endpoint, and which of the things it is read for (a channel, a playlist).
  struct poll_choice {
    std::size_t endpoint = 0; ///< Index in spec_.poll.endpoints.
    std::string resource;     ///< "" when the endpoint has none.
  };

  void start();
  void take_loaded(const result<std::optional<loaded_connection>>& found);
  void go_on();
  void choose_polls();
  void forget_far_plans();
  void choose_resources();
  void take_resources(std::size_t endpoint, const result<stored_items>& found);
  void enter();
  void poll_next();
  void polled(const poll_choice& what, poll_end how);
  void tell_sync();
  void finish(const result<bool>& how);
  void remove();
  void revoked();

  bool wants(connection_work work) const;
  timestamp plan(const endpoint_spec& endpoint, poll_progress& progress,
                 const poll_outcome& outcome);
  timestamp next_due() const;
  poll_progress& progress_of(const poll_choice& what);
  poll_progress& progress_named(const std::string& name);
  bool webhooks_flow() const;

  void ended(const token_keeper::end& why);
  void refreshed();
  void tell_status(std::string_view status, std::string_view cause, std::string message,
                   std::string delivery_id);
  void publish(event_draft draft, std::string delivery_id, bool ephemeral);
  std::function<void(std::function<void()>)> guarded_post();

  const connection_key key_;
  const platform_spec& spec_;
  const driver_ports& ports_;
  driver_host& host_;

  std::vector<job> jobs_;    ///< Waiting.
  std::vector<job> current_; ///< Under way: all of them are answered when it ends.
  std::optional<loaded_connection> known_;
  std::optional<timestamp> last_delivery_;
  token_step tokens_;
  std::unique_ptr<poll_step> polling_;
  std::vector<poll_choice> polls_left_;     ///< The last one is next.
  std::vector<std::size_t> resources_left_; ///< Endpoints whose resources are to be looked up.
  bool poll_all_ = false;                   ///< Not only what is due.
  std::size_t extra_polls_ = 0;         ///< Beyond one of each endpoint: further pages.
  std::size_t new_items_ = 0;
  bool polled_any_ = false;
  std::uint32_t unstored_ = 0;          ///< Polls in a row that could not be stored.
  bool inside_ = false;                 ///< Holds a place of the platform's traffic.
  std::optional<answer_problem> problem_;
  timestamp began_{};
  timestamp stored_due_{}; ///< What the store was last told.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
