// The ports of the Realtime endpoint: what a client's socket (net) and its session (actors) say to
// each other, what others ask of the channels, and who decides what is allowed in them.
//
// A socket, its session and the channels' local part live on one thread; nothing here needs a lock
// unless it says "any thread".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/stream.hpp"
#include "realtime/change_feed.hpp"
#include "realtime/socket_channels.hpp"

namespace lapwing::realtime {

/// The sending half of a client's WebSocket.
class socket {
public:
  virtual ~socket() = default;

  /// Sends a frame, or queues what the client does not take. False: the queue's bound was passed,
  /// or the socket is gone; it takes no more.
  virtual bool text(std::string_view frame) = 0;
  virtual bool binary(std::string_view frame) = 0;
  /// Of frames that the client has not taken; session::drained when that comes to nothing.
  virtual std::size_t waiting_bytes() const noexcept = 0;
  /// Finds out whom a token stands for; answers with session::token_checked, at once or later.
  virtual void check_token(std::uint64_t question, std::string token) = 0;
  /// Sends what is queued, then a close frame.
  virtual void end(std::uint16_t code, std::string_view reason) = 0;
  /// When the client was last heard.
  virtual std::chrono::steady_clock::time_point heard_at() const noexcept = 0;
};

/// The receiving half.
class session : public connection_session {
public:
  virtual void received(bool binary, std::string_view frame) = 0;
  virtual void token_checked(std::uint64_t question, socket_channels::token_answer answer) = 0;
  /// The client has sent a close frame: `closed` comes next, and it does not mean to come back.
  virtual void goodbye() = 0;
};

/// A broadcast that comes from no socket.
struct publication {
  std::string channel; ///< "room1".
  bool is_private = false;
  std::string event;
  std::string content; ///< Valid JSON, or any bytes.
  bool bytes = false;
};

/// The channels of a node.
class service {
public:
  virtual ~service() = default;

  /// A client's socket, on its own thread. `own` is what it authenticated with.
  virtual std::unique_ptr<session> open(protocol spoken, identity_ptr own,
                                        std::shared_ptr<socket> out) = 0;

  /// Any thread. `done` is called once, on an I/O thread: the one that calls if it is one. False:
  /// `who` may not write in this private channel.
  virtual void publish(publication what, identity_ptr who,
                       std::function<void(result<bool>)> done) = 0;

  /// How the change feed's slot stands; nothing where no table is live. Any thread.
  virtual std::optional<slot_state> slot() const = 0;
};

/// Decides what somebody may do in a private channel.
class channel_policy {
public:
  virtual ~channel_policy() = default;

  /// Any thread; `done` is called once, on any thread, at once or later. errc::store_unavailable:
  /// `detail` is the reason to give to the client, of those in `refusal`.
  virtual void ask(std::string channel, identity_ptr who,
                   std::function<void(result<permissions>)> done) = 0;
  /// Refuses what waits, and everything from now on.
  virtual void stop() {}
};

/// The service role, and everybody in development identity.
bool may_everything(const identity& who) noexcept;

/// Without PostgreSQL: the claim `rooms` names the private channels that somebody may read and
/// write, or prefixes of them that end in `*`. Whoever may_everything may use all of them.
class claim_policy final : public channel_policy {
public:
  void ask(std::string channel, identity_ptr who,
           std::function<void(result<permissions>)> done) override;
};

} // namespace lapwing::realtime
