// Tells the channels of one session what was said before they joined, no faster than the client
// takes it, and then hands over to the live messages without a seam: until the last page the hub
// holds them back, for they are in the archive too.
//
//   located (before the join's answer) -> entered (the hub's word that live messages would come)
//   -> pages -> the member is let go of
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "actors/realtime/messages.hpp"
#include "realtime/archive.hpp"
#include "realtime/replay.hpp"

namespace lapwing::realtime {

/// A page of the archive, on its way to the session.
struct replay_page {
  member_id who = 0;
  result<kept_page> page = error{};
};

class replay_runner {
public:
  struct hooks {
    std::function<void(member_id)> broken;     ///< The archive could not be read.
    std::function<void(member_id)> incomplete; ///< Something may be missing; told before the rest.
    /// Asks the archive; the answer comes as a replay_page.
    std::function<void(member_id, const std::string& channel, replay_plan::step)> read;
  };

  explicit replay_runner(hooks what) : hooks_(std::move(what)) {}

  void located(member_id who, const replay_request& asked, const kept_extent& known);
  /// `member` is held back from now on if it has something to be replayed.
  void begin(const member_ptr& member, const std::string& channel);
  void entered(member_id who);
  void take(replay_page answer);
  /// The client has taken what waited.
  void drained();
  void left(member_id who) { running_.erase(who); }

private:
  struct one {
    replay_plan plan;
    member_ptr member; ///< Null until it is joined.
    std::string channel;
    bool told_incomplete = false;
    bool paused = false;
  };

  void go_on(member_id who, one& of);

  hooks hooks_;
  std::map<member_id, one> running_;
};

} // namespace lapwing::realtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lapwing::realtime::replay_page)
