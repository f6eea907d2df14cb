// A connection's registrations at the provider brought to the state that is wanted: made, renewed,
// adopted, or ended. What they are is decided by registration_run; this executes it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platforms/drive/driven_connection.hpp"
#include "platforms/drive/token_source.hpp"
#include "platforms/monitor/registration_run.hpp"

namespace lapwing {

/// Webhooks can be registered by us: the platform has them and providers can reach this node.
bool registers(const driven_connection& of) noexcept;

/// A registration is due: to be made, renewed, or asked for again.
bool registration_is_due(const registration& at, timestamp now) noexcept;

/// Only its host's thread calls it. Alive until `done` has been called; everything given must outlive
/// it.
class registration_round {
public:
  struct hooks {
    /// One has come to an end; `known` holds what it is now. `is_new`: deliveries begin.
    std::function<void(const registration_outcome&, bool is_new)> settled;
    std::function<void()> done;
  };

  registration_round(driven_connection& of, token_source& tokens, hooks calls);

  /// Makes what is wanted and missing or due, and ends what is not wanted any more.
  void start();
  /// Ends all, as far as that is possible within `patience`: what the provider does not hear of ends
  /// by itself, or is refused when it is delivered.
  void start_removal(std::chrono::milliseconds patience);

private:
  struct task {
    std::string resource;
    registration_goal goal;
  };

  void choose(const resource_names& found);
  void next();
  void begin(const task& what);
  void step();
  void send(http_request request, const access_token* token);
  void settle();
  bool is_hub() const noexcept;
  std::string secret_of_connection() const;

  driven_connection& of_;
  token_source& tokens_;
  const hooks calls_;
  std::vector<task> left_; ///< The last one is next.
  task current_;
  std::unique_ptr<registration_run> run_;
  bool was_active_ = false;
  bool rejected_once_ = false;
  timestamp give_up_at_ = timestamp::max();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
