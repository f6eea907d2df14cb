#include "actors/stream_keeper.hpp"

#include <algorithm>
#include <array>
#include <queue>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/inspection.hpp"
#include "actors/runtime/metered.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// The heartbeat interval is cut into this many ticks; each tick serves one bucket.
constexpr std::size_t bucket_count = 30;
constexpr std::size_t listed_max = 1000;

struct expiry {
  timestamp when;
  std::weak_ptr<outlet> who;
  bool operator<(const expiry& other) const { return when > other.when; } // Soonest on top.
};

struct stream_keeper_state {
  static inline const char* name = "stream_keeper";
  const node_context* env = nullptr;
  std::array<std::vector<outlet_ptr>, bucket_count> buckets;
  std::priority_queue<expiry> expiries;
  std::size_t next_bucket = 0; ///< Served by the next tick.
};

using self_pointer = stateful_metered_pointer<stream_keeper_actor, stream_keeper_state>;

void arm(self_pointer self) {
  auto tick = std::max(self->state.env->heartbeat / static_cast<int>(bucket_count), 1ms);
  self->delayed_send(self, tick, atom::tick_v);
}

void keep(self_pointer self, const outlet_ptr& who) {
  auto& state = self->state;
  if (who->closed())
    return;
  // The bucket that was served last: the first heartbeat comes a whole interval from now.
  state.buckets[(state.next_bucket + bucket_count - 1) % bucket_count].push_back(who);
  if (who->token_expires)
    state.expiries.push({*who->token_expires, who});
}

void end_expired(stream_keeper_state& state, timestamp now) {
  while (!state.expiries.empty() && state.expiries.top().when <= now) {
    auto who = state.expiries.top().who.lock();
    state.expiries.pop();
    if (!who || who->closed() || !who->token_expires)
      continue;
    if (*who->token_expires > now) // Renewed.
      state.expiries.push({*who->token_expires, who});
    else
      who->close({errc::token_expired, "the token of this stream has expired; renew it and resume"});
  }
}

void serve(stream_keeper_state& state, timestamp now) {
  auto& bucket = state.buckets[state.next_bucket];
  state.next_bucket = (state.next_bucket + 1) % bucket_count;
  std::erase_if(bucket, [](const outlet_ptr& who) { return who->closed(); });
  auto silent_since = std::chrono::steady_clock::now() - 2 * state.env->heartbeat;
  std::string json;
  for (const outlet_ptr& who : bucket) {
    if (who->sink()->last_heard() < silent_since) {
      who->close({errc::slow_consumer, "nothing was heard from the client for two heartbeats"});
      continue;
    }
    json = "{\"type\":\"heartbeat\",\"timestamp\":\"";
    append_rfc3339(json, now);
    json += "\",\"lastEventId\":";
    append_json_string(json, who->cursor().text());
    json += '}';
    // The cursor goes with it: events that a filter held back need not be looked at again.
    who->control("heartbeat", json, true);
    if (!who->closed())
      who->sink()->ping();
  }
}

fragment inspect(self_pointer self, const inspect_query& query) {
  auto& state = self->state;
  std::string out;
  if (query.path == "close-session") {
    for (auto& bucket : state.buckets)
      for (const outlet_ptr& who : bucket)
        if (!who->closed() && to_string(who->id()) == query.argument) {
          who->close({errc::session_closed, "closed by an operator; the client may resume"});
          return {"{\"ok\":true,\"session\":\"" + query.argument + "\"}"};
        }
    return {};
  }
  std::string_view user = std::string_view{query.path}.substr(
    std::min(query.path.size(), std::string_view{"sessions/"}.size()));
  std::size_t count = 0;
  for (auto& bucket : state.buckets)
    for (const outlet_ptr& who : bucket) {
      if (who->closed() || (!user.empty() && who->origin().user.str() != user))
        continue;
      if (++count > listed_max)
        return {std::move(out)};
      if (!out.empty())
        out += ',';
      append_stream(out, *who, state.env->clock->now());
    }
  return {std::move(out)};
}

stream_keeper_actor::behavior_type behavior(self_pointer self, const node_context* env) {
  self->state.env = env;
  arm(self);
  return {
    [self](const keep_message& message) { keep(self, message.what); },
    [self](atom::tick) {
      auto now = self->state.env->clock->now();
      end_expired(self->state, now);
      serve(self->state, now);
      arm(self);
    },
    [self](const inspect_query& query) { return inspect(self, query); },
  };
}

} // namespace

stream_keeper_actor spawn_stream_keeper(caf::actor_system& system, std::size_t home,
                                        const node_context& env) {
  return spawn_home(system, {home, {}}, behavior, &env);
}

} // namespace lapwing
