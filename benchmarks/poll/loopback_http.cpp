#include "benchmarks/poll/loopback_http.hpp"

#include <algorithm>
#include <cerrno>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fmt/format.h>

#include "benchmarks/load/http_response.hpp"

namespace lapwing::poll_bench {
namespace {

constexpr std::size_t body_bytes_max = 64 * 1024 * 1024;
constexpr time_t patience_seconds = 60;

error broken(const char* why) {
  return {errc::upstream_unavailable, why};
}

} // namespace

loopback_http::~loopback_http() {
  close();
}

void loopback_http::close() noexcept {
  if (socket_ >= 0)
    ::close(socket_);
  socket_ = -1;
}

bool loopback_http::connect() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0)
    return false;
  const timeval patience{patience_seconds, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where_.port);
  address.sin_addr.s_addr = htonl(where_.address);
  return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

result<std::string> loopback_http::get(std::string_view path) {
  return ask(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", path, load::to_string(where_)));
}

result<std::string> loopback_http::post(std::string_view path, std::string_view json,
                                        std::string_view bearer) {
  const auto authorization
    = bearer.empty() ? std::string{} : fmt::format("Authorization: Bearer {}\r\n", bearer);
  return ask(fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: application/json\r\n"
                         "Content-Length: {}\r\n\r\n{}",
                         path, load::to_string(where_), authorization, json.size(), json));
}

result<std::string> loopback_http::ask(const std::string& request) {
  const bool kept = socket_ >= 0;
  auto answer = exchange(request);
  // The other side may have closed an idle connection in between.
  if (!answer && kept && answer.error().code == errc::upstream_unavailable)
    answer = exchange(request);
  return answer;
}

result<std::string> loopback_http::exchange(const std::string& request) {
  if (socket_ < 0 && !connect()) {
    close();
    return broken("nobody listens there");
  }
  for (std::size_t sent = 0; sent < request.size();) {
    const auto count
      = ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) {
      close();
      return broken("the connection ended");
    }
    sent += static_cast<std::size_t>(count);
  }
  std::string bytes;
  load::response_head head;
  std::size_t head_bytes = 0;
  std::string body;
  load::chunk_decoder chunks;
  char buffer[64 * 1024];
  bool has_head = false;
  const auto complete = [&] {
    return has_head
           && (head.chunked ? chunks.complete() : body.size() >= head.content_length.value_or(0));
  };
  while (!complete()) {
    const auto count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0 || body.size() > body_bytes_max) {
      close();
      return broken("no whole answer came");
    }
    auto size = static_cast<std::size_t>(count);
    if (!has_head) {
      bytes.append(buffer, size);
      const auto how = load::parse_response_head(bytes, head, head_bytes);
      if (how == load::parsed::need_more)
        continue;
      if (how == load::parsed::broken) {
        close();
        return broken("the answer is no HTTP");
      }
      has_head = true;
      size = bytes.size() - head_bytes;
      bytes.erase(0, head_bytes);
      if (head.chunked)
        size = chunks.decode(bytes.data(), size);
      body.assign(bytes, 0, size);
      continue;
    }
    if (head.chunked)
      size = chunks.decode(buffer, size);
    body.append(buffer, size);
  }
  if (!head.keep_alive)
    close();
  if (head.status < 200 || head.status > 299)
    return error{errc::bad_request, fmt::format("the answer was {}", head.status)};
  return body;
}

} // namespace lapwing::poll_bench
