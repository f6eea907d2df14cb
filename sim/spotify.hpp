// Spotify: plays, the fifty newest of them; no push.
#pragma once

#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::spotify {

http_response recently_played(world_state& state, call& from);
http_response currently_playing(world_state& state, call& from);
http_response me(world_state& state, call& from);

http_response failed(int status, std::string_view message);
void truth(const account& which, std::vector<produced_item>& out);

} // namespace lapwing::sim::spotify
