// LinkedIn: one page about the person, which seldom changes.
#pragma once

#include <vector>

#include "sim/call.hpp"
#include "sim/item.hpp"
#include "sim/state.hpp"

namespace lapwing::sim::linkedin {

http_response userinfo(world_state& state, call& from);
http_response failed(int status, int service_code, std::string_view code, std::string_view message);
void truth(const person& who, std::vector<produced_item>& out);

} // namespace lapwing::sim::linkedin
