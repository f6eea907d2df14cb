// How a broadcast of a private channel is said: kept first, and only then told, with its number.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/realtime/messages.hpp"
#include "realtime/archive.hpp"

namespace lapwing::realtime {

struct realtime_context;

/// What such a broadcast is told as.
note_ptr note_of(broadcast_content what, std::uint64_t number, member_id sender);

/// Whether broadcasts of this channel are kept.
bool is_kept(const realtime_context& env, const std::string& channel, bool is_private);

/// `done` is called once, on any thread: it is kept, and on its way to the members. Otherwise
/// nobody hears it.
void publish_kept(const realtime_context& env, const std::string& channel, broadcast_content what,
                  member_id sender, std::function<void(result<void>)> done);

} // namespace lapwing::realtime
