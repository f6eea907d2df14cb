// What operators are shown of users and streams, as JSON text (CONTRACT 8). Pure; secrets never get
// here: nothing of a token or a payload is in what these functions are given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "actors/event_log.hpp"
#include "actors/fanout.hpp"
#include "actors/outlet.hpp"
#include "actors/runtime/actor_census.hpp"

namespace lapwing {

/// {"id","user","transport","peer","state","cursor","queuedBytes","connectedSeconds","delivered","rooms"}
void append_stream(std::string& out, const outlet& stream, timestamp now);

/// "user": the whole tree. "registrations" and "monitoring": the platforms' objects in that shape.
std::string describe_user(std::string_view what, const user_id& user, std::size_t home,
                          const event_log& log, const fanout& live, const actor_meter& meter,
                          timestamp now, const std::vector<std::string>& platforms);

} // namespace lapwing
