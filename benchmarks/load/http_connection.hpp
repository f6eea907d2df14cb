// One keep-alive HTTP connection of a publisher: a request at a time, reconnecting when it must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "benchmarks/load/endpoint.hpp"
#include "benchmarks/load/event_loop.hpp"
#include "benchmarks/load/http_response.hpp"

namespace lapwing::load {

class http_connection;

/// What became of a request: exactly one call each. The connection can take the next request in it.
class http_listener {
public:
  virtual void on_response(http_connection& from, int status, std::string_view body) = 0;
  /// No answer came; whether the node acted on the request is unknown.
  virtual void on_failure(http_connection& from, std::string_view why) = 0;

protected:
  ~http_listener() = default;
};

/// Loop thread only. `index` tells the listener which connection speaks.
class http_connection final : public io_handler {
public:
  http_connection(event_loop& loop, endpoint to, http_listener& listener, std::size_t index);
  ~http_connection();
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  /// Empty when a new request may be written into it, then send().
  std::string& request() noexcept { return out_; }
  void send();

  std::size_t index() const noexcept { return index_; }
  bool busy() const noexcept { return busy_; }
  /// Times a connection had to be made.
  std::uint64_t connects() const noexcept { return connects_; }

  void on_io(std::uint32_t events) override;

private:
  void connect();
  void flush();
  void receive();
  void take_input();
  void finish(int status, std::string_view body);
  void fail(std::string_view why);
  void disconnect();

  event_loop& loop_;
  endpoint to_;
  http_listener& listener_;
  std::size_t index_;
  int fd_ = -1;
  bool connecting_ = false;
  bool busy_ = false;
  bool head_read_ = false;
  bool waits_for_room_ = false;
  std::string out_;
  std::size_t sent_ = 0;
  std::string in_;
  response_head head_;
  std::size_t body_start_ = 0;
  std::size_t body_end_ = 0; ///< Of decoded chunks.
  chunk_decoder chunks_;
  std::uint64_t connects_ = 0;
};

} // namespace lapwing::load
