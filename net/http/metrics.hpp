// What the network side counts, written by one thread each without a lock, read by /metrics.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/engine.hpp"
#include "core/error.hpp"
#include "realtime/change_feed.hpp"

namespace lapwing::net {

/// One writer, any reader: no locked instruction.
class counter {
public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// Upper bounds in seconds; the last bucket is +Inf.
inline constexpr std::array<double, 13> duration_bounds{0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                        0.025,  0.05,   0.1,   0.25,   1,     2.5,
                                                        10};

enum class stream_transport : std::uint8_t { sse, websocket, realtime };
inline constexpr std::size_t stream_transport_count = 3;

/// The counts of one shard; all writing on its thread.
class shard_metrics {
public:
  /// Routes are told apart by index; one more stands for requests of no route.
  explicit shard_metrics(std::size_t route_count);

  void request(std::size_t route, unsigned status, std::chrono::nanoseconds took) noexcept;
  void stream_closed(errc reason) noexcept;
  /// `platform` is one that is configured, so the number of these is bounded.
  void webhook_failure(std::string_view platform, errc code);

  std::size_t route_count;
  std::unique_ptr<std::array<counter, 5>[]> requests; ///< By route, then status / 100 - 1.
  std::array<counter, duration_bounds.size() + 1> durations;
  counter duration_nanoseconds;
  counter connections_accepted;
  counter connections_refused;
  counter bytes_received;
  counter bytes_sent;
  std::array<counter, stream_transport_count> streams_opened;
  std::array<counter, stream_transport_count> streams_open;
  std::array<counter, 64> streams_closed; ///< By errc; `none`: the client went.

  std::map<std::pair<std::string, errc>, std::uint64_t> webhook_failures() const;

private:
  mutable std::mutex failures_mutex_; ///< Failures are rare: a lock does not matter.
  std::map<std::pair<std::string, errc>, std::uint64_t> failures_;
};

/// What is not counted in a shard.
struct node_gauges {
  engine_counts engine;
  std::size_t connections_open = 0;
  std::size_t body_bytes_held = 0;
  bool ready = false;
  std::optional<realtime::slot_state> slot{}; ///< Of the change feed, when there is one.
};

/// The Prometheus text format 0.0.4. `route_names[i]` names route i.
std::string metrics_text(std::span<const shard_metrics* const> shards,
                         std::span<const std::string> route_names, const node_gauges& gauges);

} // namespace lapwing::net
