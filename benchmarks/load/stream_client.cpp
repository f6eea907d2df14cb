#include "benchmarks/load/stream_client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "benchmarks/load/clock.hpp"
#include "benchmarks/load/sse_reader.hpp"
#include "benchmarks/load/ws_frame.hpp"

namespace lapwing::load {
namespace {

/// Half of the loop's buffer, so that the rest of an event always finds room behind its beginning.
constexpr std::size_t event_bytes_max = 256 * 1024;

/// The value of a string member that is written without escapes, as ids are.
std::string_view string_member(std::string_view json, std::string_view key) noexcept {
  const auto at = json.find(key);
  if (at == std::string_view::npos)
    return {};
  const auto value = json.substr(at + key.size());
  return value.substr(0, value.find('"'));
}

/// The text for people of an answer that is no stream, with the `code` of its problem document.
std::string refusal(std::string_view answer, std::string_view body) {
  std::string out{"the node answered "};
  out += answer;
  if (const auto code = string_member(body, "\"code\":\""); !code.empty())
    out.append(" ").append(code);
  return out;
}

} // namespace

stream_client::stream_client(event_loop& loop, stream_listener& listener, std::size_t index)
  : loop_(loop), listener_(listener), index_(index) {}

stream_client::~stream_client() { disconnect(); }

void stream_client::open(const endpoint& to, transport how, stream_opening opening) {
  disconnect();
  how_ = how;
  out_ = std::move(opening.request);
  first_message_.clear();
  if (!opening.first_message.empty())
    append_ws_frame(first_message_, ws_opcode::text, opening.first_message);
  started_ns_ = monotonic_ns();
  fd_ = start_connecting(to, source_address(index_));
  if (fd_ < 0)
    return end(std::strerror(errno));
  phase_ = phase::connecting;
  waits_for_room_ = true;
  loop_.watch(fd_, EPOLLIN | EPOLLOUT, *this);
}

void stream_client::cut() { disconnect(); }

void stream_client::on_io(std::uint32_t events) {
  if (fd_ < 0)
    return;
  if (phase_ == phase::connecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0)
      return;
    if (const int failure = connect_failure(fd_); failure != 0)
      return end(std::strerror(failure));
    phase_ = phase::head;
  }
  if ((events & EPOLLOUT) != 0 && waits_for_room_)
    flush();
  if (fd_ >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    receive();
}

void stream_client::flush() {
  while (!out_.empty()) {
    const auto size = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (size < 0) {
      if (errno != EAGAIN)
        return end(std::strerror(errno));
      if (!waits_for_room_) {
        waits_for_room_ = true;
        loop_.change(fd_, EPOLLIN | EPOLLOUT, *this);
      }
      return;
    }
    out_.erase(0, static_cast<std::size_t>(size));
  }
  out_.shrink_to_fit();
  if (waits_for_room_) {
    waits_for_room_ = false;
    loop_.change(fd_, EPOLLIN, *this);
  }
}

void stream_client::receive() {
  auto& buffer = loop_.scratch();
  const auto kept = carry_.size();
  std::copy(carry_.begin(), carry_.end(), buffer.begin());
  const auto size = recv(fd_, buffer.data() + kept, buffer.size() - kept, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (size <= 0)
    return end(size == 0 ? "the node closed the stream" : std::strerror(errno));
  received_ns_ = monotonic_ns();
  carry_.clear();
  char* data = buffer.data();
  auto total = kept + static_cast<std::size_t>(size);
  std::size_t decoded = kept; // How much of it has no chunk framing any more.
  if (phase_ == phase::head) {
    const auto used = take_head({data, total});
    if (fd_ < 0)
      return;
    if (used == 0) {
      carry_.assign(data, total);
      return;
    }
    data += used;
    total -= used;
    decoded = 0;
  }
  if (how_ == transport::sse && chunked_) {
    total = decoded + chunks_.decode(data + decoded, total - decoded);
    if (chunks_.broken())
      return end("the stream's chunks are broken");
  }
  const std::string_view in{data, total};
  std::size_t used = 0;
  if (how_ == transport::websocket)
    used = take_frames(in);
  else
    used = read_sse(in, [this](const sse_event& event) {
      take_envelope(event.type, event.id, event.data);
    });
  if (fd_ < 0)
    return;
  if (how_ == transport::sse && chunked_ && chunks_.complete())
    return end("the node ended the stream");
  if (total - used > event_bytes_max)
    return end("an event is too large");
  carry_.assign(in.substr(used));
}

std::size_t stream_client::take_head(std::string_view in) {
  response_head head;
  std::size_t used = 0;
  switch (parse_response_head(in, head, used)) {
    case parsed::need_more: return 0;
    case parsed::broken: end("the answer is not HTTP"); return 0;
    case parsed::complete: break;
  }
  if (head.status != (how_ == transport::websocket ? 101 : 200)) {
    end(refusal(std::to_string(head.status), in.substr(used)));
    return 0;
  }
  chunked_ = head.chunked;
  chunks_ = {};
  phase_ = phase::greeting;
  if (how_ == transport::websocket) {
    send(first_message_);
    first_message_.clear();
    first_message_.shrink_to_fit();
  }
  return used;
}

std::size_t stream_client::take_frames(std::string_view in) {
  std::size_t used = 0;
  while (fd_ >= 0) {
    ws_frame frame;
    std::size_t length = 0;
    switch (read_ws_frame(in.substr(used), event_bytes_max, frame, length)) {
      case ws_read::need_more: return used;
      case ws_read::broken: end("a WebSocket frame is broken"); return used;
      case ws_read::frame: break;
    }
    used += length;
    switch (frame.opcode) {
      case ws_opcode::ping: {
        std::string pong;
        append_ws_frame(pong, ws_opcode::pong, frame.payload);
        send(pong);
        break;
      }
      case ws_opcode::pong: break;
      case ws_opcode::close: {
        std::string why = "closed by the node";
        if (frame.payload.size() >= 2) {
          const auto code = static_cast<unsigned char>(frame.payload[0]) * 256U
                            + static_cast<unsigned char>(frame.payload[1]);
          why.append(": ").append(std::to_string(code)).append(" ").append(frame.payload.substr(2));
        }
        end(why);
        return used;
      }
      case ws_opcode::text:
      case ws_opcode::binary:
      case ws_opcode::continuation:
        if (frame.final && fragments_.empty()) {
          take_frame_payload(frame.payload);
          break;
        }
        fragments_ += frame.payload;
        if (fragments_.size() > event_bytes_max) {
          end("a WebSocket message is too large");
          return used;
        }
        if (frame.final) {
          const auto whole = std::exchange(fragments_, {});
          take_frame_payload(whole);
        }
        break;
      default: end("a WebSocket frame is broken"); return used;
    }
  }
  return used;
}

void stream_client::take_frame_payload(std::string_view payload) {
  // A node's envelope starts with its id (CONTRACT 4); an ephemeral one has none.
  constexpr std::string_view id_first = "{\"id\":\"";
  std::string_view id;
  if (remember_ && payload.starts_with(id_first))
    id = string_member(payload, id_first);
  take_envelope({}, id, payload);
}

void stream_client::take_envelope(std::string_view type, std::string_view id,
                                  std::string_view envelope) {
  if (fd_ < 0)
    return;
  if (remember_ && !id.empty())
    last_event_id_.assign(id);
  if (phase_ == phase::open) {
    listener_.on_event(*this, envelope);
    return;
  }
  if (!type.empty() || envelope.find("\"type\":\"connected\"") == std::string_view::npos) {
    if (how_ == transport::websocket)
      end(refusal("`auth` with", envelope));
    return; // On SSE an id or a comment alone may come first.
  }
  if (remember_) {
    // A WebSocket has no place for a cursor beside the message.
    if (const auto newest = string_member(envelope, "\"lastEventId\":\""); !newest.empty())
      last_event_id_.assign(newest);
  }
  phase_ = phase::open;
  listener_.on_open(*this);
}

void stream_client::send(std::string_view bytes) {
  out_ += bytes;
  if (!waits_for_room_)
    flush();
}

void stream_client::end(std::string_view why) {
  disconnect();
  listener_.on_end(*this, why);
}

void stream_client::disconnect() {
  if (fd_ >= 0)
    close_abruptly(fd_);
  fd_ = -1;
  phase_ = phase::closed;
  waits_for_room_ = false;
  chunked_ = false;
  carry_.clear();
  fragments_.clear();
  out_.clear();
}

} // namespace lapwing::load
