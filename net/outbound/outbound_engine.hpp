// The part of an outbound client that lives on its thread: curl's multi handle, the sockets it
// wants to hear of, and who waits for a place.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <curl/curl.h>

#include "core/http_client.hpp"
#include "net/outbound/host_lines.hpp"
#include "net/outbound/outbound_metrics.hpp"
#include "net/outbound/outbound_rules.hpp"
#include "net/outbound/transfer.hpp"

namespace lapwing::net {

/// What the client and its thread share.
struct outbound_state {
  explicit outbound_state(outbound_rules given) : rules(std::move(given)) {}

  const outbound_rules rules;
  outbound_metrics metrics;
  std::atomic<std::size_t> accepted{0}; ///< Posted, waiting or under way.
  std::atomic<bool> stopping{false};
};

/// A request that somebody waits for. Whatever becomes of it, its callback is called once.
class outbound_call {
public:
  outbound_call(std::shared_ptr<outbound_state> shared, http_request request, std::string host,
                http_client::callback done);
  /// Tells errc::shutting_down if nothing has been told: the call was dropped with its thread.
  ~outbound_call();
  outbound_call(outbound_call&&) noexcept = default;
  outbound_call& operator=(outbound_call&&) = delete;

  void tell(result<http_response> outcome, std::optional<outbound_failure> failure);

  http_request request;
  std::string host;
  std::chrono::steady_clock::time_point deadline;

private:
  std::shared_ptr<outbound_state> shared_; ///< Null in a call that was moved from.
  http_client::callback done_;
};

/// All on the thread of `io`, but for construction.
class outbound_engine : public std::enable_shared_from_this<outbound_engine> {
public:
  outbound_engine(boost::asio::io_context& io, std::shared_ptr<outbound_state> shared);
  ~outbound_engine();
  outbound_engine(const outbound_engine&) = delete;
  outbound_engine& operator=(const outbound_engine&) = delete;

  void start();
  void take(outbound_call call);
  /// Ends everything; nothing of Asio is left afterwards.
  void stop();

private:
  using clock = std::chrono::steady_clock;
  using executor = boost::asio::io_context::executor_type;
  using descriptor = boost::asio::posix::basic_stream_descriptor<executor>;
  using timer = boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, executor>;

  struct job {
    outbound_call call;
    std::unique_ptr<transfer> under_way; ///< Null while it waits.
  };

  void wait_for_sockets();
  void serve_sockets();
  void act(curl_socket_t socket, int events);
  void collect();
  void begin_next();
  void begin(std::uint64_t id);
  void expire();
  void arm_expiry();
  void finish(std::uint64_t id, transfer::ending ending);

  void watch(curl_socket_t socket, int what);
  void set_timer(long milliseconds);
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known);
  static int on_timer(CURLM*, long milliseconds, void* self);

  const std::shared_ptr<outbound_state> shared_;
  std::optional<descriptor> set_; ///< An epoll set with curl's sockets.
  std::optional<timer> curl_timer_;
  std::optional<timer> expiry_timer_;
  std::optional<clock::time_point> expiry_;
  CURLM* multi_ = nullptr;
  host_lines lines_;
  std::unordered_map<std::uint64_t, job> jobs_;
  std::unordered_map<CURL*, std::uint64_t> ids_;
  std::uint64_t last_id_ = 0;
};

} // namespace lapwing::net
