// Google Calendar: events that are created, changed and cancelled, sync tokens, watch channels.
#pragma once

#include <optional>
#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::calendar {

http_response events(world_state& state, call& from);
http_response calendar_list(world_state& state, call& from);
http_response watch(world_state& state, call& from);
http_response stop(world_state& state, call& from);

/// Every sync token given out so far is gone from now on.
void expire_tokens(world_state& state, std::uint32_t person);
/// Removes the person's channels as if they had ended. Returns how many.
std::size_t forget_channels(world_state& state, std::uint32_t person);
void truth(const world_state& state, const account& which, std::vector<produced_item>& out);

/// Decides what the new item is; call for every item, in order.
void produced(world_state& state, const account& which, std::size_t index);
/// Tells the channels (calendar_push.cpp).
void notify(world_state& state, const account& which);
std::optional<http_request> request_of(world_state& state, const pending_delivery& what);
void finished(world_state& state, const pending_delivery& what, const http_response* answer);

} // namespace lapwing::sim::calendar
