// How a connection is watched over: by webhook or by polling, decided by method_choice from what is
// delivered, polled and registered. Each change is kept, told, and acted on.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/engine.hpp"
#include "platforms/drive/driven_connection.hpp"
#include "platforms/drive/hub_word.hpp"
#include "platforms/monitor/method_choice.hpp"
#include "platforms/monitor/registration_run.hpp"

namespace lapwing {

/// Only its host's thread calls it, and, but for `report`, only while the connection is known.
class webhook_watch {
public:
  using written = std::function<void(const result<bool>&)>;
  struct hooks {
    /// The callback for a write: the next load waits for it. Then, on the host's thread, `then`.
    std::function<std::function<void(result<bool>)>(written then)> write;
    std::function<void(publish_request)> publish;
  };

  webhook_watch(driven_connection& of, hooks calls);

  /// The row was read: what an earlier life knew counts on.
  void adopt();
  /// A doubt may be ripe.
  void check();
  std::optional<timestamp> next_check() const noexcept { return choice_.next_check(); }

  /// A registration has come to an end. `is_new`: deliveries begin.
  void settled(const registration_outcome& outcome, bool is_new);
  /// A hook is gone at the provider, as its row says.
  void hook_missing();
  /// A poll found what a webhook should have told; `before`: when the same was read before.
  void found_news(std::optional<timestamp> before);
  void delivered(timestamp when);
  /// With a wrong signature. Anybody can send one: what is no name of ours counts for nothing.
  void misdelivered(const std::string& external_id);
  /// `done`: whether the hub's challenge is to be echoed; what follows from it is durable then.
  void answer_hub(const hub_word& word, const std::function<void(result<bool>)>& done);

  /// The platform's webhooks tell of what this endpoint reads.
  bool covers(const endpoint_spec& endpoint) const;
  monitor_method method() const noexcept { return choice_.method(); }
  bool is_doubted() const noexcept { return choice_.is_doubted(); }
  const status_report& report() const noexcept { return choice_.report(); }

private:
  void follow(const std::optional<status_report>& changed);
  void registrations_changed(const std::string& remedy);
  void note_news();
  void register_again();
  void save(const registration& row, written then = {});

  driven_connection& of_;
  const hooks calls_;
  method_choice choice_;
};

} // namespace lapwing
