// Every address that is played, in one table.
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/call.hpp"
#include "sim/state.hpp"

namespace lapwing::sim {

enum class caller : std::uint8_t {
  anyone,
  perhaps_user, ///< A token may be there, and must be good then.
  user
};

struct route {
  std::string_view method;
  std::string_view host;
  std::string_view pattern; ///< `*` stands for one segment.
  platform where;           ///< For Google's authorization server: corrected by the grant.
  std::string_view endpoint;
  caller who;
  std::string_view scopes;  ///< Any of these, separated by `|`; "" none needed.
  bool registers = false;   ///< What the fault refuse_registration refuses.
  http_response (*handle)(world_state& state, call& from);
};

/// Fills in `captured`, `where` and `endpoint`; nothing when nobody plays that address.
const route* find_route(call& from);

} // namespace lapwing::sim
