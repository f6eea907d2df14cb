#include "actors/due_scanner.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_set>
#include <utility>

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
/// until the next interval. Of more than so many, what is due of that platform behind them waits, too.
constexpr std::size_t stuck_max = 20'000;

/// What is known of one platform's connections.
struct platform_lane {
  platform_id platform;
  std::unordered_set<std::string> under_way; ///< Users.
  std::unordered_set<std::string> stuck;     ///< Those that ended as due as before.
  std::size_t limit = 0;                     ///< Of the look that is, or was last, under way.
  look_ahead wanted;                         ///< By the next look.
  bool asking = false;
  bool more = false; ///< The last look was cut short.
  bool soon = false; ///< The next look waits only for next_look_after.
};

struct due_scanner_state {
  static inline const char* name = "due_scanner";
  const node_context* env = nullptr;
  due_scanner_settings settings;
  std::deque<platform_lane> lanes; ///< They stay where they are.

  platform_lane* lane_of(const platform_id& platform) {
    auto at = std::ranges::find(lanes, platform, &platform_lane::platform);
    return at == lanes.end() ? nullptr : &*at;
  }
};

using self_pointer = stateful_metered_pointer<due_scanner_actor, due_scanner_state>;

void look(self_pointer self, platform_lane& lane, look_ahead how) {
  auto& state = self->state;
  if (how.work == connection_work::due)
    how = std::exchange(lane.wanted, {});
  if (lane.asking || lane.under_way.size() >= state.settings.under_way_max) {
    // What somebody asked for is not forgotten: the next look is that one.
    if (how.work != connection_work::due)
      lane.wanted = how;
    return;
  }
  lane.asking = true;
  // Those under way may still be due in the store's eyes, and come first: there is room for the rest.
  lane.limit = state.settings.under_way_max + lane.stuck.size();
  state.env->connections->due(lane.platform, state.env->clock->now() + how.ahead, lane.limit,
                              [me = due_scanner_actor{self}, platform = lane.platform,
                               work = how.work](auto found) {
                                caf::anon_send(me, due_found{platform, std::move(found), work});
                              });
}

void look_at(self_pointer self, const look_ahead& how) {
  for (auto& lane : self->state.lanes)
    if (how.platform.str().empty() || how.platform == lane.platform)
      look(self, lane, how);
}

/// While more is due, half of those under way are always at work when the others are asked for.
void look_when_half_are_done(self_pointer self, platform_lane& lane) {
  if (!lane.more || lane.soon || lane.asking || lane.stuck.size() > stuck_max
      || lane.under_way.size() > self->state.settings.under_way_max / 2)
    return;
  lane.soon = true;
  self->run_after(next_look_after, [self, at = &lane] {
    at->soon = false;
    look(self, *at, {});
  });
}

void wake_found(self_pointer self, const due_found& found) {
  auto& state = self->state;
  auto& lane = *state.lane_of(found.platform);
  lane.asking = false;
  lane.more = found.keys && found.keys->size() >= lane.limit;
  if (!found.keys)
    return; // The store is away: the next interval asks again.
  auto before = lane.under_way.size();
  for (const connection_key& key : *found.keys) {
    if (lane.under_way.size() >= state.settings.under_way_max)
      break;
    if (lane.stuck.contains(key.user.str()) || !lane.under_way.insert(key.user.str()).second)
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
  if (state.env->log != nullptr && lane.under_way.size() > before)
    state.env->log->due(lane.under_way.size() - before);
  look_when_half_are_done(self, lane);
}

void look_every_interval(self_pointer self) {
  self->delayed_send(self, self->state.settings.interval, atom::tick_v);
}

due_scanner_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                          due_scanner_settings settings) {
  self->state.env = env;
  self->state.settings = settings;
  for (const auto& platform : env->platforms) {
    auto& lane = self->state.lanes.emplace_back();
    lane.platform = platform.name;
  }
  look_every_interval(self);
  return {
    [self](const look_ahead& how) { look_at(self, how); },
    [self](atom::tick) {
      for (auto& lane : self->state.lanes)
        lane.stuck.clear();
      look_at(self, {});
      look_every_interval(self);
    },
    [self](const due_found& found) { wake_found(self, found); },
    [self](const task_ended& ended) {
      auto& lane = *self->state.lane_of(ended.of.platform);
      auto user = lane.under_way.extract(ended.of.user.str());
      if (!ended.was_done && user)
        lane.stuck.insert(std::move(user));
      look_when_half_are_done(self, lane);
    },
  };
}

} // namespace

due_scanner_actor spawn_due_scanner(caf::actor_system& system, const node_context& env,
                                    due_scanner_settings settings) {
  return spawn_home(system, {any_home, {}}, behavior, &env, settings);
}

} // namespace lapwing
