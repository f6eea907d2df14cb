#include "net/http/stream_connection.hpp"

#include <utility>

#include "core/engine.hpp"
#include "net/http/node.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {
namespace {

/// How long a client may take to accept its farewell and hang up. Guess.
constexpr milliseconds farewell_time = 3s;
/// Reads in one go: the others wait no longer than that.
constexpr int reads_max = 4;

} // namespace

stream_connection::stream_connection(shard& home, transport link, stream_transport kind)
  : connection(home, std::move(link)), heard_(std::chrono::steady_clock::now()), kind_(kind) {
  home.counts().streams_opened[static_cast<std::size_t>(kind_)].add();
  home.counts().streams_open[static_cast<std::size_t>(kind_)].add();
}

stream_connection::~stream_connection() {
  uncount();
}

/// Whoever holds the sink may outlive the shard: after its stop nothing of it is touched.
void stream_connection::uncount() {
  if (std::exchange(counted_, false))
    home().counts().streams_open[static_cast<std::size_t>(kind_)].subtract();
}

void stream_connection::open(stream_request request, std::string received) {
  auto make = [this, &request]() -> std::unique_ptr<connection_session> {
    return home().owner().core.open_stream(std::move(request), shared_from_this());
  };
  open_with(make, std::move(received));
}

void stream_connection::open_with(const session_maker& make, std::string received) {
  auto self = shared_from_this();
  if (home().draining()) { // Moved here while the shard began to drain.
    close({errc::shutting_down, "the node goes down"});
  } else {
    session_ = make();
    if (session_told_ && session_) { // It refused at once.
      session_->closed();
      session_.reset();
    }
    if (phase_ == phase::open && !received.empty())
      take(received);
  }
  // Only now: its first reading must find a session, and come after `received`.
  if (phase_ == phase::gone)
    return;
  home().add(self);
  if (phase_ == phase::closing)
    home().set_deadline(*this, farewell_time);
  if (phase_ != phase::gone && !queue_.empty())
    home().watch_writable(*this);
}

bool stream_connection::write(std::string_view bytes) {
  if (phase_ != phase::open)
    return false;
  if (!greeted_) {
    greeted_ = true;
    std::string first;
    append_greeting(first);
    if (!first.empty()) {
      first += bytes;
      send(first);
      return phase_ == phase::open;
    }
  }
  auto queued = queued_bytes();
  // One message alone may be longer than the bound, or nobody could ever get it.
  if (queued != 0 && queued + bytes.size() > home().current().values.limits.session_queue) {
    close({errc::slow_consumer, "the client takes its data too slowly; it can resume"});
    return false;
  }
  send(bytes);
  return phase_ == phase::open;
}

void stream_connection::write_own(std::string_view bytes) {
  if (phase_ == phase::open)
    send(bytes);
}

void stream_connection::send(std::string_view bytes) {
  if (queue_.empty()) {
    auto sent = link().write(bytes);
    if (sent.what == transport::status::failed || sent.what == transport::status::end)
      return end(errc::none);
    if (sent.bytes != 0) {
      home().counts().bytes_sent.add(sent.bytes);
      if (kind_ == stream_transport::sse)
        heard();
    }
    if (sent.bytes == bytes.size())
      return;
    bytes.remove_prefix(sent.bytes);
    home().watch_writable(*this);
  }
  queue_ += bytes;
}

/// Sends what is queued; true when nothing is left.
bool stream_connection::flush() {
  while (queue_at_ < queue_.size()) {
    auto sent = link().write(std::string_view{queue_}.substr(queue_at_));
    if (sent.what == transport::status::would_block) {
      // Memory stays near the bound even while a client takes a little at a time.
      if (queue_at_ > queue_.size() / 2) {
        queue_.erase(0, queue_at_);
        queue_at_ = 0;
      }
      return false;
    }
    if (sent.what != transport::status::ok) {
      end(errc::none);
      return false;
    }
    home().counts().bytes_sent.add(sent.bytes);
    if (kind_ == stream_transport::sse)
      heard();
    queue_at_ += sent.bytes;
  }
  queue_ = std::string{};
  queue_at_ = 0;
  return true;
}

void stream_connection::close(const error& reason) {
  if (phase_ != phase::open)
    return;
  std::string farewell;
  append_farewell(farewell, reason, greeted_);
  greeted_ = true;
  finish(farewell, reason.code);
}

void stream_connection::finish(std::string_view farewell, errc reason) {
  if (phase_ != phase::open)
    return;
  send(farewell);
  if (phase_ == phase::gone)
    return;
  phase_ = phase::closing;
  finish_session(reason);
  home().set_deadline(*this, farewell_time);
  if (queue_.empty())
    link().finish_sending();
}

void stream_connection::end(errc reason) {
  if (phase_ == phase::gone)
    return;
  phase_ = phase::gone;
  finish_session(reason);
  home().remove(*this);
}

void stream_connection::end_closing() {
  if (phase_ == phase::closing)
    end(errc::none);
}

/// The session learns of the end later: it may be the one on the call stack.
void stream_connection::finish_session(errc reason) {
  if (session_told_)
    return;
  session_told_ = true;
  home().counts().stream_closed(reason);
  if (session_)
    home().post([self = shared_from_this()] {
      if (self->session_) {
        self->session_->closed();
        self->session_.reset();
      }
    });
}

void stream_connection::on_ready() {
  if (!queue_.empty() && flush()) {
    if (phase_ == phase::closing)
      link().finish_sending();
    else if (phase_ == phase::open && session_)
      session_->drained();
  }
  for (int reads = 0; phase_ != phase::gone; ++reads) {
    if (reads == reads_max)
      return home().wake_later(*this);
    auto buffer = home().buffer();
    auto got = link().read(buffer);
    if (got.what == transport::status::would_block)
      return;
    if (got.what != transport::status::ok)
      return end(errc::none);
    home().counts().bytes_received.add(got.bytes);
    if (phase_ == phase::open || kind_ != stream_transport::sse)
      take(buffer.first(got.bytes));
    if (got.bytes < buffer.size() && link().short_read_means_empty())
      return;
  }
}

void stream_connection::on_deadline() {
  end(errc::none);
}

void stream_connection::on_drain() {
  close({errc::shutting_down, "the node goes down"});
}

void stream_connection::on_stop() {
  phase_ = phase::gone;
  uncount();
  if (!session_told_ && session_)
    session_->closed();
  session_told_ = true;
  session_.reset();
}

} // namespace lapwing::net
