#include "actors/realtime/channel_hub.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <unordered_map>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/realtime/context.hpp"
#include "actors/runtime/metered.hpp"
#include "core/ids.hpp"
#include "realtime/frames.hpp"

namespace lapwing::realtime {
namespace {

/// A channel with members on this thread.
struct local_channel {
  std::vector<member_ptr> members;
  std::deque<note_ptr> notes; ///< The front one is being told.
  std::size_t next = 0;       ///< The member that hears it next.
  bool has_left = false;
  // The front note in the forms that were needed so far; empty: not made yet.
  std::array<std::string, 2> text;
  std::string binary;
  bool binary_fits = true;
};

/// A channel whose home this thread is.
struct owned_channel {
  std::set<std::size_t> threads;
  presence present;
};

struct hub_state {
  static inline const char* name = "channel_hub";
  const realtime_context* env = nullptr;
  std::size_t home = 0;
  std::unordered_map<std::string, local_channel> local;
  std::unordered_map<std::string, owned_channel> owned;
  std::deque<std::string> active; ///< Channels with notes to tell.
  bool flush_due = false;
};

using self_pointer = stateful_metered_pointer<channel_hub_actor, hub_state>;

template <class Message>
void to_home(self_pointer self, const std::string& key, Message message) {
  const auto& hubs = self->state.env->hubs;
  self->send(hubs[home_of(key, hubs.size())], std::move(message));
}

void flush_soon(self_pointer self) {
  if (std::exchange(self->state.flush_due, true))
    return;
  self->send(self, atom::flush_v);
}

// -- the members of this thread -------------------------------------------------------------------

std::string_view text_of(local_channel& channel, const channel_note& note,
                         const channel_member& who) {
  auto& made = channel.text[static_cast<std::size_t>(who.spoken)];
  if (note.is == channel_note::what::presence_state)
    made.clear(); // It carries the member's own join_ref.
  if (!made.empty())
    return made;
  switch (note.is) {
    case channel_note::what::broadcast:
      append_text_frame(made, who.spoken, no_ref, no_ref, who.topic, "broadcast", note.payload);
      break;
    case channel_note::what::presence_diff:
      append_text_frame(made, who.spoken, no_ref, no_ref, who.topic, "presence_diff",
                        note.payload);
      break;
    case channel_note::what::presence_state:
      append_text_frame(made, who.spoken, who.join_ref, no_ref, who.topic, "presence_state",
                        note.payload);
      break;
    case channel_note::what::entered: break; // Nothing that clients are told.
  }
  return made;
}

void tell_bytes(local_channel& channel, const channel_note& note, const channel_member& who) {
  if (who.spoken == protocol::v1)
    return; // It has no form for them.
  if (channel.binary.empty() && channel.binary_fits)
    channel.binary_fits = append_binary_broadcast(
      channel.binary, who.topic, note.user_event,
      note.number == 0 ? std::string{} : broadcast_meta(note.number, false), *note.bytes);
  if (channel.binary_fits)
    who.out->binary(channel.binary);
}

void tell(local_channel& channel, const channel_note& note, channel_member& who) {
  if (note.is == channel_note::what::entered) {
    if (note.only == who.id && who.entered)
      std::exchange(who.entered, nullptr)();
    return;
  }
  if (note.is == channel_note::what::broadcast) {
    if (who.held)
      who.held_up_to = std::max(who.held_up_to, note.number);
    if (who.held || (note.number != 0 && note.number <= who.told_to))
      return;
    if (!who.may.read_broadcast || (note.sender == who.id && !who.self))
      return;
    if (note.bytes)
      return tell_bytes(channel, note, who);
  } else {
    if (!who.presence || !who.may.read_presence)
      return;
    if (note.is == channel_note::what::presence_state) {
      if (note.only != who.id)
        return;
      who.synced = true;
    } else if (!who.synced) {
      return;
    }
  }
  who.out->text(text_of(channel, note, who));
}

void end_note(local_channel& channel) {
  channel.notes.pop_front();
  channel.next = 0;
  for (auto& made : channel.text)
    made.clear();
  channel.binary.clear();
  channel.binary_fits = true;
  if (std::exchange(channel.has_left, false))
    std::erase_if(channel.members, [](const member_ptr& one) { return one->left; });
}

void enqueue(self_pointer self, const std::string& key, note_ptr note) {
  auto& state = self->state;
  auto found = state.local.find(key);
  if (found == state.local.end())
    return; // The last one left meanwhile.
  auto& channel = found->second;
  // Presence must stay right; broadcasts are told or not.
  if (note->is == channel_note::what::broadcast && channel.notes.size() >= state.env->backlog_max) {
    ++state.env->notes_dropped;
    return;
  }
  if (channel.notes.empty())
    state.active.push_back(key);
  channel.notes.push_back(std::move(note));
  flush_soon(self);
}

/// One slice of one channel; the channels take turns.
void flush(self_pointer self) {
  auto& state = self->state;
  state.flush_due = false;
  if (state.active.empty())
    return;
  auto key = std::move(state.active.front());
  state.active.pop_front();
  if (auto found = state.local.find(key); found != state.local.end()) {
    auto& channel = found->second;
    for (auto budget = state.env->slice; budget > 0 && !channel.notes.empty(); --budget) {
      if (channel.next < channel.members.size()) {
        channel_member& who = *channel.members[channel.next++];
        if (!who.gone && !who.left)
          tell(channel, *channel.notes.front(), who);
      }
      if (channel.next >= channel.members.size())
        end_note(channel);
    }
    if (!channel.notes.empty())
      state.active.push_back(std::move(key));
  }
  if (!state.active.empty())
    flush_soon(self);
}

void enter(self_pointer self, const channel_enter& message) {
  auto& state = self->state;
  const auto& who = message.who;
  auto& channel = state.local[who->key];
  if (channel.members.empty())
    to_home(self, who->key, channel_attach{who->key, state.home, true});
  channel.members.push_back(who);
  if (who->presence && who->may.read_presence)
    to_home(self, who->key, channel_state_query{who->key, state.home, who->id});
  if (who->entered)
    to_home(self, who->key, channel_state_query{who->key, state.home, who->id, true});
}

void leave(self_pointer self, const channel_leave& message) {
  auto& state = self->state;
  auto found = state.local.find(message.key);
  if (found == state.local.end())
    return;
  auto& channel = found->second;
  auto who = std::find_if(channel.members.begin(), channel.members.end(),
                          [&](const member_ptr& one) { return one->id == message.who; });
  if (who == channel.members.end())
    return;
  (*who)->left = true;
  if ((*who)->present)
    to_home(self, message.key, channel_track{message.key, state.home, message.who, {}, {}});
  if (channel.notes.empty())
    channel.members.erase(who);
  else
    channel.has_left = true; // A round is under way: its places must not move.
  if (std::all_of(channel.members.begin(), channel.members.end(),
                  [](const member_ptr& one) { return one->left; })) {
    to_home(self, message.key, channel_attach{message.key, state.home, false});
    state.local.erase(found);
  }
}

void take_presence(self_pointer self, const channel_presence& message) {
  auto& state = self->state;
  auto found = state.local.find(message.key);
  if (found == state.local.end())
    return;
  for (const auto& who : found->second.members) {
    if (who->id != message.who)
      continue;
    who->present = message.payload.has_value();
    if (who->present && !who->presence) { // Whoever tracks sees the others.
      who->presence = true;
      if (who->may.read_presence)
        to_home(self, message.key, channel_state_query{message.key, state.home, who->id});
    }
    to_home(self, message.key, channel_track{message.key, state.home, message.who,
                                             message.presence_key, message.payload});
    return;
  }
}

// -- the channels whose home this is --------------------------------------------------------------

void publish(self_pointer self, const std::string& key, const note_ptr& note) {
  auto& state = self->state;
  auto found = state.owned.find(key);
  if (found == state.owned.end())
    return; // Nobody is there.
  for (auto thread : found->second.threads)
    self->send(state.env->hubs[thread], channel_delivery{key, note});
}

void publish_diff(self_pointer self, const std::string& key, const presence_diff& diff) {
  if (diff.empty())
    return;
  auto note = std::make_shared<channel_note>();
  note->is = channel_note::what::presence_diff;
  note->payload = diff.json();
  publish(self, key, note);
}

void drop_if_empty(hub_state& state, const std::string& key) {
  auto found = state.owned.find(key);
  if (found != state.owned.end() && found->second.threads.empty()
      && found->second.present.size() == 0)
    state.owned.erase(found);
}

void attach(self_pointer self, const channel_attach& message) {
  auto& state = self->state;
  if (message.attached) {
    auto& channel = state.owned[message.key];
    channel.threads.insert(message.from);
    channel.present.renew(message.from, self->clock().now() + state.env->lease);
    return;
  }
  if (auto found = state.owned.find(message.key); found != state.owned.end())
    found->second.threads.erase(message.from);
  drop_if_empty(state, message.key);
}

void tell_state(self_pointer self, const channel_state_query& message) {
  auto& state = self->state;
  auto note = std::make_shared<channel_note>();
  note->only = message.who;
  if (message.only_entered) {
    note->is = channel_note::what::entered;
    return self->send(state.env->hubs[message.from],
                      channel_delivery{message.key, std::move(note)});
  }
  note->is = channel_note::what::presence_state;
  auto found = state.owned.find(message.key);
  note->payload = found == state.owned.end() ? "{}" : found->second.present.json();
  self->send(state.env->hubs[message.from], channel_delivery{message.key, std::move(note)});
}

std::string fresh_ref(const realtime_context& env) {
  constexpr std::string_view digits
    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  std::string ref = "F";
  for (auto bits = env.random(); ref.size() < 12; bits >>= 6U)
    ref += digits[bits & 63U];
  return ref;
}

void track(self_pointer self, const channel_track& message) {
  auto& state = self->state;
  auto found = state.owned.find(message.key);
  if (found == state.owned.end())
    return;
  auto& present = found->second.present;
  publish_diff(self, message.key,
               message.payload
                 ? present.track(message.who, message.presence_key, *message.payload,
                                 fresh_ref(*state.env), message.from)
                 : present.untrack(message.who));
  drop_if_empty(state, message.key);
}

void renew(self_pointer self, const lease_renewal& message) {
  auto& state = self->state;
  auto until = self->clock().now() + state.env->lease;
  for (auto& [key, channel] : state.owned)
    if (channel.threads.contains(message.from))
      channel.present.renew(message.from, until);
}

void tick(self_pointer self) {
  auto& state = self->state;
  for (const auto& hub : state.env->hubs)
    self->send(hub, lease_renewal{state.home});
  std::vector<std::string> emptied;
  for (auto& [key, channel] : state.owned) {
    auto diff = channel.present.expire(self->clock().now());
    publish_diff(self, key, diff);
    if (!diff.empty())
      emptied.push_back(key);
  }
  for (const auto& key : emptied)
    drop_if_empty(state, key);
  self->delayed_send(self, state.env->lease / 3, atom::tick_v);
}

channel_hub_actor::behavior_type behavior(self_pointer self, const realtime_context* env,
                                          std::size_t home) {
  self->state.env = env;
  self->state.home = home;
  self->delayed_send(self, env->lease / 3, atom::tick_v);
  return {
    [self](const channel_enter& message) { enter(self, message); },
    [self](const channel_leave& message) { leave(self, message); },
    [self](const channel_presence& message) { take_presence(self, message); },
    [self](const channel_publish& message) {
      const auto& hubs = self->state.env->hubs;
      if (home_of(message.key, hubs.size()) == self->state.home)
        return publish(self, message.key, message.note);
      to_home(self, message.key, message);
    },
    [self](const channel_attach& message) { attach(self, message); },
    [self](const channel_state_query& message) { tell_state(self, message); },
    [self](const channel_track& message) { track(self, message); },
    [self](const lease_renewal& message) { renew(self, message); },
    [self](const channel_delivery& message) { enqueue(self, message.key, message.note); },
    [self](atom::flush) { flush(self); },
    [self](atom::tick) { tick(self); },
  };
}

} // namespace

channel_hub_actor spawn_channel_hub(caf::actor_system& system, std::size_t home,
                                    const realtime_context& env) {
  return spawn_home(system, {home, {}}, behavior, &env, home);
}

} // namespace lapwing::realtime
