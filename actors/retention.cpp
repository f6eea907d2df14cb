#include "actors/retention.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/runtime/metered.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// Between two full batches: commits go first.
constexpr auto pause = 20ms;

struct retention_state {
  static inline const char* name = "retention";
  event_store* store = nullptr;
  const wall_clock* clock = nullptr;
  retention_settings settings;
};

using self_pointer = stateful_metered_pointer<retention_actor, retention_state>;

void step(self_pointer self) {
  auto& state = self->state;
  retention_rule rule;
  rule.count_max = state.settings.count_max;
  if (state.settings.age_max > 0ms)
    rule.before = state.clock->now() - state.settings.age_max;
  if (state.settings.items_age_max > 0ms)
    rule.items_before = state.clock->now() - state.settings.items_age_max;
  rule.kept_kinds = state.settings.kept_kinds;
  state.store->trim(std::move(rule), [me = retention_actor{self}](result<retention_step> done) {
    caf::anon_send(me, trimmed{std::move(done)});
  });
}

retention_actor::behavior_type behavior(self_pointer self, event_store* store,
                                        const wall_clock* clock, retention_settings settings) {
  self->state = {store, clock, std::move(settings)};
  self->delayed_send(self, self->state.settings.interval, atom::tick_v);
  return {
    [self](atom::tick) { step(self); },
    [self](const trimmed& done) {
      bool more = done.step && done.step->more;
      self->delayed_send(self, more ? std::chrono::milliseconds{pause} : self->state.settings.interval,
                         atom::tick_v);
    },
  };
}

} // namespace

retention_actor spawn_retention(caf::actor_system& system, event_store* store,
                                const wall_clock* clock, retention_settings settings) {
  return spawn_home(system, {any_home, {}}, behavior, store, clock, std::move(settings));
}

} // namespace lapwing
