#include "realtime/service.hpp"

#include <algorithm>

namespace lapwing::realtime {

bool may_everything(const identity& who) noexcept {
  return who.development || who.role == "service_role";
}

void claim_policy::ask(std::string channel, identity_ptr who,
                       std::function<void(result<permissions>)> done) {
  bool named = std::any_of(who->rooms.begin(), who->rooms.end(), [&](std::string_view room) {
    return room.ends_with('*') ? channel.starts_with(room.substr(0, room.size() - 1))
                               : channel == room;
  });
  done(may_everything(*who) || named ? permissions::all() : permissions{});
}

} // namespace lapwing::realtime
