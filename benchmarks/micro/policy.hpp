// What the cases are compared over: who schedules the actors, and whether they have a home.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/runtime/runtime_config.hpp"

namespace lapwing::bench {

enum class policy { pinned, unpinned, sharing, stealing };

inline constexpr policy all_policies[]{policy::pinned, policy::unpinned, policy::sharing,
                                       policy::stealing};

constexpr std::string_view to_string_view(policy which) {
  switch (which) {
    case policy::pinned: return "ours, homes";
    case policy::unpinned: return "ours, no homes";
    case policy::sharing: return "CAF sharing";
    case policy::stealing: return "CAF stealing";
  }
  return "";
}

/// An actor system under one policy. Both of CAF's own get our max-throughput, to compare like
/// with like.
class world {
public:
  world(policy which, std::size_t threads) : which_(which) {
    if (which == policy::pinned || which == policy::unpinned) {
      config_ = std::make_unique<runtime_config>(runtime_options{threads, 50, {}});
    } else {
      config_ = std::make_unique<caf::actor_system_config>();
      config_->set("scheduler.policy",
                   which == policy::sharing ? caf::atom("sharing") : caf::atom("stealing"));
      config_->set("scheduler.max-threads", threads);
      config_->set("scheduler.max-throughput", std::size_t{50});
    }
    system_ = std::make_unique<caf::actor_system>(*config_);
  }

  policy which() const { return which_; }
  bool pinned() const { return which_ == policy::pinned; }
  caf::actor_system& system() { return *system_; }
  std::size_t homes() { return home_count(*system_); }
  /// Null for CAF's own schedulers.
  asio_scheduler* scheduler() { return asio_scheduler::find(*system_); }

  /// `behavior` is called with a pointer to the new actor: metered with a home, or CAF's own.
  template <class Behavior>
  caf::actor spawn(std::size_t home, Behavior behavior) {
    if (pinned())
      return spawn_home(*system_, {home % homes()},
                        [behavior](metered_pointer<caf::actor> self) -> caf::behavior {
                          return behavior(self);
                        });
    return system_->spawn(
      [behavior](caf::event_based_actor* self) -> caf::behavior { return behavior(self); });
  }

private:
  policy which_;
  std::unique_ptr<caf::actor_system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
};

} // namespace lapwing::bench
