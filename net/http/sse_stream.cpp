#include "net/http/sse_stream.hpp"

#include "core/json_text.hpp"
#include "net/http/error_table.hpp"
#include "net/http/node.hpp"
#include "net/http/shard.hpp"
#include "net/stream/sse_codec.hpp"

namespace lapwing::net {

sse_stream::sse_stream(shard& home, stream_opening& opening)
  : stream_connection(home, std::move(opening.link), stream_transport::sse),
    greeting_(std::make_unique<greeting>(
      greeting{std::move(opening.head_lines), std::move(opening.request_id)})) {}

void sse_stream::append_greeting(std::string& out) {
  out += "HTTP/1.1 200 OK\r\n";
  out += greeting_->head_lines;
  // Until the connection ends: chunks would differ from client to client.
  out += "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
         "X-Accel-Buffering: no\r\nConnection: close\r\n\r\n";
  append_sse_retry(out, home().current().values.streams.retry);
  greeting_.reset();
}

void sse_stream::append_farewell(std::string& out, const error& reason, bool greeted) {
  if (greeted) {
    std::string text = "closed: ";
    text += to_string_view(reason.code);
    append_sse_comment(out, text);
    return;
  }
  auto& row = row_of(reason.code);
  auto status = reason.code == errc::request_timeout ? 503 : row.status;
  auto body = problem_document(reason, status, greeting_->request_id);
  out += "HTTP/1.1 ";
  append_number(out, status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
  out += greeting_->head_lines;
  out += "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"
         "Connection: close\r\nContent-Length: ";
  append_number(out, body.size());
  out += "\r\n";
  if (row.retry_after_seconds != 0) {
    out += "Retry-After: ";
    append_number(out, row.retry_after_seconds);
    out += "\r\n";
  }
  out += "\r\n";
  out += body;
}

void sse_stream::on_drain() {
  // Not all at once to the next node: spread over three more of the usual delays, by slot, which
  // is as good as chance here.
  auto retry = home().current().values.streams.retry;
  std::string last;
  append_sse_retry(last, retry + (3 * retry * (slot() % 64)) / 64);
  if (!greeting_)
    write_own(last);
  stream_connection::on_drain();
}

void open_sse_stream(shard& from, stream_opening opening) {
  auto& home = from.owner().home_of_user(opening.request.user);
  auto begin = [&home, opening = std::move(opening)]() mutable {
    auto stream = std::make_shared<sse_stream>(home, opening);
    stream->open(std::move(opening.request), {});
  };
  if (&home == &from)
    begin();
  else
    home.post(std::move(begin));
}

} // namespace lapwing::net
