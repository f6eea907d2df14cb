// The YouTube Data API v3: liked videos, own uploads, activities, and their daily quota.
#pragma once

#include <string>
#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::youtube {

http_response videos(world_state& state, call& from);
http_response channels(world_state& state, call& from);
http_response playlist_items(world_state& state, call& from);
http_response activities(world_state& state, call& from);

/// An item is a like or an upload.
bool is_upload(const account& which, std::size_t index) noexcept;
std::string video_id(const account& which, std::size_t index);
std::string channel_id(const person& who);
void truth(const account& which, std::vector<produced_item>& out);

} // namespace lapwing::sim::youtube
