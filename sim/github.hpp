// GitHub: a person's events and repositories with ETags and Link pages, and the rate limit's
// headers. Hooks are in github_hooks.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::github {

http_response user(world_state& state, call& from);
http_response user_events(world_state& state, call& from);
http_response user_repositories(world_state& state, call& from);

http_response create_hook(world_state& state, call& from);
http_response list_hooks(world_state& state, call& from);
http_response get_hook(world_state& state, call& from);
http_response patch_hook(world_state& state, call& from);
http_response delete_hook(world_state& state, call& from);
http_response ping_hook(world_state& state, call& from);
http_response list_deliveries(world_state& state, call& from);
http_response get_delivery(world_state& state, call& from);
http_response redeliver(world_state& state, call& from);

http_response failed(int status, std::string_view message);
/// Counts the call; an answer when the hour's limit is reached.
std::optional<http_response> admit(world_state& state, const call& from);
/// The rate-limit headers; a 304 is given back.
void finish(world_state& state, const call& from, http_response& answer);

// Items: something that the person did in one of their repositories.
enum class activity : std::uint8_t { push, issue, pull_request, star, release, fork };
inline constexpr std::size_t repository_count = 3;

activity activity_of(const account& which, std::size_t index) noexcept;
std::size_t repository_of(const account& which, std::size_t index) noexcept;
std::string repository_name(const person& who, std::size_t repository);
std::string event_id(const account& which, std::size_t index);
std::uint64_t user_number(const person& who) noexcept;
std::string commit_sha(const account& which, std::size_t index);
void truth(const account& which, std::vector<produced_item>& out);

// Hooks.
void produced(world_state& state, const account& which, std::size_t index);
std::optional<http_request> request_of(world_state& state, const pending_delivery& what);
void finished(world_state& state, const pending_delivery& what, const http_response* answer);
/// As if the person had deleted all their hooks in GitHub's settings. Returns how many.
std::size_t forget_hooks(world_state& state, std::uint32_t person);
/// The hook events that an item makes; a star and a release make two (PLATFORMS 1.1).
std::vector<std::pair<std::string_view, std::string_view>> hook_events(activity what);
/// The payload of a hook event (github_payload.cpp).
std::string hook_payload(const world_state& state, const github_hook& hook,
                         const pending_delivery& what);
std::string hook_json(const world_state& state, const github_hook& hook);

} // namespace lapwing::sim::github
