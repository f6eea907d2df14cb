#include "net/http/exchange.hpp"

#include <algorithm>

#include "core/json_text.hpp"
#include "net/http/error_table.hpp"
#include "net/http/http_connection.hpp"
#include "net/http/node.hpp"

namespace lapwing::net {
exchange::exchange(shard& on, http_connection& from)
  : home_(on), connection_(&from), peer_(from.peer()), begun_(shard::clock::now()) {}

exchange::~exchange() {
  if (held_ != 0)
    owner().bodies.give_back(held_);
}

engine& exchange::core() const noexcept {
  return owner().core;
}

std::string exchange::parameter(std::size_t n) const {
  return percent_decoded(parameters[n], false).value_or(std::string{});
}

void exchange::keep_head() {
  if (!kept_block_.empty() || block_.empty())
    return;
  kept_block_ = block_;
  reader.rebase(block_, kept_block_);
  for (auto& view : parameters)
    if (!view.empty())
      view = std::string_view{kept_block_}.substr(
        static_cast<std::size_t>(view.data() - block_.data()), view.size());
  block_ = kept_block_;
}

bool exchange::hold(std::size_t bytes) {
  if (bytes <= held_)
    return true;
  if (!owner().bodies.take(bytes - held_))
    return false;
  held_ = bytes;
  return true;
}

void exchange::answer(response made) {
  if (answered_)
    return;
  answered_ = true;
  home_.counts().request(route_index, made.status, shard::clock::now() - begun_);
  if (connection_)
    connection_->send_answer(*this, made);
}

void exchange::fail(const error& why) {
  auto& row = row_of(why.code);
  answer(problem(why, row.status, row.retry_after_seconds));
}

void exchange::fail(const error& why, std::chrono::seconds retry_after) {
  answer(problem(why, row_of(why.code).status, static_cast<unsigned>(retry_after.count())));
}

void exchange::fail_inside(const error& why) {
  if (why.code == errc::request_timeout)
    answer(problem(why, 503, 2));
  else
    fail(why);
}

response exchange::problem(const error& why, unsigned status, unsigned retry_after) const {
  response out{status, "application/problem+json", problem_document(why, status, request_id_), {}};
  if (retry_after != 0)
    out.headers += "Retry-After: " + std::to_string(retry_after) + "\r\n";
  if (why.code == errc::missing_token || why.code == errc::invalid_token
      || why.code == errc::token_expired)
    out.headers += why.code == errc::missing_token
                     ? "WWW-Authenticate: Bearer\r\n"
                     : "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
  return out;
}

std::string exchange::cors_headers() const {
  auto origin = head().header(field::origin);
  if (origin.empty() || !origin_allowed(home_.current(), origin, head().header(field::host)))
    return {};
  std::string out = "Access-Control-Allow-Origin: ";
  out += origin;
  out += "\r\nAccess-Control-Allow-Credentials: true\r\n"
         "Access-Control-Expose-Headers: X-Request-Id, Retry-After\r\nVary: Origin\r\n";
  return out;
}

void exchange::append_answer(std::string& out, const response& made, bool keep_alive) const {
  out += "HTTP/1.1 ";
  append_number(out, made.status);
  out += ' ';
  out += reason_phrase(made.status);
  out += "\r\nDate: ";
  out += home_.http_date();
  out += "\r\nX-Request-Id: ";
  out += request_id_;
  if (!made.content_type.empty()) {
    out += "\r\nContent-Type: ";
    out += made.content_type;
    out += "\r\nX-Content-Type-Options: nosniff";
  }
  if (made.status != 204 && made.status != 304 && made.status >= 200) {
    out += "\r\nContent-Length: ";
    append_number(out, made.body.size());
  }
  if (made.headers.find("Cache-Control:") == std::string::npos)
    out += "\r\nCache-Control: no-store";
  if (!keep_alive)
    out += "\r\nConnection: close";
  else if (head().version == 10)
    out += "\r\nConnection: keep-alive";
  out += "\r\n";
  out += made.headers;
  if (!head().header(field::origin).empty())
    out += cors_headers();
  out += "\r\n";
  if (!head_only())
    out += made.body;
}

exchange::taken_socket exchange::take_socket(unsigned status) {
  answered_ = true;
  home_.counts().request(route_index, status, shard::clock::now() - begun_);
  auto detached = connection_->detach();
  return {std::move(detached.link), std::move(detached.received)};
}

std::string exchange::common_headers() const {
  std::string out = "Date: ";
  out += home_.http_date();
  out += "\r\nX-Request-Id: ";
  out += request_id_;
  out += "\r\n";
  out += cors_headers();
  return out;
}

void exchange::identify(std::function<void(principal)> then) {
  const auto& s = home_.current();
  auto token = bearer_token(head().header(field::authorization));
  std::string from_query;
  if (token.empty() && !head().query.empty()) {
    if (auto ticket = head().parameter("ticket"); ticket && !ticket->empty()) {
      auto redeemed = s.ticket_office->redeem(*ticket, home_.now());
      if (!redeemed)
        return fail(redeemed.error());
      return then(std::move(*redeemed));
    }
    for (auto name : {"access_token", "token"})
      if (auto value = head().parameter(name); value && !value->empty()) {
        from_query = std::move(*value);
        token = from_query;
        break;
      }
  }
  if (s.authentication->development() && token.empty()) {
    std::string named;
    if (auto value = head().parameter("userId"))
      named = std::move(*value);
    if (!named.empty() && !valid_user_id(named))
      return fail({errc::bad_request, "userId is not a user id"});
    return then(development_principal(user_id{std::move(named)}));
  }
  if (auto now = s.authentication->authenticate_now(token, home_.now())) {
    if (!*now)
      return fail(now->error());
    return then(std::move(**now));
  }
  auto self = shared_from_this();
  keep_head();
  s.authentication->authenticate(
    token, home_.now(), [self, then = std::move(then)](result<principal> found) {
      self->home_.post([self, then, found = std::move(found)] {
        if (found)
          then(std::move(*found));
        else
          self->fail(found.error());
      });
    });
}

} // namespace lapwing::net
