// The messages between a Realtime client's session and the hubs that serve its channels. They stay
// inside one node: what is in them is shared, and never changed once sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "core/error.hpp"
#include "realtime/archive.hpp"
#include "realtime/service.hpp"

namespace lapwing::realtime {

/// One channel of one socket, as the thread's hub knows it. Session and hub live on the same thread
/// and share it; the session changes what a new token changes.
struct channel_member {
  member_id id = 0;
  std::string key;      ///< Of the channel: see channel_key.
  std::string topic;    ///< "realtime:room1".
  std::string join_ref; ///< JSON text.
  protocol spoken = protocol::v1;
  bool is_private = false;
  bool self = false;         ///< Wants its own broadcasts.
  bool presence = false;     ///< Is told who is present.
  bool synced = false;       ///< Has been told the state, so that differences mean something.
  bool present = false;      ///< Has tracked itself.
  bool gone = false;         ///< The session let it go: it is told nothing more.
  bool left = false;         ///< The hub has heard of that.
  bool held = false;         ///< Is told of the past: broadcasts of now have to wait in the archive.
  std::uint64_t held_up_to = 0; ///< The highest number of those.
  std::uint64_t told_to = 0;    ///< Has been told all broadcasts up to this number.
  /// Called once, by the hub: from now on what is said reaches this thread. May be empty.
  std::function<void()> entered;
  permissions may;
  std::shared_ptr<socket> out;
};
using member_ptr = std::shared_ptr<channel_member>;

/// Public and private channels of one name are two channels.
inline std::string channel_key(std::string_view name, bool is_private) {
  return (is_private ? "private:" : "public:") + std::string{name};
}

/// Something that members of a channel are told.
struct channel_note {
  enum class what : std::uint8_t { broadcast, presence_diff, presence_state, entered };
  what is = what::broadcast;
  std::string payload;              ///< JSON.
  std::optional<std::string> bytes; ///< A broadcast of bytes, under the name `user_event`.
  std::string user_event;
  std::uint64_t number = 0; ///< Of a broadcast that is kept.
  member_id sender = 0; ///< Whoever wants its own gets it too.
  member_id only = 0;   ///< Not 0: for this member alone.
};
using note_ptr = std::shared_ptr<const channel_note>;

// -- from a session to its thread's hub ---------------------------------------------------------

struct channel_enter {
  member_ptr who;
};
/// Exactly once for each channel_enter.
struct channel_leave {
  std::string key;
  member_id who = 0;
};
/// The member tracks itself, with `payload`, or not any more.
struct channel_presence {
  std::string key;
  member_id who = 0;
  std::string presence_key;
  std::optional<std::string> payload;
};

// -- from anybody to any hub, which passes it to the channel's home -----------------------------

struct channel_publish {
  std::string key;
  note_ptr note;
};

// -- from a hub to the hub that is the channel's home -------------------------------------------

/// A thread has members of the channel now, or has none any more.
struct channel_attach {
  std::string key;
  std::size_t from = 0;
  bool attached = false;
};
/// A member wants to know who is present; or only that its thread's channel_attach has arrived.
struct channel_state_query {
  std::string key;
  std::size_t from = 0;
  member_id who = 0;
  bool only_entered = false;
};
struct channel_track {
  std::string key;
  std::size_t from = 0;
  member_id who = 0;
  std::string presence_key;
  std::optional<std::string> payload;
};
/// The thread is alive: what its members track lives on.
struct lease_renewal {
  std::size_t from = 0;
};

// -- from a channel's home to a hub with members ------------------------------------------------

struct channel_delivery {
  std::string key;
  note_ptr note;
};

// -- to a session ------------------------------------------------------------------------------

struct client_frame {
  bool binary = false;
  std::string bytes;
};
struct token_verdict {
  std::uint64_t question = 0;
  socket_channels::token_answer answer;
};
struct permission_verdict {
  std::uint64_t question = 0;
  result<permissions> what = error{};
};
/// INTERNAL: what is to be replayed was found, or not.
struct replay_found {
  std::uint64_t question = 0;
  member_id who = 0;
  result<kept_extent> extent = error{};
};
/// From the hub: what is said reaches the member's thread.
struct member_entered {
  member_id who = 0;
};
/// INTERNAL: a broadcast of this member is kept, or not said.
struct broadcast_kept {
  member_id who = 0;
  std::string ref;
  bool ok = false;
};
struct socket_closed {
  bool by_client = false; ///< It said goodbye: it will not ask for what it misses.
};

namespace atom {
using flush = caf::atom_constant<caf::atom("flush")>; ///< INTERNAL: go on telling members.
using tick = caf::atom_constant<caf::atom("tick")>;   ///< INTERNAL timer.
inline constexpr flush flush_v{};
using drained = caf::atom_constant<caf::atom("drained")>; ///< The client took what waited.
inline constexpr drained drained_v{};
inline constexpr tick tick_v{};
} // namespace atom

} // namespace lapwing::realtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_enter)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_leave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_presence)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_publish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_attach)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_state_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_track)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::lease_renewal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::channel_delivery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::client_frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::token_verdict)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::permission_verdict)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::socket_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::replay_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::member_entered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::broadcast_kept)
