// The WebSub hub that YouTube publishes through (W3C WebSub; PLATFORMS 1.5 and 2).
#pragma once

#include <optional>

#include "sim/call.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::websub {

http_response subscribe(world_state& state, call& from);

void produced(world_state& state, const account& which, std::size_t index);
std::optional<http_request> request_of(world_state& state, const pending_delivery& what);
void finished(world_state& state, const pending_delivery& what, const http_response* answer);
/// Removes the person's subscriptions without a word. Returns how many.
std::size_t forget(world_state& state, std::uint32_t person);

} // namespace lapwing::sim::websub
