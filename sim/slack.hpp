// Slack: channels and their messages, failures that come with 200, and the Events API.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::slack {

http_response history(world_state& state, call& from);
http_response list_channels(world_state& state, call& from);
http_response auth_test(world_state& state, call& from);

/// 200 {"ok":false,"error":...}.
http_response refused(std::string_view error);
std::string team_id(const person& who);
std::string user_id(const person& who);
std::string bot_id(const person& who);
std::vector<std::string> channels(const person& who);
void truth(const account& which, std::vector<produced_item>& out);

// Events API (slack_events.cpp): where the operator has set a request URL.
void produced(world_state& state, const account& which, std::size_t index);
void tell_of_revocation(world_state& state, const grant& which);
void verify_address(world_state& state, std::uint32_t person);
std::optional<http_request> request_of(world_state& state, const pending_delivery& what);
void finished(world_state& state, const pending_delivery& what, const http_response* answer);

std::string channel_of(const account& which, std::size_t index);
/// "1355517523.000005"; the number grows with the item.
std::string ts_of(const account& which, std::size_t index);
/// {"type":"message",...} with or without what only events carry.
std::string message_json(const person& who, std::size_t index, bool as_event);

} // namespace lapwing::sim::slack
