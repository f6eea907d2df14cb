// CloudEvents 1.0 for messages that are no stored events.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace lapwing {

/// An id that no other message of this node's run has: CloudEvents demands one.
std::string next_cloudevent_id(std::string_view run, std::atomic<std::uint64_t>& counter);

/// One of our own messages as a structured CloudEvent; `json`, the envelope, is its data.
void append_cloudevent_control(std::string& out, std::string_view type, std::string_view json,
                               std::string_view id);

} // namespace lapwing
