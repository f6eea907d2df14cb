#include "tests/load/fake_node.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "benchmarks/load/ws_frame.hpp"

namespace lapwing::load {
namespace {

using nlohmann::json;

bool every(std::size_t n, std::size_t count) { return n != 0 && count % n == 0; }

std::string server_frame(ws_opcode opcode, std::string_view payload, bool final = true) {
  std::string out;
  out += static_cast<char>((final ? 0x80U : 0U) | static_cast<unsigned>(opcode));
  if (payload.size() < 126) {
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(126);
    out += static_cast<char>(static_cast<unsigned char>(payload.size() >> 8));
    out += static_cast<char>(static_cast<unsigned char>(payload.size() & 0xffU));
  }
  return out.append(payload);
}

/// The value of a query parameter or a header; empty without it. The client writes both plainly.
std::string value_after(std::string_view text, std::string_view key, std::string_view ends) {
  const auto at = text.find(key);
  if (at == std::string_view::npos)
    return {};
  const auto value = text.substr(at + key.size());
  return std::string{value.substr(0, value.find_first_of(ends))};
}

} // namespace

/// One client: an HTTP connection, which may become a stream.
class fake_node::connection final : public io_handler {
public:
  connection(fake_node& node, int fd) : node_(node), fd_(fd) {}
  ~connection() { close(fd_); }

  int fd() const noexcept { return fd_; }
  bool member_of(const std::string& name) const {
    return streaming_ && (name == "user:" + user_ || name == "room:" + room_);
  }

  void on_io(std::uint32_t events) override {
    if (ended_)
      return;
    if ((events & EPOLLOUT) != 0)
      flush();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || ended_)
      return;
    std::array<char, 16384> buffer{};
    const auto size = recv(fd_, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EAGAIN)
      return;
    if (size <= 0)
      return end();
    in_.append(buffer.data(), static_cast<std::size_t>(size));
    while (!ended_ && (websocket_ ? take_frame() : take_request())) {
    }
  }

  void send_event(std::string_view type, const std::string& envelope, std::string_view id) {
    if (websocket_) {
      if (!node_.faults_.fragments)
        return write(server_frame(ws_opcode::text, envelope));
      const auto half = std::string_view{envelope}.substr(0, envelope.size() / 2);
      return write(server_frame(ws_opcode::text, half, false)
                   + server_frame(ws_opcode::ping, "are you there")
                   + server_frame(ws_opcode::continuation,
                                  std::string_view{envelope}.substr(half.size())));
    }
    std::string text;
    if (!id.empty())
      text += fmt::format("id: {}\n", id);
    if (type != "connected")
      text += fmt::format("event: {}\n", type);
    text += fmt::format("data: {}\n\n", envelope);
    write(node_.faults_.chunked ? chunk(text) : text);
  }

  void end() {
    ended_ = true;
    node_.streams_ -= streaming_ ? 1 : 0;
    streaming_ = false;
    // The loop may still hold an event for it in this turn.
    const auto self = node_.connections_.find(fd_);
    node_.ended_.push_back(std::move(self->second));
    node_.connections_.erase(self);
    node_.loop_.post([&node = node_] { node.ended_.clear(); });
  }

private:
  static std::string chunk(std::string_view text) {
    return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
  }

  void write(std::string_view bytes) {
    out_ += bytes;
    flush();
  }

  void flush() {
    while (!out_.empty()) {
      const auto most = node_.faults_.bytewise ? std::size_t{1} : out_.size();
      const auto size = send(fd_, out_.data(), most, MSG_NOSIGNAL);
      if (size < 0) {
        node_.loop_.change(fd_, EPOLLIN | EPOLLOUT, *this);
        return;
      }
      out_.erase(0, static_cast<std::size_t>(size));
      if (node_.faults_.bytewise && !out_.empty())
        return node_.loop_.change(fd_, EPOLLIN | EPOLLOUT, *this);
    }
    node_.loop_.change(fd_, EPOLLIN, *this);
  }

  void answer(int status, std::string_view body) {
    if (node_.faults_.chunked && !body.empty())
      return write(fmt::format("HTTP/1.1 {} X\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                               status, chunk(body)));
    write(fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", status, body.size(),
                      body));
  }

  bool take_request() {
    const auto head_end = in_.find("\r\n\r\n");
    if (head_end == std::string::npos || streaming_)
      return false;
    const auto head = in_.substr(0, head_end + 2);
    std::size_t length = 0;
    const auto digits = value_after(head, "Content-Length: ", "\r");
    std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (in_.size() < head_end + 4 + length)
      return false;
    const auto body = in_.substr(head_end + 4, length);
    in_.erase(0, head_end + 4 + length);
    const auto path = value_after(head, " ", " ?");
    if (head.starts_with("GET /api/sse/stream?"))
      open_sse(head);
    else if (head.starts_with("GET /ws "))
      open_websocket();
    else if (head.starts_with("PUT /api/users/"))
      answer(204, "");
    else if (head.starts_with("POST "))
      take_post(path, head, body);
    else
      answer(404, R"({"code":"not_found"})");
    return true;
  }

  void take_post(const std::string& path, const std::string& head, const std::string& body) {
    if (every(node_.faults_.refuse_every, ++node_.posts_))
      return answer(503, R"({"code":"store_unavailable"})");
    const auto request = json::parse(body, nullptr, false);
    if (request.is_discarded())
      return answer(400, R"({"code":"malformed_json"})");
    constexpr std::string_view webhook = "/api/webhooks/github/";
    if (path.starts_with(webhook)) {
      const auto delivery = value_after(head, "X-GitHub-Delivery: ", "\r");
      if (head.find("X-Hub-Signature-256: sha256=") == std::string::npos || delivery.empty())
        return answer(401, R"({"code":"missing_signature"})");
      node_.publish("user:" + path.substr(webhook.size()),
                    fmt::format(R"("type":"webhook_received","data":{{"deliveryId":"{}"}}}})",
                                delivery),
                    true);
      return answer(200, R"({"received":true,"id":"u1"})");
    }
    const bool stored = !request.value("ephemeral", false);
    const auto tail = fmt::format(R"("type":"bench","data":{}}})", request["event"]["data"].dump());
    if (path == "/api/sse/send")
      node_.publish("user:" + request.value("userId", ""), tail, stored);
    else if (path.starts_with("/api/rooms/"))
      node_.publish("room:" + value_after(path, "/api/rooms/", "/"), tail, stored);
    else
      return answer(404, R"({"code":"not_found"})");
    answer(202, R"({"id":"u1","sessions":1})");
  }

  bool may_stream() {
    if (node_.streams_ >= node_.faults_.streams_max) {
      answer(503, R"({"code":"too_many_connections"})");
      return false;
    }
    return true;
  }

  void open_sse(const std::string& head) {
    if (!may_stream())
      return;
    user_ = value_after(head, "userId=", "& ");
    room_ = value_after(head, "rooms=", "& ");
    write(fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{}\r\n",
                      node_.faults_.chunked ? "Transfer-Encoding: chunked\r\n" : ""));
    greet(value_after(head, "Last-Event-ID: ", "\r"));
  }

  void open_websocket() {
    if (!may_stream())
      return;
    websocket_ = true;
    write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  }

  void greet(const std::string& last_event_id) {
    streaming_ = true;
    ++node_.streams_;
    const auto name = room_.empty() ? "user:" + user_ : "room:" + room_;
    const auto newest
      = last_event_id.empty() ? std::to_string(node_.channels_[name].log.size()) : last_event_id;
    send_event("connected",
               fmt::format(R"({{"type":"connected","sessionId":"1","lastEventId":"{}"}})", newest),
               newest);
    if (!last_event_id.empty())
      node_.replay(*this, name, last_event_id);
  }

  bool take_frame() {
    // Only masked text frames below 64 KiB come from our client.
    if (in_.size() < 2)
      return false;
    auto length = static_cast<std::size_t>(static_cast<unsigned char>(in_[1]) & 0x7fU);
    std::size_t head = 2;
    if (length == 126) {
      if (in_.size() < 4)
        return false;
      length = static_cast<std::size_t>(static_cast<unsigned char>(in_[2])) << 8
               | static_cast<unsigned char>(in_[3]);
      head = 4;
    }
    if (in_.size() < head + 4 + length)
      return false;
    const auto opcode = static_cast<ws_opcode>(in_[0] & 0x0f);
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
      text += static_cast<char>(in_[head + 4 + i] ^ in_[head + i % 4]);
    in_.erase(0, head + 4 + length);
    if (opcode == ws_opcode::pong) {
      if (text != "are you there")
        end();
      return true;
    }
    const auto message = json::parse(text, nullptr, false);
    if (message.is_discarded() || message.value("type", "") != "auth") {
      write(server_frame(ws_opcode::text, R"({"type":"error","code":"invalid_message"})"));
      return true;
    }
    user_ = message.value("userId", "");
    if (message.contains("rooms"))
      room_ = message["rooms"].at(0).get<std::string>();
    greet(message.value("lastEventId", ""));
    return true;
  }

  fake_node& node_;
  int fd_;
  std::string in_;
  std::string out_;
  std::string user_;
  std::string room_;
  bool websocket_ = false;
  bool streaming_ = false;
  bool ended_ = false;
};

class fake_node::acceptor final : public io_handler {
public:
  explicit acceptor(fake_node& node) : node_(node) {}
  void on_io(std::uint32_t) override { node_.accept_all(); }

private:
  fake_node& node_;
};

fake_node::fake_node(fake_faults faults)
  : faults_(faults), acceptor_(std::make_unique<acceptor>(*this)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof where;
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&where), length) != 0
      || listen(listener_, 1024) != 0
      || getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &length) != 0)
    throw std::runtime_error{"the fake node cannot listen"};
  address_ = {INADDR_LOOPBACK, ntohs(where.sin_port)};
  loop_.watch(listener_, EPOLLIN, *acceptor_);
  thread_ = std::thread{[this] { loop_.run(); }};
}

fake_node::~fake_node() {
  loop_.stop();
  thread_.join();
  close(listener_);
}

void fake_node::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      return;
    auto& made = connections_[fd] = std::make_unique<connection>(*this, fd);
    loop_.watch(fd, EPOLLIN, *made);
  }
}

void fake_node::publish(const std::string& name, std::string tail, bool stored) {
  auto& to = channels_[name];
  ++to.published;
  std::size_t seq = 0;
  if (every(faults_.lose_every, to.published))
    return;
  if (stored) {
    to.log.push_back(tail);
    seq = to.log.size();
  }
  if (every(faults_.swap_every, to.published) && to.held_back.empty()) {
    to.held_back = std::move(tail);
    return;
  }
  send_to_members(name, tail, seq);
  if (every(faults_.double_every, to.published))
    send_to_members(name, tail, seq);
  if (!to.held_back.empty())
    send_to_members(name, std::exchange(to.held_back, {}), seq);
  if (every(faults_.end_every, to.published)) {
    std::vector<connection*> members;
    for (const auto& [fd, member] : connections_)
      if (member->member_of(name))
        members.push_back(member.get());
    for (auto* member : members)
      member->end();
  }
}

void fake_node::send_to_members(const std::string& name, const std::string& tail,
                                std::size_t seq) {
  const auto id = seq == 0 ? std::string{} : std::to_string(seq);
  const auto envelope = seq == 0 ? "{" + tail : fmt::format(R"({{"id":"{}",{})", id, tail);
  for (const auto& [fd, member] : connections_)
    if (member->member_of(name))
      member->send_event("bench", envelope, id);
}

void fake_node::replay(connection& to, const std::string& name, std::string_view last_event_id) {
  if (faults_.forget_log)
    return;
  std::size_t after = 0;
  std::from_chars(last_event_id.data(), last_event_id.data() + last_event_id.size(), after);
  const auto& log = channels_[name].log;
  for (auto seq = after + 1; seq <= log.size(); ++seq)
    to.send_event("bench", fmt::format(R"({{"id":"{}",{})", seq, log[seq - 1]),
                  std::to_string(seq));
}

} // namespace lapwing::load
