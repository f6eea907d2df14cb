#include "net/http/http_connection.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <spdlog/spdlog.h>

#include "net/http/error_table.hpp"
#include "net/http/node.hpp"
#include "net/http/routes.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {
namespace {

using boost::beast::iequals;

/// After an answer that ends the connection, what the client still sends is read and dropped this
/// long and this much, so that a reset does not overtake the answer (RFC 9112 9.6). Guesses.
constexpr milliseconds linger_time = 3s;
constexpr std::uint32_t linger_kilobytes_max = 64 * 1024;
/// A body this slow is cut off once body_timeout has passed. Guess.
constexpr std::size_t body_bytes_per_second_min = 16 * 1024;
/// Output beyond this keeps the next pipelined request waiting.
constexpr std::size_t output_joined_max = 64 * 1024;
/// Reads of one connection in one go: the others wait no longer than that.
constexpr int reads_max = 16;

/// Answers a request id of the client's if it can stand in a header and a log line.
bool sane_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"-_.:/+="}.find(c) != std::string_view::npos;
  });
}

bool is_json(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
    type.remove_suffix(1);
  return iequals(type, "application/json")
         || (type.size() > 5 && iequals(type.substr(type.size() - 5), "+json"));
}

bool is_form(std::string_view content_type) {
  return iequals(content_type.substr(0, 33), "application/x-www-form-urlencoded");
}

} // namespace

http_connection::~http_connection() {
  if (exchange_)
    exchange_->connection_ = nullptr;
}

void http_connection::enter(phase next) {
  phase_ = next;
  const auto& values = home().current().values;
  switch (next) {
    case phase::idle: home().set_deadline(*this, values.http.idle_timeout); break;
    case phase::head: home().set_deadline(*this, values.http.header_timeout); break;
    case phase::body: home().set_deadline(*this, values.http.body_timeout); break;
    // The engine promises an answer within limits.engine_timeout.
    case phase::handling: home().set_deadline(*this, milliseconds{0}); break;
    case phase::lingering: home().set_deadline(*this, linger_time); break;
  }
}

void http_connection::on_ready() {
  if (std::exchange(fresh_, false))
    home().set_deadline(*this, home().current().values.http.header_timeout);
  // TLS may need either direction for either purpose, so both are tried.
  readable_ = true;
  if (!output_.empty() && !write_more())
    return;
  pump();
}

void http_connection::on_deadline() {
  switch (phase_) {
    case phase::head: return refuse({errc::request_timeout, "the head came too slowly"});
    case phase::body: return refuse({errc::request_timeout, "the body came too slowly"});
    default: return close();
  }
}

void http_connection::on_drain() {
  if (phase_ == phase::idle && carry_.empty() && output_.empty())
    close();
  else
    close_after_answer_ = true;
}

void http_connection::on_stop() {
  alive_ = false;
  if (exchange_)
    exchange_->connection_ = nullptr;
  exchange_.reset();
}

void http_connection::close() {
  if (!alive_)
    return;
  on_stop();
  home().remove(*this);
}

http_connection::detached http_connection::detach() {
  detached out;
  out.received = joined_ ? std::string{rest_} : std::move(carry_);
  alive_ = false;
  if (exchange_)
    exchange_->connection_ = nullptr;
  exchange_.reset();
  // Answers to earlier pipelined requests go first; if they do not fit now, the client is lost.
  bool behind = joined_ && !joined_->empty()
                && link().write(*joined_).bytes != joined_->size();
  out.link = home().release(*this);
  if (behind)
    out.link = transport{};
  return out;
}

/// Reads and handles until the socket is empty, a request waits for its answer, or the answer for
/// the socket.
void http_connection::pump() {
  for (int reads = 0; alive_ && phase_ != phase::handling && output_.empty(); ++reads) {
    if (reads == reads_max)
      return home().wake_later(*this);
    auto buffer = home().buffer();
    auto kept = carry_.size();
    std::memcpy(buffer.data(), carry_.data(), kept);
    if (!carry_tried_) {
      carry_.clear();
      carry_tried_ = true;
      consume(buffer.first(kept));
      continue;
    }
    if (!readable_)
      return;
    auto space = buffer.subspan(kept);
    auto got = link().read(space);
    if (got.what == transport::status::would_block) {
      readable_ = false;
      return;
    }
    if (got.what != transport::status::ok)
      return close();
    home().counts().bytes_received.add(got.bytes);
    if (got.bytes < space.size() && link().short_read_means_empty())
      readable_ = false;
    if (phase_ == phase::lingering) {
      lingered_kilobytes_ += static_cast<std::uint32_t>((got.bytes + 1023) / 1024);
      if (lingered_kilobytes_ > linger_kilobytes_max)
        return close();
      continue;
    }
    carry_.clear();
    consume(buffer.first(kept + got.bytes));
  }
}

void http_connection::consume(std::span<char> input) {
  std::string_view bytes{input.data(), input.size()};
  std::string& answers = home().scratch();
  joined_ = &answers;
  while (alive_ && !bytes.empty() && phase_ != phase::handling && phase_ != phase::lingering) {
    auto taken = exchange_ ? take_body(bytes) : take_head(bytes);
    bytes.remove_prefix(taken);
    if (taken == 0 && phase_ != phase::handling)
      break;
    // A request that is complete with its head has no body bytes to wait for.
    if (alive_ && exchange_ && phase_ == phase::body && exchange_->reader.complete()) {
      rest_ = bytes;
      dispatch();
    }
    if (answers.size() > output_joined_max)
      break;
  }
  rest_ = {};
  joined_ = nullptr;
  if (!alive_)
    return;
  if (phase_ != phase::lingering && !bytes.empty()) {
    carry_.assign(bytes);
    carry_tried_ = phase_ != phase::handling && answers.size() <= output_joined_max;
  }
  if (exchange_)
    exchange_->keep_head();
  if (!answers.empty())
    send(answers);
  if (alive_ && phase_ == phase::lingering && output_.empty())
    begin_lingering();
}

std::size_t http_connection::take_head(std::string_view bytes) {
  // RFC 9112 2.2: an empty line before the request line is skipped.
  if (bytes.starts_with("\r\n"))
    return 2;
  if (bytes == "\r")
    return 0;
  const auto& limits = home().current().values.limits;
  auto end = find_head_end(bytes.substr(0, limits.header));
  if (!end) {
    refuse(end.error());
    return bytes.size();
  }
  if (*end == 0) {
    if (bytes.size() >= limits.header) {
      refuse(bytes.substr(0, limits.header).find("\r\n") == std::string_view::npos
               ? error{errc::uri_too_long, "the request line is too long"}
               : error{errc::headers_too_large, "the header section is too long"});
      return bytes.size();
    }
    if (phase_ != phase::head)
      enter(phase::head);
    return 0;
  }
  auto block = bytes.substr(0, *end);
  exchange_ = std::make_shared<exchange>(home(), *this);
  exchange_->block_ = block;
  auto refusal = exchange_->reader.read_head(block);
  auto wanted = exchange_->reader.head().header("X-Request-Id");
  exchange_->request_id_ = !refusal && sane_request_id(wanted) ? std::string{wanted}
                                                               : home().next_request_id();
  if (refusal) {
    refuse(*refusal);
    return bytes.size();
  }
  if (!accept_head())
    return *end;
  enter(phase::body);
  if (!exchange_->reader.complete() && bytes.size() == *end) {
    auto expects = exchange_->head().header(field::expect);
    if (!expects.empty() && exchange_->head().version >= 11)
      joined_->append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  return *end;
}

/// Everything that can be decided before the body comes. False: answered already.
bool http_connection::accept_head() {
  auto& x = *exchange_;
  const auto& head = x.head();
  const auto& values = home().current().values;
  auto expects = head.header(field::expect);
  if (!expects.empty() && !iequals(expects, "100-continue"))
    return refuse({errc::expectation_failed, "only 100-continue is understood"}), false;
  if (head.method == verb::options)
    return preflight(), false;

  auto match = home().owner().routes->match(head.method, head.path);
  if (!match.found) {
    if (!match.path_known)
      return refuse({errc::not_found, "there is no such route"}), false;
    auto made = x.problem({errc::method_not_allowed, "the route has other methods"}, 405, 0);
    made.headers += "Allow: " + match.allow + "\r\n";
    if (x.reader.has_body())
      close_after_answer_ = true;
    x.answer(std::move(made));
    return false;
  }
  x.matched = match.found;
  x.route_index = match.index;
  x.parameters = match.parameters;

  const auto& r = *match.found;
  auto declared = x.reader.declared_bytes();
  bool framed = declared.has_value() || x.reader.is_chunked();
  bool needed = r.body == body_rule::required || r.body == body_rule::json;
  if (needed && !framed)
    return refuse({errc::length_required, "the route needs a body"}), false;
  if (!x.reader.has_body())
    return true;
  auto content_type = head.header(field::content_type);
  // A page can make any browser send JSON without a type only across origins; it then says so.
  bool json_wanted = r.body == body_rule::json || r.body == body_rule::json_optional;
  if (json_wanted && !is_json(content_type)
      && !(content_type.empty() && head.header(field::origin).empty()))
    return refuse({errc::unsupported_media_type, "the route takes application/json"}), false;
  auto encoding = head.header(field::content_encoding);
  if (!encoding.empty() && !iequals(encoding, "identity"))
    return refuse({errc::unsupported_media_type, "encoded bodies are not taken"}), false;
  auto most = r.size == body_size::github
                ? values.limits.body_github * (is_form(content_type) ? 3 : 1)
                : values.limits.body;
  if (declared.value_or(0) > most)
    return refuse({errc::payload_too_large, "the body is too large"}), false;
  if (declared.value_or(0) > home().owner().bodies.room())
    return refuse({errc::too_many_connections, "too many bodies are under way"}), false;
  x.body_bytes_max = static_cast<std::size_t>(most);
  return true;
}

std::size_t http_connection::take_body(std::string_view bytes) {
  auto& x = *exchange_;
  if (x.reader.complete())
    return 0;
  auto used = x.reader.feed(bytes, x.body, x.body_bytes_max);
  if (!used) {
    refuse(used.error());
    return bytes.size();
  }
  if (!x.hold(x.body.size())) {
    refuse({errc::too_many_connections, "too many bodies are under way"});
    return bytes.size();
  }
  if (!x.reader.complete())
    extend_body_deadline();
  return *used;
}

void http_connection::extend_body_deadline() {
  auto earned = milliseconds{exchange_->body.size() * 1000 / body_bytes_per_second_min};
  auto spent = std::chrono::duration_cast<milliseconds>(shard::clock::now() - exchange_->begun_);
  auto left = home().current().values.http.body_timeout + earned - spent;
  home().set_deadline(*this, std::max(left, milliseconds{1}));
}

void http_connection::dispatch() {
  enter(phase::handling);
  // Held: the handler may answer, and the connection then forgets it.
  auto x = exchange_;
  try {
    x->matched->handle(x);
  } catch (const std::exception& failure) {
    spdlog::error("request {} failed: {}", x->request_id(), failure.what());
    x->fail({errc::internal, {}});
  }
}

void http_connection::preflight() {
  auto& x = *exchange_;
  const auto& head = x.head();
  response made{204, {}, {}, {}};
  std::string allow;
  if (head.path == "*") {
    allow = "GET, HEAD, POST, PUT, OPTIONS";
  } else {
    auto match = home().owner().routes->match(verb::unknown, head.path);
    if (!match.path_known)
      return refuse({errc::not_found, "there is no such route"});
    allow = match.allow;
  }
  made.headers = "Allow: " + allow + "\r\n";
  if (!head.header(field::origin).empty()
      && !head.header(field::access_control_request_method).empty()
      && !x.cors_headers().empty()) {
    made.headers += "Access-Control-Allow-Methods: " + allow
                    + "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type, "
                      "Last-Event-ID, X-Request-Id\r\nAccess-Control-Max-Age: 600\r\n";
  }
  if (x.reader.has_body())
    close_after_answer_ = true;
  x.answer(std::move(made));
}

/// Answers with a failure after which this connection's bytes cannot be made sense of, or are not
/// wanted.
void http_connection::refuse(const error& why) {
  if (!exchange_) {
    exchange_ = std::make_shared<exchange>(home(), *this);
    exchange_->request_id_ = home().next_request_id();
  }
  bool unread_body = exchange_->reader.has_body() && !exchange_->reader.complete();
  auto status = row_of(why.code).status;
  if (unread_body || (status != 404 && status != 415 && status != 417 && status != 411))
    close_after_answer_ = true;
  exchange_->fail(why);
}

void http_connection::send_answer(exchange& answered, const response& made) {
  bool keep = !close_after_answer_ && !home().draining() && answered.reader.keeps_alive();
  answered.connection_ = nullptr;
  std::string own;
  auto& out = joined_ ? *joined_ : own;
  answered.append_answer(out, made, keep);
  auto finished = std::move(exchange_); // Lives until we return; `answered` is it.
  enter(keep ? phase::idle : phase::lingering);
  if (joined_)
    return; // consume() sends.
  send(out);
  if (!alive_)
    return;
  if (phase_ == phase::lingering) {
    if (output_.empty())
      begin_lingering();
    return;
  }
  resume();
}

/// Goes on reading after an answer, unless somebody up the call stack uses the buffer.
void http_connection::resume() {
  if (home().being_read())
    return home().wake_later(*this);
  shard::reading guard{home()};
  pump();
}

void http_connection::send(std::string_view bytes) {
  auto sent = output_.empty() ? link().write(bytes)
                              : transport::outcome{transport::status::would_block, 0};
  if (sent.what == transport::status::failed || sent.what == transport::status::end)
    return close();
  home().counts().bytes_sent.add(sent.bytes);
  if (sent.bytes == bytes.size())
    return;
  output_.append(bytes.substr(sent.bytes));
  // The client must take its answer as fast as it would have to send a body.
  home().set_deadline(*this, home().current().values.http.body_timeout);
  home().watch_writable(*this);
}

/// False when the connection ended.
bool http_connection::write_more() {
  while (output_at_ < output_.size()) {
    auto sent = link().write(std::string_view{output_}.substr(output_at_));
    if (sent.what == transport::status::would_block)
      return true;
    if (sent.what != transport::status::ok) {
      close();
      return false;
    }
    home().counts().bytes_sent.add(sent.bytes);
    output_at_ += sent.bytes;
  }
  output_ = std::string{};
  output_at_ = 0;
  enter(phase_);
  if (phase_ == phase::lingering)
    begin_lingering();
  return alive_;
}

void http_connection::begin_lingering() {
  link().finish_sending();
  carry_ = std::string{};
  enter(phase::lingering);
  home().wake_later(*this); // What has come already is dropped first.
}

} // namespace lapwing::net
