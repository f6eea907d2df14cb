// The port to HTTP answered by a world in the same thread: months of simulated time without a
// socket. Not for several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/http_client.hpp"
#include "sim/world.hpp"

namespace lapwing::sim {

class direct_client final : public http_client {
public:
  /// `world` must outlive the client.
  explicit direct_client(world& behind) : world_(behind) {}

  /// Answers before it returns. An answer later than `request.timeout` (or none) is
  /// errc::upstream_unavailable, as is one that breaks off; one that is too long is
  /// errc::payload_too_large.
  void send(http_request request, callback done) override;

  /// Instead of answering at once: gets every call's latency and what to run when it is over.
  /// Then `done` is called whenever that is run. Without it latency below the time-out is ignored.
  using scheduler = std::function<void(std::chrono::milliseconds, std::function<void()>)>;
  void answer_through(scheduler later) { later_ = std::move(later); }

  /// Addresses that are rewritten before the world sees them ("" none): a node whose platforms
  /// point to "http://127.0.0.1:8088/api.github.com/..." has the base "http://127.0.0.1:8088".
  void rewrite_base(std::string base) { base_ = std::move(base); }

  std::uint64_t calls() const noexcept { return calls_; }

private:
  world& world_;
  scheduler later_;
  std::string base_;
  std::uint64_t calls_ = 0;
};

/// "http://127.0.0.1:8088/api.github.com/user" as "https://api.github.com/user", by the base
/// "http://127.0.0.1:8088"; other addresses as they are.
std::string real_address(std::string_view url, std::string_view base);

} // namespace lapwing::sim
