#include "realtime/service.hpp"

#include <algorithm>

namespace lapwing::realtime {

void claim_policy::ask(std::string channel, identity_ptr who,
                       std::function<void(result<permissions>)> done) {
  bool named = std::any_of(who->rooms.begin(), who->rooms.end(), [&](std::string_view room) {
    return room.ends_with('*') ? channel.starts_with(room.substr(0, room.size() - 1))
                               : channel == room;
  });
  bool all = who->development || who->role == "service_role";
  done(all || named ? permissions::all() : permissions{});
}

} // namespace lapwing::realtime
