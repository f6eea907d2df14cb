#include "actors/due_scanner.hpp"

#include <string>
#include <unordered_set>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/runtime/metered.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// Between two looks while more is due: lets those that are done write their next due time.
constexpr auto next_look_after = 50ms;

/// Connections that nothing can be done for (their platform has lost its client id) are passed over
/// until the next interval. Of more than so many, what is due behind them waits, too.
constexpr std::size_t stuck_max = 20'000;

struct due_scanner_state {
  static inline const char* name = "due_scanner";
  const node_context* env = nullptr;
  due_scanner_settings settings;
  std::unordered_set<std::string> under_way; ///< "user/platform"; `/` is in no user id.
  std::unordered_set<std::string> stuck;     ///< The same, of those that ended as due as before.
  std::size_t limit = 0; ///< Of the look that is, or was last, under way.
  look_ahead wanted;     ///< By the next look.
  bool asking = false;
  bool more = false; ///< The last look was cut short.
  bool soon = false; ///< The next look waits only for next_look_after.
};

using self_pointer = stateful_metered_pointer<due_scanner_actor, due_scanner_state>;

std::string text_of(const connection_key& key) {
  return key.user.str() + '/' + key.platform.str();
}

void look(self_pointer self, look_ahead how) {
  auto& state = self->state;
  if (how.work == connection_work::due)
    how = std::exchange(state.wanted, {});
  if (state.asking || state.under_way.size() >= state.settings.under_way_max) {
    // What somebody asked for is not forgotten: the next look is that one.
    if (how.work != connection_work::due)
      state.wanted = how;
    return;
  }
  state.asking = true;
  // Those under way may still be due in the store's eyes, and come first: there is room for the rest.
  state.limit = state.settings.under_way_max + state.stuck.size();
  state.env->connections->due(state.env->clock->now() + how.ahead, state.limit,
                              [me = due_scanner_actor{self}, work = how.work](auto found) {
                                caf::anon_send(me, due_found{std::move(found), work});
                              });
}

/// While more is due, half of those under way are always at work when the others are asked for.
void look_when_half_are_done(self_pointer self) {
  auto& state = self->state;
  if (!state.more || state.soon || state.asking || state.stuck.size() > stuck_max
      || state.under_way.size() > state.settings.under_way_max / 2)
    return;
  state.soon = true;
  self->run_after(next_look_after, [self] {
    self->state.soon = false;
    look(self, {});
  });
}

void wake_found(self_pointer self, const due_found& found) {
  auto& state = self->state;
  state.asking = false;
  state.more = found.keys && found.keys->size() >= state.limit;
  if (!found.keys)
    return; // The store is away: the next interval asks again.
  auto before = state.under_way.size();
  for (const connection_key& key : *found.keys) {
    if (state.under_way.size() >= state.settings.under_way_max)
      break;
    auto name = text_of(key);
    if (state.stuck.contains(name) || !state.under_way.insert(std::move(name)).second)
      continue;
    auto task = std::make_shared<platform_task>();
    task->of = key;
    task->work = found.work;
    task->done = [me = due_scanner_actor{self}, key](const result<bool>& how) {
      caf::anon_send(me, task_ended{key, how && *how});
    };
    self->send(state.env->directories[home_of(key.user.str(), state.env->homes())],
               platform_message{std::move(task)});
  }
  if (state.env->log != nullptr && state.under_way.size() > before)
    state.env->log->due(state.under_way.size() - before);
  look_when_half_are_done(self);
}

void look_every_interval(self_pointer self) {
  self->delayed_send(self, self->state.settings.interval, atom::tick_v);
}

due_scanner_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                          due_scanner_settings settings) {
  self->state.env = env;
  self->state.settings = settings;
  look_every_interval(self);
  return {
    [self](const look_ahead& how) { look(self, how); },
    [self](atom::tick) {
      self->state.stuck.clear();
      look(self, {});
      look_every_interval(self);
    },
    [self](const due_found& found) { wake_found(self, found); },
    [self](const task_ended& ended) {
      auto ended_one = self->state.under_way.extract(text_of(ended.of));
      if (!ended.was_done && ended_one)
        self->state.stuck.insert(std::move(ended_one));
      look_when_half_are_done(self);
    },
  };
}

} // namespace

due_scanner_actor spawn_due_scanner(caf::actor_system& system, const node_context& env,
                                    due_scanner_settings settings) {
  return spawn_home(system, {any_home, {}}, behavior, &env, settings);
}

} // namespace lapwing
