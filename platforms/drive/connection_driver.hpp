// One connection kept alive: loads it, keeps its tokens fresh, polls its endpoints and keeps its
// registrations when they are due, one thing after the other. The decisions are pure classes
// (token_keeper, poll_run, registration_run, method_choice); the rounds and the watch over webhooks
// execute them; this says what comes when, and what the person is told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection_store.hpp"
#include "platforms/drive/connection_work.hpp"
#include "platforms/drive/driven_connection.hpp"
#include "platforms/drive/driver_host.hpp"
#include "platforms/drive/hub_word.hpp"
#include "platforms/drive/poll_round.hpp"
#include "platforms/drive/reconcile_round.hpp"
#include "platforms/drive/registration_round.hpp"
#include "platforms/drive/removal_round.hpp"
#include "platforms/drive/token_step.hpp"
#include "platforms/drive/webhook_watch.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Only its host's thread calls it. Spec, ports and host must outlive it.
class connection_driver {
public:
  using ending = std::function<void(result<bool>)>;

  connection_driver(connection_key of, const platform_spec& spec, const driver_ports& ports,
                    driver_host& host);

  /// Does `work`; `done` comes when it and everything that was due is done. False: there is no such
  /// connection. Work that comes while some is under way follows it, all at once.
  void run(connection_work work, ending done);

  /// Nothing is under way, and what is known is on disk.
  bool idle() const noexcept { return current_.empty() && writes_ == 0; }

  /// A delivery of the platform's webhook was stored now.
  void saw_delivery();
  /// A delivery to the registration of that external id had a wrong signature. Anybody can send one:
  /// what is no name of ours counts for nothing.
  void saw_bad_delivery(std::string external_id);
  /// `done`: whether the hub's challenge is to be echoed; what follows from it is durable then.
  void heard_hub(hub_word word, ending done);

  /// The row as it was last loaded or changed; nothing before the first run.
  const std::optional<loaded_connection>& known() const noexcept { return at_.known; }
  const status_report& report() const noexcept { return watch_.report(); }
  /// What is wrong with the tokens at the moment.
  std::optional<token_keeper::trouble_report> token_trouble() const;

private:
  struct job {
    connection_work work;
    ending done;
  };
  enum class phase : std::uint8_t { poll, reconcile, registrations, rest };

  void start();
  void load();
  void take_loaded(result<std::optional<loaded_connection>> found);
  void go_on();
  void enter(phase next);
  phase after(phase done) const noexcept;
  bool registrations_first() const noexcept;
  void polls();
  void registrations();
  void reconcile();
  void finish(const result<bool>& how);
  void remove();
  void look_at_tokens();
  void removed(const result<bool>& done);

  bool wants(connection_work work) const;
  timestamp next_due() const;
  poll_pressure pressure_of(const endpoint_spec& endpoint) const;
  /// Runs `call` with what is known: at once, after the load under way, or after one.
  void with_known(std::function<void(const result<bool>& found)> call);
  /// A callback for a write that nobody waits for but the next load.
  std::function<void(result<bool>)> written(std::function<void(const result<bool>&)> then = {});
  void ended(const token_keeper::end& why, const std::function<void()>& done);
  void keep_end(const token_keeper::end& why, const std::function<void()>& done);
  void refreshed();
  void publish(publish_request request,
               std::function<void(const result<publish_receipt>&)> done = {});
  /// Runs `next` on the host's thread, after the call under way: a round ends in its own call.
  template <class Round>
  void leave(std::unique_ptr<Round>& round, std::function<void()> next);
  std::function<void(std::function<void()>)> guarded_post();

  driven_connection at_;
  std::vector<job> jobs_;    ///< Waiting.
  std::vector<job> current_; ///< Under way: all of them are answered when it ends.
  bool stale_ = false;       ///< `at_.known` says what the store did not take.
  token_step tokens_;
  webhook_watch watch_;
  std::unique_ptr<poll_round> polling_;
  std::unique_ptr<registration_round> registering_;
  std::unique_ptr<reconcile_round> reconciling_;
  std::unique_ptr<removal_round> removing_;
  std::vector<std::function<void(const result<bool>&)>> after_load_;
  std::size_t writes_ = 0;       ///< Under way.
  bool is_loading_ = false;      ///< What is known is about to be replaced.
  bool load_waits_ = false;      ///< For the writes under way.
  bool found_resources_ = false; ///< This task brought items that registrations come from.
  bool has_looked_ = false;      ///< Registrations were looked at in this life.
  timestamp began_{};
  timestamp stored_due_{};       ///< What the store was last told.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
