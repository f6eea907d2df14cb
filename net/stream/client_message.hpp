// What clients say on `/ws` (CONTRACT 5), parsed and bounded, not yet allowed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/stream.hpp"

namespace lapwing {

/// At most this many event types or platforms in one message: a guess, nobody has so many.
inline constexpr std::size_t filter_entries_max = 64;

/// `{"type":"auth",...}`: the first message, and later the renewal of a token.
struct auth_message {
  std::string user;   ///< Empty when absent; believed in development identity only.
  std::string token;  ///< Empty when absent.
  std::string ticket; ///< Empty when absent.
  std::optional<std::string> last_event_id;
  std::vector<room_id> rooms;
  stream_filter filter;
};

using client_message
  = std::variant<auth_message, stream_command::subscribe, stream_command::unsubscribe,
                 stream_command::ping, stream_command::invalid>;

/// Never fails: what is none of the documented messages is `invalid` with a reason. `text` is
/// valid UTF-8. Any thread.
client_message parse_client_message(std::string_view text);

} // namespace lapwing
