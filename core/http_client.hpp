// The port to other people's HTTP servers. net/outbound/ stands behind it in a node, the simulator
// itself in tests of months.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace lapwing {

using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_request {
  std::string method = "GET";
  std::string url; ///< Absolute; user information in it is refused.
  http_headers headers;
  std::string body;
  std::chrono::milliseconds timeout{10'000}; ///< From the call to the last byte of the answer.
  std::size_t response_bytes_max = 8 * 1024 * 1024;
};

struct http_response {
  int status = 0;
  http_headers headers; ///< In the order of arrival.
  std::string body;

  /// The first value of that name, compared without case; empty when there is none.
  std::string_view header(std::string_view name) const noexcept;
};

/// Redirects are not followed: they come back as answers. Errors: errc::upstream_unavailable (no or
/// half an answer; whether the request had an effect is unknown), errc::upstream_refused (never sent:
/// a private address, a bad URL, too much under way), errc::payload_too_large.
class http_client {
public:
  using callback = std::function<void(result<http_response>)>;

  virtual ~http_client() = default;

  /// Any thread; returns at once. `done` is called exactly once, on any thread, and must only post.
  virtual void send(http_request request, callback done) = 0;
};

} // namespace lapwing
