#include "actors/room_relay.hpp"

#include <unordered_map>

#include <caf/stateful_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/fanout.hpp"
#include "actors/room.hpp"
#include "actors/runtime/metered.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_events = 256;
constexpr auto attach_again_after = 1s; // A room that answers takes milliseconds.
constexpr std::size_t listed_max = 1000;
/// After a round that took a while the room rests as long as that round took, at most this: what
/// comes meanwhile goes out in one write to each member instead of one each. A quiet room does not
/// notice; a busy one costs half (docs/adr/0006-paced-rounds.md).
constexpr int rest_share = 2;
constexpr auto rest_max = 20ms;
/// Rounds below this (some 100 members) are not worth a timer.
constexpr auto rest_min = 500us;

struct followed_room {
  enum class phase : std::uint8_t { attaching, catching_up, live };

  struct waiting_query {
    tail_query query;
    caf::typed_response_promise<tail_state> promise;
  };

  followed_room(log_id which, const tail_limits& limits) : log(std::move(which)), tail(limits) {}

  log_id log;
  log_tail tail;
  fanout live;
  phase now = phase::attaching;
  bool started = false;    ///< Has been attached once: `tail` means something.
  room_actor room;
  sequence trimmed = 0;
  sequence target = 0;     ///< Catching up to here.
  std::size_t enrolled = 0; ///< Streams that asked and have not left.
  std::vector<waiting_query> waiting;
  std::size_t finished = 0; ///< Events done with and not yet reported.
  bool active = false;      ///< In the list of those that the next flush looks at, or resting.
  caf::actor_clock::time_point round_began{};
  caf::actor_clock::time_point rests_until{};
};

struct room_relay_state {
  static inline const char* name = "room_relay";
  const node_context* env = nullptr;
  std::size_t home = 0;
  std::unordered_map<std::string, std::unique_ptr<followed_room>> rooms; ///< By log key.
  ring_queue<followed_room*> active;
  std::vector<followed_room*> resting; ///< Back in `active` with the next wake-up.
  bool flush_due = false;
  bool wake_due = false;
  bool retry_due = false;
};

using self_pointer
  = stateful_metered_pointer<room_relay_actor, room_relay_state>;

void flush_soon(self_pointer self, followed_room& room) {
  auto& state = self->state;
  if (!room.active) {
    room.active = true;
    state.active.push_back(&room);
  }
  if (state.flush_due)
    return;
  state.flush_due = true;
  // Behind what is in the mailbox already: that joins this round.
  self->send(self, atom::flush_v);
}

void attach(self_pointer self, followed_room& room) {
  auto& state = self->state;
  room.now = followed_room::phase::attaching;
  self->send(state.env->directories[home_of(room.log, state.env->homes())],
             relay_attach{room.log, caf::actor_cast<caf::strong_actor_ptr>(self), state.home});
  if (state.retry_due)
    return;
  state.retry_due = true;
  self->delayed_send(self, attach_again_after, atom::retry_v);
}

followed_room* find(self_pointer self, const log_id& log) {
  auto at = self->state.rooms.find(to_key(log));
  return at == self->state.rooms.end() ? nullptr : at->second.get();
}

void report(self_pointer self, followed_room& room, bool gone) {
  if (!room.room)
    return;
  self->send(room.room, relay_progress{room.log, self->state.home, room.live.size(),
                                       std::exchange(room.finished, 0), gone});
}

/// Nobody here follows the room any more. Only flush may call this, with a room it has taken out of
/// `active`.
void drop(self_pointer self, followed_room& room) {
  report(self, room, true);
  if (room.room)
    self->demonitor(caf::actor_cast<caf::actor_addr>(room.room));
  self->state.rooms.erase(to_key(room.log));
}

// -- the room's side --------------------------------------------------------------------------

void read_on(self_pointer self, followed_room& room) {
  self->state.env->store->read(
    room.log, room.tail.newest(), page_events,
    [me = room_relay_actor{self}, log = room.log](result<event_range> range) {
      caf::anon_send(me, relay_page{log, std::move(range)});
    });
}

void attached(self_pointer self, const relay_attached& message) {
  auto* room = find(self, message.log);
  if (room == nullptr || room->now != followed_room::phase::attaching)
    return;
  auto waiting = std::move(room->waiting);
  room->waiting.clear();
  if (!message.room) {
    for (auto& one : waiting) {
      --room->enrolled;
      one.promise.deliver(caf::make_error(errc::store_unavailable));
    }
    return flush_soon(self, *room); // Which drops it if nobody is left.
  }
  room->room = caf::actor_cast<room_actor>(message.room);
  self->monitor(room->room);
  room->trimmed = message.trimmed;
  if (!room->started) {
    room->started = true;
    room->tail.start(message.newest);
  }
  if (room->tail.newest() < message.newest) {
    room->now = followed_room::phase::catching_up;
    room->target = message.newest;
    read_on(self, *room);
  } else {
    room->now = followed_room::phase::live;
  }
  for (auto& one : waiting)
    one.promise.deliver(tail_state{room->tail.newest(), room->trimmed, room->tail.complete_after(),
                                   caf::actor_cast<caf::strong_actor_ptr>(self)});
  flush_soon(self, *room);
}

void batch(self_pointer self, const relay_batch& message) {
  auto* room = find(self, message.log);
  if (room == nullptr)
    return;
  switch (room->now) {
    case followed_room::phase::attaching:
      return; // From before we left: `relay_attached` will say where the room stands.
    case followed_room::phase::catching_up: {
      std::vector<event_ptr> ephemeral;
      for (const event_ptr& e : *message.events) {
        if (e->seq == 0)
          ephemeral.push_back(e);
        else
          room->target = std::max(room->target, e->seq);
      }
      room->finished += message.events->size() - ephemeral.size();
      room->live.push(ephemeral);
      break;
    }
    case followed_room::phase::live:
      room->tail.append(*message.events);
      room->live.push(*message.events);
  }
  flush_soon(self, *room);
}

void page(self_pointer self, const relay_page& message) {
  auto* room = find(self, message.log);
  if (room == nullptr || room->now != followed_room::phase::catching_up)
    return;
  if (!message.range) // Start over in a while: attach asks where the room stands.
    return attach(self, *room);
  // The room did not give us these; that they count as finished only lets it send a little more.
  const auto& events = message.range->events;
  room->tail.append(events);
  room->live.push(events);
  flush_soon(self, *room);
  if (events.size() == page_events)
    return read_on(self, *room);
  if (room->tail.newest() < room->target)
    return read_on(self, *room);
  room->now = followed_room::phase::live;
}

// -- the streams' side ------------------------------------------------------------------------

caf::result<tail_state> query(self_pointer self, const tail_query& what) {
  auto& state = self->state;
  auto* room = find(self, what.log);
  if (room == nullptr) {
    auto fresh = std::make_unique<followed_room>(what.log, state.env->tails);
    room = fresh.get();
    state.rooms.emplace(to_key(what.log), std::move(fresh));
    attach(self, *room);
  }
  ++room->enrolled;
  if (room->started)
    return tail_state{room->tail.newest(), room->trimmed, room->tail.complete_after(),
                      caf::actor_cast<caf::strong_actor_ptr>(self)};
  auto promise = self->make_response_promise<tail_state>();
  room->waiting.push_back({what, promise});
  return promise;
}

caf::result<join_reply> join(self_pointer self, const join_request& request) {
  auto* room = find(self, request.log);
  if (room == nullptr)
    return caf::make_error(errc::internal);
  sequence newest = room->tail.newest();
  sequence from = request.member->cursor().position(request.log).value_or(newest);
  auto missing = room->tail.since(from);
  if (!missing)
    return join_reply{false, newest, room->trimmed};
  render_cache cache;
  request.member->deliver(*missing, cache);
  room->live.add(request.member);
  flush_soon(self, *room);
  return join_reply{true, newest, room->trimmed};
}

void leave(self_pointer self, const leave_message& message) {
  auto* room = find(self, message.log);
  if (room == nullptr)
    return;
  if (message.joined && message.ended)
    room->live.member_ended();
  else if (message.joined)
    room->live.remove(message.session);
  if (message.enrolled)
    --room->enrolled;
  flush_soon(self, *room);
}

/// True: between two rounds, and the next may not begin yet.
bool rest(self_pointer self, followed_room& room, caf::actor_clock::time_point now) {
  auto& state = self->state;
  if (room.live.in_round() || room.live.idle() || now >= room.rests_until)
    return false;
  state.resting.push_back(&room);
  if (!std::exchange(state.wake_due, true))
    self->delayed_send(self, room.rests_until - now, atom::wake_v);
  return true;
}

void wake(self_pointer self) {
  auto& state = self->state;
  state.wake_due = false;
  for (followed_room* room : std::exchange(state.resting, {}))
    state.active.push_back(room);
  if (!state.active.empty() && !std::exchange(state.flush_due, true))
    self->send(self, atom::flush_v);
}

void flush(self_pointer self) {
  auto& state = self->state;
  state.flush_due = false;
  auto now = self->clock().now();
  std::size_t budget = state.env->fanout_slice;
  for (std::size_t rounds = state.active.size(); rounds > 0 && budget > 0; --rounds) {
    followed_room& room = *state.active.take_front();
    if (rest(self, room, now))
      continue;
    room.active = false;
    if (!room.live.in_round())
      room.round_began = now;
    std::size_t finished = 0;
    std::size_t written = 0;
    std::size_t members = room.live.size();
    bool more = room.live.step(budget, finished, written);
    if (finished > 0) {
      auto ended = self->clock().now();
      auto took = ended - room.round_began;
      bool busy = took >= rest_min && (more || room.round_began - room.rests_until < took);
      room.rests_until = ended;
      if (busy)
        room.rests_until += std::min<caf::actor_clock::duration_type>(rest_share * took, rest_max);
    }
    room.finished += finished;
    budget -= std::min({budget, members + 1, state.env->fanout_slice});
    if (room.enrolled == 0 && !more && room.waiting.empty()) {
      drop(self, room);
      continue;
    }
    if (!more)
      report(self, room, false);
    else
      flush_soon(self, room);
  }
  if (!state.active.empty() && !state.flush_due) {
    state.flush_due = true;
    self->send(self, atom::flush_v);
  }
}

void retry(self_pointer self) {
  auto& state = self->state;
  state.retry_due = false;
  for (auto& [key, room] : state.rooms)
    if (room->now == followed_room::phase::attaching)
      attach(self, *room);
}

void room_down(self_pointer self, const caf::down_msg& down) {
  for (auto& [key, room] : self->state.rooms)
    if (room->room && caf::actor_cast<caf::actor_addr>(room->room) == down.source) {
      room->room = nullptr;
      attach(self, *room);
    }
}

fragment inspect(self_pointer self) {
  std::string out;
  std::size_t count = 0;
  for (auto& [key, room] : self->state.rooms) {
    if (room->log.kind != log_kind::room || ++count > listed_max)
      continue;
    out += out.empty() ? "{\"room\":" : ",{\"room\":";
    append_json_string(out, room->log.name);
    out += ",\"members\":";
    append_number(out, room->live.size());
    out += ",\"newest\":";
    append_number(out, room->tail.newest());
    out += ",\"home\":";
    append_number(out, self->state.home);
    out += '}';
  }
  return {std::move(out)};
}

room_relay_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                         std::size_t home) {
  self->state.env = env;
  self->state.home = home;
  self->set_down_handler([self](const caf::down_msg& down) { room_down(self, down); });
  return {
    [self](const tail_query& message) { return query(self, message); },
    [self](const join_request& message) { return join(self, message); },
    [self](const leave_message& message) { leave(self, message); },
    [self](const relay_attached& message) { attached(self, message); },
    [self](const relay_batch& message) { batch(self, message); },
    [self](atom::flush) { flush(self); },
    [self](atom::wake) { wake(self); },
    [self](const relay_page& message) { page(self, message); },
    [self](atom::retry) { retry(self); },
    [self](const inspect_query&) { return inspect(self); },
  };
}

} // namespace

room_relay_actor spawn_room_relay(caf::actor_system& system, std::size_t home,
                                  const node_context& env) {
  return spawn_home(system, {home, {}}, behavior, &env, home);
}

} // namespace lapwing
