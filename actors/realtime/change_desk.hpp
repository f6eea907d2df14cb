// One per thread: brings the changes of live tables to the clients of this thread. Every batch of
// the feed comes here; the desk finds out which of its followers want which change, asks the database
// once for all of them who may see what, and writes it to their sockets, one batch after the other.
//
// It keeps the batches of the last `resume_window`: a client that comes back gets from them what it
// missed, before anything new.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/fwd.hpp>

#include "actors/realtime/messages.hpp"
#include "core/time.hpp"
#include "realtime/change_feed.hpp"
#include "realtime/changes.hpp"
#include "realtime/departures.hpp"

namespace lapwing::realtime {

/// A channel that wants changes. Session and desk share it, on one thread.
struct change_follower {
  member_id id = 0;
  std::string topic;
  protocol spoken = protocol::v1;
  std::vector<change_entry> entries;
  std::string resume_key; ///< User, channel and entries.
  std::shared_ptr<socket> out;
  subject who;            ///< Changed by the session when the token is.
  bool gone = false;      ///< The session let it go: it is told nothing more.
};
using follower_ptr = std::shared_ptr<change_follower>;

struct change_follow {
  follower_ptr who;
  bool again = false; ///< It follows already: its token is another one now.
};
/// Exactly once for each follower. `ended`: without a leave, so it may come back for what it
/// missed.
struct change_unfollow {
  follower_ptr who;
  bool ended = false;
};
struct change_news {
  change_batch_ptr batch;
  std::shared_ptr<void> hold;
};
/// INTERNAL: answers of the feed.
struct tables_described {
  follower_ptr who;
  bool again = false;
  result<std::vector<table_facts>> tables = error{};
};
struct changes_seen {
  std::uint64_t job = 0;
  std::shared_ptr<const result<sights>> what;
};

/// To a session: a system message about its changes.
struct change_notice {
  member_id who = 0;
  bool ok = false;
  std::string text;
};
using change_listener_actor = caf::typed_actor<caf::reacts_to<change_notice>>;

struct desk_settings {
  std::chrono::milliseconds resume_window{120'000};
  std::size_t kept_bytes = 64UL << 20; ///< Of batches for those who come back.
  std::size_t seen_rows_max = 10'000;  ///< Rows remembered of each follower.
};

struct desk_context {
  change_feed* feed = nullptr;
  departures* gone = nullptr;
  desk_settings settings;
};

using change_desk_actor = caf::typed_actor<
  // From sessions. The session gets a change_notice for each follow.
  caf::reacts_to<change_follow, change_listener_actor>, caf::reacts_to<change_unfollow>,
  // From the feed.
  caf::reacts_to<change_news>,
  // INTERNAL.
  caf::reacts_to<tables_described, change_listener_actor>, caf::reacts_to<changes_seen>>;

change_desk_actor spawn_change_desk(caf::actor_system& system, std::size_t home,
                                    const desk_context& env);

} // namespace lapwing::realtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::change_follow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::change_unfollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::change_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::tables_described)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::changes_seen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::change_notice)
