// Gmail: a mailbox with a history that is forgotten after a week, and its watch through Pub/Sub.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::gmail {

http_response profile(world_state& state, call& from);
http_response history(world_state& state, call& from);
http_response messages(world_state& state, call& from);
http_response message(world_state& state, call& from);

http_response watch(world_state& state, call& from);
http_response stop(world_state& state, call& from);

std::string address_of(const person& who);
/// The mailbox's history id now.
std::uint64_t history_id_now(const world_state& state, std::uint32_t person);
/// Every history id given out so far is too old from now on.
void expire_history(world_state& state, std::uint32_t person);
void truth(const account& which, std::vector<produced_item>& out);

void produced(world_state& state, const account& which, std::size_t index);
std::optional<http_request> request_of(world_state& state, const pending_delivery& what);
void finished(world_state& state, const pending_delivery& what, const http_response* answer);

} // namespace lapwing::sim::gmail
