// What a stream's address and headers ask for (CONTRACT 4, 5).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/stream.hpp"
#include "net/http/request.hpp"

namespace lapwing::net {

struct stream_query {
  std::string user; ///< `userId`; empty when absent.
  stream_filter filter;
  std::vector<room_id> rooms;
  std::optional<std::string> last_event_id; ///< The header, or else `lastEventId`.
  bool cloudevents = false;
};

/// errc::bad_request for what cannot be meant.
result<stream_query> read_stream_query(const request_head& head);

} // namespace lapwing::net
