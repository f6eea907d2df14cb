// Every message between Lapwing's actors. Read this file first.
//
// Messages stay inside one node so far; handles and pointers in them are why they are declared
// unsafe to serialise. What will cross nodes (cluster) gets type ids and inspect functions here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "actors/outlet.hpp"
#include "actors/publish_job.hpp"
#include "core/connection_store.hpp"
#include "core/error.hpp"
#include "core/store.hpp"
#include "core/stream.hpp"
#include "platforms/drive/connection_work.hpp"
#include "platforms/drive/hub_word.hpp"

namespace lapwing {

// -- publishing -------------------------------------------------------------------------------

/// A publication on its way to its log's writer. Answered through the job, never by a message.
struct publish_message {
  publish_job_ptr job;
};

/// A platform actor's word on a delivery: to be stored, or null when it was answered (rate limit).
struct accepted_delivery {
  publish_job_ptr job;
};

/// What a platform actor is to do for a connection. Reaches it through directory and supervisor.
struct platform_task {
  connection_key of;
  connection_work work = connection_work::due;
  std::optional<hub_word> hub;     ///< Instead of `work`: true when the challenge is to be echoed.
  std::string misdelivered;        ///< Instead of `work`: to the registration of that external id.
  /// Called exactly once when it is done, on any thread; may be empty. False: there is no such
  /// connection.
  std::function<void(result<bool>)> done;

  platform_task() = default;
  platform_task(const platform_task&) = delete;
  platform_task& operator=(const platform_task&) = delete;
  /// Whoever held it failed: what is due is still due.
  ~platform_task() { finish(error{errc::store_unavailable, "the task was dropped; try again"}); }

  void finish(result<bool> how) {
    if (auto call = std::exchange(done, nullptr))
      call(std::move(how));
  }
};
using platform_task_ptr = std::shared_ptr<platform_task>;
struct platform_message {
  platform_task_ptr task;
  bool watched = false; ///< A stream of the user is open; set by the supervisor.
};
/// An event of the connection itself (new_data, connection_status, ...) for the user's log.
struct connection_event {
  publish_job_ptr job;
};
/// The platform actor is done with one platform_message.
struct platform_settled {};

/// INTERNAL to a platform actor: an answer of the store or of the platform came in on some thread.
struct posted_call {
  std::function<void()> run;
};

/// To the due scanner: look now for what is due within `ahead`, and have it do `work`.
struct look_ahead {
  std::chrono::milliseconds ahead{0};
  connection_work work = connection_work::due;
  platform_id platform; ///< Only at its connections; empty: at all.
};
/// INTERNAL to the due scanner: the store's answer; a task's end.
struct due_found {
  platform_id platform;
  result<std::vector<connection_key>> keys = error{};
  connection_work work = connection_work::due;
};
struct task_ended {
  connection_key of;
  bool was_done = false; ///< Otherwise it is as due as before.
};

/// How deliveries of a platform ended, told to its actor: for its books.
struct deliveries_settled {
  std::uint32_t stored = 0;
  std::uint32_t duplicates = 0;
  std::uint32_t failed = 0;
  std::string last_error;
};

/// The store's word on the owner's oldest `count` appends.
struct append_done {
  std::shared_ptr<const result<std::vector<append_result>>> results; ///< Of these `count` only.
  std::size_t count = 0;
};

/// INTERNAL to the batch writer: one commit has ended (posted by the store's thread).
struct commit_done {
  std::uint64_t batch = 0;
  std::shared_ptr<result<std::vector<append_result>>> results;
};

/// INTERNAL to the writer of a log: the store's answers (posted by the store's threads).
struct log_opened {
  result<log_state> state = error{};
};
struct log_page {
  result<event_range> range = error{};
};

/// INTERNAL to a session: the store's word on a log whose hub knows less than the client.
struct log_checked {
  log_id log;
  result<log_state> state = error{};
};

// -- following --------------------------------------------------------------------------------

/// A stream asks a hub where a log stands, before it says `connected`.
struct tail_query {
  log_id log;
  session_id session{};
  bool enrol = false; ///< Counts against the user's session limit.
};
struct tail_state {
  sequence newest = 0;
  sequence trimmed = 0;        ///< As far as the hub has heard: retention does not tell it.
  sequence complete_after = 0; ///< The hub itself can serve a reader from there on.
  caf::strong_actor_ptr hub; ///< A log_hub_actor: whom to join and to leave.
};

/// A stream wants to follow a log live, from where its outlet's cursor is.
struct join_request {
  log_id log;
  outlet_ptr member;
};
/// Live: what was missing has been written to the outlet, which the hub now serves. Otherwise the
/// store has what is missing: read it up to `newest`, then ask again.
struct join_reply {
  bool live = false;
  sequence newest = 0;
  sequence trimmed = 0;
};

/// A stream that leaves a log, exactly once for each query it made with `enrol` or join it was
/// granted.
struct leave_message {
  log_id log;
  session_id session{};
  bool enrolled = false; ///< It had been counted by a tail_query.
  bool joined = false;   ///< It had been told `live`.
  bool ended = true;     ///< Its outlet is closed; otherwise it goes on without this log.
};

/// From the writer of a room to a thread's relay: to be delivered, in order.
struct relay_batch {
  log_id log;
  std::shared_ptr<const std::vector<event_ptr>> events;
};
/// From a relay: it follows the room from now on, or no more.
struct relay_attach {
  log_id log;
  caf::strong_actor_ptr relay; ///< A room_relay_actor.
  std::size_t home = 0;
};
struct relay_attached {
  log_id log;
  caf::strong_actor_ptr room; ///< The room_actor that answers; null: it could not be opened.
  sequence newest = 0;
  sequence trimmed = 0;
};
/// From a relay: how many members it has now, and how many events it has finished with.
struct relay_progress {
  log_id log;
  std::size_t home = 0;
  std::size_t members = 0;
  std::size_t finished = 0;
  bool gone = false; ///< It follows no more.
};

// -- streams ----------------------------------------------------------------------------------

/// The connection is gone.
struct stream_closed {};

// -- directory --------------------------------------------------------------------------------

/// A supervisor or room has nothing to do: may it end? Answered by `retire`, or by new work.
struct idle_notice {
  log_id log;
  std::uint64_t received = 0; ///< Messages that came through the directory: none may be under way.
  caf::strong_actor_ptr who;
};

/// The user has been made to exist (PUT /api/users).
struct user_created {
  user_id user;
};

// -- operators --------------------------------------------------------------------------------

/// Asks for a JSON document or an action; `path` as in engine::inspect and engine::command.
struct inspect_query {
  std::string path;
  std::string argument;
};
/// A JSON value, or a part of one that the asker puts together. Empty: nothing to say.
struct fragment {
  std::string json;
};
/// A question from outside on its way to the admin actor; answered through `done`, once.
struct inspect_job {
  inspect_query query;
  std::function<void(result<std::string>)> done;
};
struct inspect_message {
  std::shared_ptr<inspect_job> job;
};

/// Puts an outlet into the care of its thread's stream_keeper: heartbeats, expiry, dead peers.
struct keep_message {
  outlet_ptr what;
};

// -- shapes that several actors share ------------------------------------------------------------

/// Commands without arguments.
namespace atom {
using retry = caf::atom_constant<caf::atom("retry")>;     ///< INTERNAL timer: try again.
using flush = caf::atom_constant<caf::atom("flush")>;     ///< INTERNAL: go on with the batch.
using wake = caf::atom_constant<caf::atom("wake")>;       ///< INTERNAL: a rest is over.
using idle = caf::atom_constant<caf::atom("idle")>;       ///< INTERNAL timer: still nothing to do?
using retire = caf::atom_constant<caf::atom("retire")>;   ///< From the directory: end now.
using tick = caf::atom_constant<caf::atom("tick")>;       ///< INTERNAL timer.
using drained = caf::atom_constant<caf::atom("drained")>; ///< The socket took what was queued.
inline constexpr retry retry_v{};
inline constexpr flush flush_v{};
inline constexpr wake wake_v{};
inline constexpr idle idle_v{};
inline constexpr retire retire_v{};
inline constexpr tick tick_v{};
inline constexpr drained drained_v{};
} // namespace atom

/// Whoever writes a log: what the store and the batch writer answer. All INTERNAL.
using log_owner_actor
  = caf::typed_actor<caf::reacts_to<append_done>, caf::reacts_to<log_opened>,
                     caf::reacts_to<log_page>, caf::reacts_to<atom::retry>>;

/// Whoever serves the live end of logs to streams: a user's supervisor, a thread's room relay.
using log_hub_actor = caf::typed_actor<
  // Where the log stands. Waits for the log to open; errc::store_unavailable, too_many_sessions.
  caf::replies_to<tail_query>::with<tail_state>,
  // Adds a stream to the live ones, or says how far it must read first.
  caf::replies_to<join_request>::with<join_reply>,
  // A stream goes.
  caf::reacts_to<leave_message>>;

/// Events to be stored for one log, in order. The owner gets append_done for them, in order.
struct append_message {
  log_owner_actor owner;
  std::vector<append_request> items;
};

} // namespace lapwing

CAF_ERROR_CODE_ENUM(lapwing::errc, "lapwing")
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::publish_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::accepted_delivery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::platform_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::platform_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::connection_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::posted_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::look_ahead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::due_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::task_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::deliveries_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::append_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::append_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::commit_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::log_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::log_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::log_checked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::tail_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::tail_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::join_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::join_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::leave_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::relay_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::relay_attach)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::relay_attached)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::relay_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::stream_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::idle_notice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::user_created)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::inspect_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::fragment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::inspect_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::keep_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::client_command)
