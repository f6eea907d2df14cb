#include "sim/direct_client.hpp"

#include <algorithm>

namespace lapwing::sim {

void direct_client::send(http_request request, callback done) {
  ++calls_;
  request.url = real_address(request.url, base_);
  auto answer = world_.answer(request);
  auto wait = std::min(answer.latency, request.timeout);
  result<http_response> out = std::move(answer.response);
  if (answer.way == transport::silent || answer.latency >= request.timeout) {
    wait = request.timeout;
    out = error{errc::upstream_unavailable, "no answer in time"};
  } else if (answer.way == transport::broken) {
    out = error{errc::upstream_unavailable, "the connection ended early"};
  } else if (out->body.size() > request.response_bytes_max) {
    out = error{errc::payload_too_large, "the answer is too long"};
  }
  if (!later_) {
    done(std::move(out));
    return;
  }
  later_(wait, [done = std::move(done), out = std::move(out)]() mutable { done(std::move(out)); });
}

std::string real_address(std::string_view url, std::string_view base) {
  if (base.empty() || !url.starts_with(base) || url.size() <= base.size()
      || url[base.size()] != '/')
    return std::string{url};
  return "https://" + std::string{url.substr(base.size() + 1)};
}

} // namespace lapwing::sim
