#include "actors/runtime/runtime_config.hpp"

#include <utility>

#include <caf/actor_system.hpp>
#include <caf/atom.hpp>

#include "actors/runtime/asio_scheduler.hpp"

namespace lapwing {

runtime_config::runtime_config(runtime_options options) : on_fault_(std::move(options.on_fault)) {
  load<asio_scheduler>();
  if (options.threads > 0)
    set("scheduler.max-threads", options.threads);
  set("scheduler.max-throughput", options.max_throughput);
}

runtime_config::runtime_config(testing_t, runtime_options options)
  : on_fault_(std::move(options.on_fault)) {
  set("scheduler.policy", caf::atom("testing"));
}

const runtime_config* runtime_config::find(const caf::actor_system& system) noexcept {
  return dynamic_cast<const runtime_config*>(&system.config());
}

void runtime_config::report(const actor_fault& fault) const {
  if (on_fault_)
    on_fault_(fault);
}

} // namespace lapwing
