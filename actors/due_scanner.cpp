#include "actors/due_scanner.hpp"

#include <algorithm>
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

/// Between two pages when there was more: lets the first ones write their next due time.
constexpr auto next_page_after = 50ms;

struct due_scanner_state {
  static inline const char* name = "due_scanner";
  const node_context* env = nullptr;
  due_scanner_settings settings;
  std::unordered_set<std::string> under_way; ///< "user/platform"; `/` is in no user id.
  bool asking = false;
  bool timer = false;
};

using self_pointer = stateful_metered_pointer<due_scanner_actor, due_scanner_state>;

std::string text_of(const connection_key& key) {
  return key.user.str() + '/' + key.platform.str();
}

void look_again(self_pointer self, std::chrono::milliseconds after) {
  if (std::exchange(self->state.timer, true))
    return;
  self->delayed_send(self, after, atom::tick_v);
}

void look(self_pointer self) {
  auto& state = self->state;
  if (state.asking || state.under_way.size() >= state.settings.under_way_max)
    return;
  state.asking = true;
  // Those under way are still due in the store's eyes and come first.
  auto room = state.settings.under_way_max - state.under_way.size();
  auto limit = std::min(state.settings.page, room) + state.under_way.size();
  state.env->connections->due(state.env->clock->now(), limit,
                              [me = due_scanner_actor{self}](auto found) {
                                caf::anon_send(me, due_found{std::move(found)});
                              });
}

void wake_found(self_pointer self, const due_found& found) {
  auto& state = self->state;
  state.asking = false;
  std::size_t woken = 0;
  if (found.keys) {
    for (const connection_key& key : *found.keys) {
      if (!state.under_way.insert(text_of(key)).second)
        continue;
      ++woken;
      auto task = std::make_shared<platform_task>();
      task->of = key;
      task->done = [me = due_scanner_actor{self}, key](const result<bool>&) {
        caf::anon_send(me, task_ended{key});
      };
      self->send(state.env->directories[home_of(key.user.str(), state.env->homes())],
                 platform_message{std::move(task)});
    }
  }
  look_again(self, woken >= state.settings.page ? next_page_after : state.settings.interval);
}

due_scanner_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                          due_scanner_settings settings) {
  self->state.env = env;
  self->state.settings = settings;
  look_again(self, settings.interval);
  return {
    [self](atom::wake) { look(self); },
    [self](atom::tick) {
      self->state.timer = false;
      look(self);
      look_again(self, self->state.settings.interval);
    },
    [self](const due_found& found) { wake_found(self, found); },
    [self](const task_ended& ended) { self->state.under_way.erase(text_of(ended.of)); },
  };
}

} // namespace

due_scanner_actor spawn_due_scanner(caf::actor_system& system, const node_context& env,
                                    due_scanner_settings settings) {
  return spawn_home(system, {any_home, {}}, behavior, &env, settings);
}

} // namespace lapwing
