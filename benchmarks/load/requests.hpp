// The requests the load client makes: exactly those of CONTRACT 5, as clients and providers send
// them. Each maker appends a whole HTTP/1.1 request.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/load/endpoint.hpp"
#include "benchmarks/load/identity.hpp"
#include "benchmarks/load/mark.hpp"
#include "benchmarks/load/stream_client.hpp"

namespace lapwing::load {

/// The bytes that open the stream of `user`, in `room` unless that is empty, after `last_event_id`
/// unless that is empty.
stream_opening open_stream(transport how, const endpoint& node, const identity& who,
                           std::string_view user, std::string_view room,
                           std::string_view last_event_id);

/// What is sent to a channel: a room or a user, by its number.
class request_maker {
public:
  virtual ~request_maker() = default;
  virtual void append_request(std::string& out, std::size_t channel, const mark& m) = 0;
  virtual mark_form form() const noexcept = 0;
};

struct event_shape {
  std::size_t padding = 0;
  bool ephemeral = false;
};

/// POST /api/rooms/{room}/send.
std::unique_ptr<request_maker> room_requests(const endpoint& node, const identity& who,
                                             std::vector<std::string> rooms, event_shape shape);
/// POST /api/sse/send.
std::unique_ptr<request_maker> user_requests(const endpoint& node, const identity& who,
                                             std::vector<std::string> users, event_shape shape);
/// POST /api/webhooks/github/{user}: signed push deliveries of some 6 KB.
std::unique_ptr<request_maker> github_requests(const endpoint& node,
                                               std::vector<std::string> users,
                                               const std::string& secret);

/// PUT /api/users/{user}.
void append_put_user(std::string& out, const endpoint& node, const identity& who,
                     std::string_view user);

} // namespace lapwing::load
