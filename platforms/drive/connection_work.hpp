// Why a connection is looked at.
#pragma once

#include <cstdint>

namespace lapwing {

enum class connection_work : std::uint8_t {
  due,       ///< A timer of it has come: whatever is due is done.
  refresh,   ///< The same, and tokens that have ten minutes left are refreshed already.
  sync,      ///< Somebody wants news: everything is polled now.
  hint,      ///< A webhook that only says "something changed" (Gmail, Calendar): polled now.
  connected, ///< New tokens were stored: loaded anew, registered, polled for the first time.
  remove,    ///< The person disconnects: revoked, unregistered, forgotten.
  doubt,     ///< The platform said that the grant may have ended: the token is tried.
  look,      ///< Loaded if it is not, nothing else: somebody wants to know how it does.
};

} // namespace lapwing
