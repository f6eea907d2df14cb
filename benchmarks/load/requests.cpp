#include "benchmarks/load/requests.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "benchmarks/load/push_delivery.hpp"
#include "core/json_text.hpp"

namespace lapwing::load {
namespace {

/// RFC 6455 4.1 wants 16 chosen bytes in base64; their choice only matters to caches in between.
constexpr std::string_view websocket_key = "bGFwd2luZyBsb2FkIGtleQ==";

std::string bearer_line(const std::string& token) {
  return token.empty() ? std::string{} : "Authorization: Bearer " + token + "\r\n";
}

/// The parts of a JSON POST that are the same for all requests of a maker.
class post_text {
public:
  post_text(const endpoint& node, const std::string& token)
    : common_(fmt::format(" HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{}",
                          to_string(node), bearer_line(token))) {}

  /// `headers` are whole lines.
  void append(std::string& out, std::string_view path, std::string_view headers,
              std::string_view body) const {
    append_head(out, path, headers, body.size());
    out += body;
  }

  void append_head(std::string& out, std::string_view path, std::string_view headers,
                   std::size_t body_bytes) const {
    out += "POST ";
    out += path;
    out += common_;
    out += headers;
    out += "Content-Length: ";
    append_number(out, body_bytes);
    out += "\r\n\r\n";
  }

private:
  std::string common_;
};

/// Appends `"event":{...}` of the given shape, and `"ephemeral":true` where it is.
class event_text {
public:
  explicit event_text(event_shape shape)
    : end_(fmt::format(R"(","pad":"{}"}}}}{}}})", std::string(shape.padding, 'x'),
                       shape.ephemeral ? R"(,"ephemeral":true)" : "")) {}

  void append(std::string& out, const mark& m) const {
    out += R"("event":{"type":"bench","data":{)";
    out += mark_member;
    append_mark_text(out, m);
    out += end_;
  }

private:
  std::string end_; ///< Closes the whole body.
};

class room_request_maker final : public request_maker {
public:
  room_request_maker(const endpoint& node, const identity& who, std::vector<std::string> rooms,
                     event_shape shape)
    : post_(node, who.service_token()), event_(shape) {
    for (const auto& room : rooms)
      paths_.push_back("/api/rooms/" + room + "/send");
  }

  void append_request(std::string& out, std::size_t channel, const mark& m) override {
    body_ = "{";
    event_.append(body_, m);
    post_.append(out, paths_[channel], {}, body_);
  }

  mark_form form() const noexcept override { return mark_form::text; }

private:
  post_text post_;
  event_text event_;
  std::vector<std::string> paths_;
  std::string body_;
};

class user_request_maker final : public request_maker {
public:
  user_request_maker(const endpoint& node, const identity& who, std::vector<std::string> users,
                     event_shape shape)
    : post_(node, who.service_token()), event_(shape), users_(std::move(users)) {}

  void append_request(std::string& out, std::size_t channel, const mark& m) override {
    body_ = R"({"userId":")";
    body_ += users_[channel];
    body_ += R"(",)";
    event_.append(body_, m);
    post_.append(out, "/api/sse/send", {}, body_);
  }

  mark_form form() const noexcept override { return mark_form::text; }

private:
  post_text post_;
  event_text event_;
  std::vector<std::string> users_;
  std::string body_;
};

class github_request_maker final : public request_maker {
public:
  github_request_maker(const endpoint& node, std::vector<std::string> users,
                       const std::string& secret)
    : post_(node, {}), delivery_(secret) {
    for (const auto& user : users)
      paths_.push_back("/api/webhooks/github/" + user);
  }

  void append_request(std::string& out, std::size_t channel, const mark& m) override {
    const auto number = ++count_;
    headers_ = "User-Agent: GitHub-Hookshot/lapwing\r\nX-GitHub-Event: push\r\n"
               "X-GitHub-Delivery: ";
    append_mark_uuid(headers_, m);
    headers_ += "\r\nX-Hub-Signature-256: sha256=";
    delivery_.append_signature(headers_, number);
    headers_ += "\r\n";
    post_.append_head(out, paths_[channel], headers_, delivery_.size());
    delivery_.append_body(out, number);
  }

  mark_form form() const noexcept override { return mark_form::uuid; }

private:
  post_text post_;
  push_delivery delivery_;
  std::vector<std::string> paths_;
  std::string headers_;
  std::uint64_t count_ = 0;
};

} // namespace

stream_opening open_stream(transport how, const endpoint& node, const identity& who,
                           std::string_view user, std::string_view room,
                           std::string_view last_event_id) {
  const auto token = who.user_token(user);
  stream_opening out;
  if (how == transport::sse) {
    out.request = fmt::format("GET /api/sse/stream?userId={}", user);
    if (!room.empty())
      out.request.append("&rooms=").append(room);
    out.request += fmt::format(
      " HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n{}",
      to_string(node), bearer_line(token));
    if (!last_event_id.empty())
      out.request += fmt::format("Last-Event-ID: {}\r\n", last_event_id);
    out.request += "\r\n";
    return out;
  }
  out.request = fmt::format("GET /ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: {}\r\n\r\n",
                            to_string(node), websocket_key);
  auto& message = out.first_message;
  message = fmt::format(R"({{"type":"auth","userId":"{}")", user);
  if (!token.empty())
    message += fmt::format(R"(,"token":"{}")", token);
  if (!room.empty())
    message += fmt::format(R"(,"rooms":["{}"])", room);
  if (!last_event_id.empty())
    message += fmt::format(R"(,"lastEventId":"{}")", last_event_id);
  message += '}';
  return out;
}

std::unique_ptr<request_maker> room_requests(const endpoint& node, const identity& who,
                                             std::vector<std::string> rooms, event_shape shape) {
  return std::make_unique<room_request_maker>(node, who, std::move(rooms), shape);
}

std::unique_ptr<request_maker> user_requests(const endpoint& node, const identity& who,
                                             std::vector<std::string> users, event_shape shape) {
  return std::make_unique<user_request_maker>(node, who, std::move(users), shape);
}

std::unique_ptr<request_maker> github_requests(const endpoint& node,
                                               std::vector<std::string> users,
                                               const std::string& secret) {
  return std::make_unique<github_request_maker>(node, std::move(users), secret);
}

void append_put_user(std::string& out, const endpoint& node, const identity& who,
                     std::string_view user) {
  out += fmt::format("PUT /api/users/{} HTTP/1.1\r\nHost: {}\r\n{}Content-Length: 0\r\n\r\n", user,
                     to_string(node), bearer_line(who.service_token()));
}

} // namespace lapwing::load
