// Whom the tokens of Supabase Realtime stand for, and the original's words for those that stand for
// nobody.
#pragma once

#include <functional>
#include <string>

#include "realtime/socket_channels.hpp"

namespace lapwing::net {

class shard;

/// Calls back exactly once on the shard's thread: at once, or later when keys must be fetched.
/// In development identity an empty token stands for a developer who may do everything.
void check_realtime_token(shard& home, std::string token,
                          std::function<void(realtime::socket_channels::token_answer)> done);

} // namespace lapwing::net
