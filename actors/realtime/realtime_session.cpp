#include "actors/realtime/realtime_session.hpp"

#include <algorithm>
#include <map>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/realtime/context.hpp"
#include "actors/realtime/kept_publish.hpp"
#include "actors/realtime/replay_runner.hpp"
#include "actors/runtime/metered.hpp"

namespace lapwing::realtime {
namespace {

/// A first id with room for all joins a socket can ever make.
constexpr unsigned joins_bits = 32;
/// What phoenix.js calls a socket that it gives up for silence.
constexpr std::uint16_t normal_closure = 1000;

struct session_state;
using self_pointer = stateful_metered_pointer<realtime_session_actor, session_state>;

void await_replication(self_pointer self, member_id who, std::chrono::milliseconds patience);

/// A random UUID (RFC 9562 5.4), for members that name no presence key.
std::string random_uuid(const std::function<std::uint64_t()>& random) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0, bits = 0; i < 32; ++i) {
    if (i % 16 == 0)
      bits = random();
    if (i == 8 || i == 12 || i == 16 || i == 20)
      out += '-';
    auto digit = bits >> (4 * (i % 16)) & 15U;
    out += i == 12 ? '4' : digits[i == 16 ? (digit & 3U) | 8U : digit];
  }
  return out;
}

/// Carries out what the machine asks for.
struct actor_host final : socket_host {
  void send(std::string_view frame) override { out->text(frame); }
  void check_token(std::uint64_t question, std::string token) override {
    out->check_token(question, std::move(token));
  }
  void ask_permission(std::uint64_t question, const channel& of) override;
  void locate_replay(std::uint64_t question, const channel& of) override;
  void enter(const channel& joined) override;
  void leave(const channel& gone) override;
  void renew(const channel& changed) override;
  bool broadcast(const channel& from, client_message message) override;
  void track(const channel& who, std::string payload) override;
  void untrack(const channel& who) override;
  void end(std::uint16_t code, std::string_view reason) override { out->end(code, reason); }

  void follow_changes(const channel& joined);
  void let_go_of(member_id id, bool ended);

  self_pointer self = nullptr;
  const realtime_context* env = nullptr;
  change_desk_actor desk; ///< Null: no table is live.
  channel_hub_actor hub;
  std::shared_ptr<socket> out;
  std::map<member_id, member_ptr> members; ///< Those that have entered.
  std::unique_ptr<replay_runner> replays;
  std::map<member_id, std::string> presence_keys;
  std::map<member_id, follower_ptr> followers; ///< Those that want changes.
};

struct session_state {
  static inline const char* name = "realtime_session";

  actor_host host;
  std::unique_ptr<socket_channels> channels;
  actor_timer expiry;
  bool by_client = false; ///< The client said goodbye.

  ~session_state() {
    // However the session ends, hub and desk hear of every member once.
    for (const auto& [id, one] : host.followers) {
      one->gone = true;
      caf::anon_send(host.desk, change_unfollow{one, !by_client});
    }
    for (const auto& [id, one] : host.members)
      caf::anon_send(host.hub, channel_leave{one->key, id});
    if (host.out)
      host.out->end(1011, "the session failed"); // Nothing, when the connection ended first.
  }
};

void actor_host::ask_permission(std::uint64_t question, const channel& of) {
  env->policy->ask(of.name, of.who,
                   [me = realtime_session_actor{self}, question](result<permissions> what) {
                     caf::anon_send(me, permission_verdict{question, std::move(what)});
                   });
}

void actor_host::locate_replay(std::uint64_t question, const channel& of) {
  auto me = realtime_session_actor{self};
  if (!is_kept(*env, of.name, true)) {
    error why{errc::not_configured, "nothing is kept"};
    caf::anon_send(me, replay_found{question, of.id, std::move(why)});
    return;
  }
  env->archive->extent(of.name, [me, question, who = of.id](result<kept_extent> extent) {
    caf::anon_send(me, replay_found{question, who, std::move(extent)});
  });
}

void actor_host::enter(const channel& joined) {
  auto made = std::make_shared<channel_member>();
  made->id = joined.id;
  made->key = channel_key(joined.name, joined.asked.is_private);
  made->topic = joined.topic;
  made->join_ref = joined.join_ref;
  made->spoken = self->state.channels->spoken();
  made->is_private = joined.asked.is_private;
  made->self = joined.asked.self;
  made->presence = joined.asked.presence;
  made->may = joined.may;
  made->out = out;
  members[joined.id] = made;
  if (joined.asked.replay) {
    replays->begin(made, joined.name);
    made->entered = [me = realtime_session_actor{self}, who = joined.id] {
      caf::anon_send(me, member_entered{who});
    };
  }
  self->send(hub, channel_enter{std::move(made)});
  if (joined.asked.replication_ready)
    await_replication(self, joined.id, env->replication_patience);
  if (!joined.asked.changes.empty())
    follow_changes(joined);
}

subject subject_of(const identity& who) {
  return {who.role, who.claims};
}

void actor_host::follow_changes(const channel& joined) {
  const auto& entries = joined.asked.changes;
  if (!desk) {
    // Not from within the machine's call.
    auto bad = std::find_if(entries.begin(), entries.end(),
                            [](const change_entry& one) { return !one.problem.empty(); });
    self->send(self, change_notice{joined.id, false,
                                   bad == entries.end() ? no_such_table(entries.front())
                                                        : bad->problem});
    return;
  }
  auto made = std::make_shared<change_follower>();
  made->id = joined.id;
  made->topic = joined.topic;
  made->spoken = self->state.channels->spoken();
  made->entries = entries;
  made->resume_key = joined.who->role + '\n' + joined.who->user + '\n' + joined.topic;
  for (const auto& entry : entries)
    made->resume_key += '\n' + entry.text;
  made->out = out;
  made->who = subject_of(*joined.who);
  followers[joined.id] = made;
  self->send(desk, change_follow{std::move(made), false},
             change_listener_actor{realtime_session_actor{self}});
}

void actor_host::let_go_of(member_id id, bool ended) {
  auto found = followers.find(id);
  if (found == followers.end())
    return;
  found->second->gone = true;
  self->send(desk, change_unfollow{found->second, ended});
  followers.erase(found);
}

void actor_host::leave(const channel& gone) {
  auto found = members.find(gone.id);
  if (found == members.end())
    return;
  // Nothing more of it reaches the client, whatever is under way.
  found->second->gone = true;
  self->send(hub, channel_leave{found->second->key, gone.id});
  members.erase(found);
  presence_keys.erase(gone.id);
  replays->left(gone.id);
  let_go_of(gone.id, false);
}

void actor_host::renew(const channel& changed) {
  if (auto found = members.find(changed.id); found != members.end())
    found->second->may = changed.may;
  if (auto found = followers.find(changed.id); found != followers.end()) {
    found->second->who = subject_of(*changed.who);
    self->send(desk, change_follow{found->second, true},
               change_listener_actor{realtime_session_actor{self}});
  }
}

bool actor_host::broadcast(const channel& from, client_message message) {
  if (is_kept(*env, from.name, from.asked.is_private)) {
    publish_kept(*env, from.name,
                 {std::move(message.payload), std::move(message.bytes),
                  std::move(message.user_event)},
                 from.id,
                 [me = realtime_session_actor{self}, who = from.id,
                  ref = std::move(message.ref)](const result<void>& kept) {
                   caf::anon_send(me, broadcast_kept{who, ref, kept.has_value()});
                 });
    return false;
  }
  auto note = std::make_shared<channel_note>();
  note->payload = std::move(message.payload);
  note->bytes = std::move(message.bytes);
  note->user_event = std::move(message.user_event);
  note->sender = from.id;
  self->send(hub, channel_publish{channel_key(from.name, from.asked.is_private), std::move(note)});
  return true;
}

void actor_host::track(const channel& who, std::string payload) {
  auto& key = presence_keys[who.id];
  if (key.empty())
    key = who.asked.presence_key.empty() ? random_uuid(env->random) : who.asked.presence_key;
  self->send(hub, channel_presence{channel_key(who.name, who.asked.is_private), who.id, key,
                                   std::move(payload)});
}

void actor_host::untrack(const channel& who) {
  self->send(hub, channel_presence{channel_key(who.name, who.asked.is_private), who.id, {}, {}});
}

/// Tells the channel once the stream of changes runs, and ends it if that takes too long: at once
/// where there is nothing to wait for.
void await_replication(self_pointer self, member_id who, std::chrono::milliseconds patience) {
  const auto& env = *self->state.host.env;
  if (env.desk.feed && patience == env.replication_patience) // It begins when somebody asks.
    env.desk.feed->describe("anon", [](const auto&) {});
  auto pause = env.desk.feed ? env.replication_look : std::chrono::milliseconds{1};
  // Not from within the machine's call.
  self->run_after(pause, [self, who, patience, pause] {
    auto& state = self->state;
    const auto& now = *state.host.env;
    if (now.replicating)
      return state.channels->system(who, "system", true, replication_ready);
    if (!now.desk.feed || patience <= pause)
      return state.channels->shut(who, ending::no_replication);
    if (state.channels->find(who))
      await_replication(self, who, patience - pause);
  });
}

/// The timer for the next token that expires.
void arm_expiry(self_pointer self) {
  auto& state = self->state;
  self->cancel(state.expiry);
  auto deadline = state.channels->deadline();
  if (!deadline)
    return;
  auto wait = std::max(*deadline - state.host.env->clock->now(), std::chrono::milliseconds{1});
  state.expiry = self->run_after(wait, [self] {
    self->state.expiry = {};
    self->state.channels->on_time(self->state.host.env->clock->now());
    arm_expiry(self);
  });
}

void take(self_pointer self, const client_frame& frame) {
  auto& state = self->state;
  auto message = frame.binary ? parse_binary_frame(frame.bytes)
                              : parse_text_frame(state.channels->spoken(), frame.bytes);
  if (!message)
    return; // As in the original: what is no message is ignored.
  state.channels->receive(std::move(*message), state.host.env->clock->now());
  arm_expiry(self);
}

replay_runner::hooks replay_hooks(self_pointer self) {
  return {
    [self](member_id who) { self->state.channels->fail(who); },
    [self](member_id who) {
      self->state.channels->system(who, "system", false, replay_incomplete);
    },
    [self](member_id who, const std::string& channel, replay_plan::step step) {
      self->state.host.env->archive->read(
        channel, step.after, step.limit,
        [me = realtime_session_actor{self}, who](result<kept_page> page) {
          caf::anon_send(me, replay_page{who, std::move(page)});
        });
    },
  };
}

void look(self_pointer self) {
  auto& state = self->state;
  auto silent = std::chrono::steady_clock::now() - state.host.out->heard_at();
  if (silent > state.host.env->silence_max)
    state.host.out->end(normal_closure, "nothing was heard from the client");
  self->delayed_send(self, state.host.env->silence_max / 3, atom::tick_v);
}

realtime_session_actor::behavior_type behavior(self_pointer self, const realtime_context* env,
                                               std::size_t home, protocol spoken, identity_ptr own,
                                               std::shared_ptr<socket> out) {
  auto& host = self->state.host;
  host.self = self;
  host.env = env;
  host.hub = env->hubs[home];
  if (!env->desks.empty())
    host.desk = env->desks[home];
  host.out = std::move(out);
  host.replays = std::make_unique<replay_runner>(replay_hooks(self));
  auto first = (env->sessions_begun.fetch_add(1) + 1) << joins_bits;
  self->state.channels
    = std::make_unique<socket_channels>(host, spoken, std::move(own), env->limits, first);
  self->delayed_send(self, env->silence_max / 3, atom::tick_v);
  return {
    [self](const client_frame& frame) { take(self, frame); },
    [self](const token_verdict& verdict) {
      auto& state = self->state;
      state.channels->token_checked(verdict.question, verdict.answer, state.host.env->clock->now());
      arm_expiry(self);
    },
    [self](const permission_verdict& verdict) {
      auto& state = self->state;
      if (verdict.what)
        state.channels->permitted(verdict.question, *verdict.what, state.host.env->clock->now());
      else
        state.channels->permission_failed(verdict.question, verdict.what.error().detail);
      arm_expiry(self);
    },
    [self](const change_notice& notice) {
      self->state.channels->system(notice.who, "postgres_changes", notice.ok, notice.text);
    },
    [self](const replay_found& found) {
      auto& state = self->state;
      const auto* of = state.channels->find(found.who);
      if (of && of->asked.replay && found.extent)
        state.host.replays->located(found.who, *of->asked.replay, *found.extent);
      state.channels->replay_located(found.question, found.extent.has_value());
      arm_expiry(self);
    },
    [self](const member_entered& member) { self->state.host.replays->entered(member.who); },
    [self](replay_page& page) { self->state.host.replays->take(std::move(page)); },
    [self](const broadcast_kept& one) {
      self->state.channels->broadcast_settled(one.who, one.ref, one.ok);
    },
    [self](atom::drained) { self->state.host.replays->drained(); },
    [self](const socket_closed& how) {
      self->state.by_client = how.by_client;
      self->quit();
    },
    [self](atom::tick) { look(self); },
  };
}

} // namespace

realtime_session_actor spawn_realtime_session(caf::actor_system& system, std::size_t home,
                                              const realtime_context& env, protocol spoken,
                                              identity_ptr own, std::shared_ptr<socket> out) {
  auto label = own->user;
  return spawn_home(system, {home, std::move(label)}, behavior, &env, home, spoken, std::move(own),
                    std::move(out));
}

} // namespace lapwing::realtime
