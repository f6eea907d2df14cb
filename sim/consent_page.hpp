// What a person sees when an application asks for access: who they are, and whether they agree.
#pragma once

#include <string>

#include "sim/call.hpp"
#include "sim/state.hpp"

namespace lapwing::sim {

/// A browser asks, and nothing in the request says who sits in front of it.
bool wants_consent_page(const call& from);

/// Its links are the same address with the choice added: `sim_user=NAME` or `deny=1`.
http_response consent_page(const world_state& state, const call& from);

} // namespace lapwing::sim
