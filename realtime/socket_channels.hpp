// The channels of one client's socket: what each of its messages means, as a machine without a
// socket, clock or thread. What has to be asked elsewhere (is this token good? may they read this
// channel?) goes out through the host with a number, and the answer comes back with it.
//
//   joining: checking the token -> asking for permission (private channels) -> locating what is to
//   be replayed (if asked for) -> joined
//   a failed check answers the join with an error; a joined channel that fails ends with a system
//   message and phx_close
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/time.hpp"
#include "realtime/answers.hpp"
#include "realtime/frames.hpp"
#include "realtime/join.hpp"
#include "realtime/presence.hpp"

namespace lapwing::realtime {

/// Whom a token stands for. Made by whoever checked it.
struct identity {
  std::string token;
  std::string role;
  std::string user;        ///< `sub`; may be empty.
  std::string claims;      ///< JSON, for row-level security.
  timestamp expires{};     ///< `exp`.
  timestamp valid_until{}; ///< With the leeway for other people's clocks.
  std::vector<std::string> rooms; ///< Claim `rooms`.
  bool development = false;       ///< Development identity: everything is allowed.
};
using identity_ptr = std::shared_ptr<const identity>;

/// What somebody may do in a private channel.
struct permissions {
  bool read_broadcast = false;
  bool write_broadcast = false;
  bool read_presence = false;
  bool write_presence = false;

  bool any_read() const noexcept { return read_broadcast || read_presence; }
  static permissions all() { return {true, true, true, true}; }
};

struct socket_limits {
  std::size_t channels = 100;
  std::size_t joins_per_second = 100;
  std::size_t messages_per_second = 500;
  std::size_t payload_bytes = 3'000'000 + 500;
  std::size_t presence_calls = 50;
  std::chrono::milliseconds presence_window{30'000};
  bool private_only = false;
};

/// Counts within windows of fixed length.
class call_window {
public:
  /// False: the window's `calls` are used up.
  bool take(timestamp now, std::chrono::milliseconds window, std::size_t calls) noexcept;

private:
  timestamp begun_{};
  std::size_t count_ = 0;
};

struct channel {
  enum class phase : std::uint8_t { checking, permitting, locating, joined };

  member_id id = 0;
  std::string topic;    ///< "realtime:room1".
  std::string name;     ///< "room1".
  std::string join_ref; ///< JSON text.
  std::string ref;      ///< Of the join, to be answered.
  join_request asked;
  identity_ptr who;
  permissions may;
  phase now = phase::checking;
  std::uint64_t question = 0; ///< The one whose answer counts.
  bool present = false;       ///< Has tracked itself.
  call_window presence_calls;
};

/// What the machine asks for. It must not be called back from inside these.
class socket_host {
public:
  virtual ~socket_host() = default;

  /// One text frame.
  virtual void send(std::string_view frame) = 0;
  /// Answer: token_checked.
  virtual void check_token(std::uint64_t question, std::string token) = 0;
  /// Answer: permitted. Private channels only.
  virtual void ask_permission(std::uint64_t question, const channel& of) = 0;
  /// Answer: replay_located. What asked.replay means.
  virtual void locate_replay(std::uint64_t question, const channel& of) = 0;
  /// The channel is joined, and the reply is sent: from now on it gets what is to be replayed,
  /// broadcasts, presence (if asked.presence and may.read_presence: its state first), and changes.
  virtual void enter(const channel& joined) = 0;
  /// The channel, which had entered, is no more.
  virtual void leave(const channel& gone) = 0;
  /// Its token or its permissions are other ones now.
  virtual void renew(const channel& changed) = 0;
  /// To the other members, and to this one too if asked.self. False: it is said once it is kept,
  /// and then comes broadcast_settled.
  virtual bool broadcast(const channel& from, client_message message) = 0;
  virtual void track(const channel& who, std::string payload) = 0;
  virtual void untrack(const channel& who) = 0;
  /// Ends the socket with a close code.
  virtual void end(std::uint16_t code, std::string_view reason) = 0;
};

class socket_channels {
public:
  using token_answer = std::variant<identity_ptr, token_refusal>;

  /// `own` is what the socket itself came with: for channels whose join brings no token.
  /// `first_id`: ids of its channels count from there; unique on this node.
  socket_channels(socket_host& host, protocol spoken, identity_ptr own, const socket_limits& limits,
                  member_id first_id);

  void receive(client_message message, timestamp now);
  void token_checked(std::uint64_t question, const token_answer& answer, timestamp now);
  void permitted(std::uint64_t question, const permissions& what, timestamp now);
  /// Nobody could say what is permitted; `reason` is one of `refusal`.
  void permission_failed(std::uint64_t question, std::string_view reason);
  void replay_located(std::uint64_t question, bool ok);
  /// `ref` is of the message that `id` has sent.
  void broadcast_settled(member_id id, std::string_view ref, bool ok);

  /// When on_time is wanted: the next token expires then.
  std::optional<timestamp> deadline() const;
  void on_time(timestamp now);

  /// Ends a channel from our side: a system message and phx_close.
  void shut(member_id id, std::string_view message, bool ok = false);
  /// Something of ours went wrong: phx_error, after which the client joins again by itself.
  void fail(member_id id);
  /// To a channel's client, if it is joined.
  void system(member_id id, std::string_view extension, bool ok, std::string_view message);

  /// Null: it is gone.
  const channel* find(member_id id) const;
  std::size_t size() const noexcept { return channels_.size(); }
  protocol spoken() const noexcept { return spoken_; }

private:
  using iterator = std::map<std::string, channel>::iterator;

  void join(client_message& message, timestamp now);
  void check(channel& of, std::string token);
  void ask(channel& of);
  void finish_join(channel& of);
  void refuse(iterator which, std::string_view reason);
  void leave(iterator which, const client_message& message);
  void take_token(iterator which, const client_message& message);
  void take_broadcast(channel& of, client_message message);
  void take_presence(iterator which, const client_message& message, timestamp now);
  void close(iterator which);
  void shut(iterator which, std::string_view message, bool ok = false);
  iterator by_question(std::uint64_t question);
  void reply(const channel& of, std::string_view ref, std::string_view payload);
  void push(const channel& of, std::string_view ref, std::string_view event,
            std::string_view payload);

  socket_host& host_;
  protocol spoken_;
  identity_ptr own_;
  socket_limits limits_;
  member_id next_id_;
  std::uint64_t next_question_ = 1;
  std::map<std::string, channel> channels_; ///< By topic.
  call_window joins_;
  call_window messages_;
};

} // namespace lapwing::realtime
