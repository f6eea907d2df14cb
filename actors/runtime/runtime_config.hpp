// The configuration of an actor system of ours: which scheduler, how many threads, and where
// metered actors report to. Derive from it to add message types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <caf/actor_system_config.hpp>

#include "actors/runtime/actor_census.hpp"

namespace lapwing {

/// Something an actor should not have met with; always our bug. Log it once.
struct actor_fault {
  enum class what : std::uint8_t {
    exception,          ///< Left a handler; the actor ends.
    unexpected_message, ///< No handler takes it; dropped, a request gets an error.
  };
  what kind;
  caf::actor_id id;
  const char* actor; ///< Its name().
  std::string label; ///< See actor_figures.
  std::string text;  ///< The exception's, or the message's types; never a message's content.
};

struct runtime_options {
  std::size_t threads = 0;         ///< 0: one per core.
  std::size_t max_throughput = 50; ///< Messages an actor may handle in one turn.
  /// Called on the actor's thread; must not throw.
  std::function<void(const actor_fault&)> on_fault;
};

/// Must outlive the actor system, as any CAF configuration.
class runtime_config : public caf::actor_system_config {
public:
  /// Actors on Asio threads.
  explicit runtime_config(runtime_options options = {});

  /// Actors on CAF's test coordinator: no threads, time moves by hand.
  struct testing_t {};
  static constexpr testing_t testing{};
  explicit runtime_config(testing_t, runtime_options options = {});

  /// Null when the system was made with another configuration: then nothing is counted.
  static const runtime_config* find(const caf::actor_system& system) noexcept;

  /// The metered actors of the system made with this configuration. Any thread.
  actor_census& census() const noexcept { return *census_; }
  void report(const actor_fault& fault) const;

private:
  std::unique_ptr<actor_census> census_ = std::make_unique<actor_census>();
  std::function<void(const actor_fault&)> on_fault_;
};

} // namespace lapwing
