// One request and its answer, which may come later: what handlers work with.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/engine.hpp"
#include "core/error.hpp"
#include "net/auth/principal.hpp"
#include "net/http/request.hpp"
#include "net/http/routes.hpp"
#include "net/http/shard.hpp"

namespace lapwing::net {

class http_connection;
struct node;

struct response {
  unsigned status = 200;
  std::string_view content_type = "application/json"; ///< Literals only.
  std::string body;
  std::string headers; ///< Further complete lines, each ended by CR LF.
};

/// Everything on the connection's shard. Handlers answer exactly once, by `answer` or `fail`, or
/// take the socket away (stream_opening).
class exchange : public std::enable_shared_from_this<exchange> {
public:
  exchange(shard& on, http_connection& from);
  ~exchange();
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;

  const request_head& head() const noexcept { return reader.head(); }
  shard& home() const noexcept { return home_; }
  node& owner() const noexcept { return home_.owner(); }
  engine& core() const noexcept;
  const std::string& request_id() const noexcept { return request_id_; }
  const peer_address& peer() const noexcept { return peer_; }
  bool head_only() const noexcept { return head().method == verb::head; }

  /// Value of the route's n-th `{...}`, percent-decoded; empty when it cannot be.
  std::string parameter(std::size_t n) const;

  /// False when the connection went meanwhile: then nobody reads the answer.
  bool connected() const noexcept { return connection_ != nullptr; }
  bool answered() const noexcept { return answered_; }

  void answer(response made);
  void answer_json(unsigned status, std::string text) {
    answer({status, "application/json", std::move(text), {}});
  }
  void fail(const error& why);
  /// `Retry-After` as given instead of the table's.
  void fail(const error& why, std::chrono::seconds retry_after);
  /// A failure behind the request: an inner time-out is our fault (503), not the client's (408).
  void fail_inside(const error& why);

  struct taken_socket {
    transport link;
    std::string received; ///< What has come after the request.
  };
  /// For streams: the connection is the caller's, who has answered or will; `status` is for the
  /// counts. Only while connected().
  taken_socket take_socket(unsigned status);

  /// Finds out who asks (bearer, query, ticket, development identity) and calls back on this
  /// shard, at once or later, with who it is; fails the exchange otherwise.
  void identify(std::function<void(principal)> then);

  /// The answer as text, for connections and for streams that end before they begin.
  void append_answer(std::string& out, const response& made, bool keep_alive) const;
  response problem(const error& why, unsigned status, unsigned retry_after) const;
  /// Lines every answer has: Date, X-Request-Id, and cors_headers().
  std::string common_headers() const;
  /// Lines a browser of an allowed origin needs; empty otherwise.
  std::string cors_headers() const;

  request_reader reader;
  std::string body;
  std::size_t body_bytes_max = 0;
  const route* matched = nullptr;
  std::size_t route_index = ~std::size_t{0};
  std::array<std::string_view, 2> parameters{};
  principal who;

private:
  friend class http_connection;

  /// Copies what the views point into, because the answer takes longer than the thread's buffer
  /// lives.
  void keep_head();
  /// Counts body bytes against the node's budget; false when there is no room.
  bool hold(std::size_t bytes);

  shard& home_;
  http_connection* connection_;
  peer_address peer_;
  std::string request_id_;
  std::string_view block_;
  std::string kept_block_;
  std::size_t held_ = 0;
  shard::clock::time_point begun_;
  bool answered_ = false;
};

} // namespace lapwing::net
