// The streams of one loop: opens them a burst at a time, checks what comes, and measures it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/load/delivery_check.hpp"
#include "benchmarks/load/event_loop.hpp"
#include "benchmarks/load/histogram.hpp"
#include "benchmarks/load/mark.hpp"
#include "benchmarks/load/stream_client.hpp"
#include "benchmarks/load/window.hpp"

namespace lapwing::load {

struct stream_group_plan {
  endpoint node;
  transport how = transport::sse;
  std::size_t first = 0; ///< This group holds streams first, first + step, ... of all.
  std::size_t step = 1;
  std::size_t total = 0; ///< Of all groups.
  std::size_t burst = 64;
  std::size_t publishers = 1;
  mark_form marks = mark_form::text;
  std::uint16_t salt = 0;
  bool resumable = false; ///< Remember cursors; an ended stream is opened again.
};

/// Loop thread only, except where said. Streams are named by their index in all groups.
class stream_group final : public ticker, private stream_listener {
public:
  /// Opens stream `index` after `last_event_id` (which may be empty).
  using opener = std::function<stream_opening(std::size_t index, std::string_view last_event_id)>;

  stream_group(event_loop& loop, const stream_group_plan& plan, opener open,
               const measured_window& window);

  /// Opens all of them.
  void start();
  /// Ends all connections and stays away until open_again().
  void cut_all();
  /// Opens every stream that is not open. `target(index)` is how many events it must have had to
  /// count as recovered.
  void open_again(std::uint64_t now, const std::function<std::uint32_t(std::size_t)>& target);

  std::uint64_t tick(std::uint64_t now) override;

  // Any thread.
  std::size_t size() const noexcept { return streams_.size(); }
  std::size_t opened() const noexcept { return opened_.load(std::memory_order_relaxed); }
  std::size_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  std::size_t ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
  std::size_t recovered() const noexcept { return recovered_.load(std::memory_order_relaxed); }
  std::uint64_t delivered() const noexcept { return delivered_.load(std::memory_order_relaxed); }

  // Loop thread, or after the loop's end.
  const histogram& latency() const noexcept { return latency_; }
  const histogram& open_latency() const noexcept { return open_latency_; }
  const histogram& reopen_latency() const noexcept { return reopen_latency_; }
  const histogram& recovery_latency() const noexcept { return recovery_latency_; }
  std::uint64_t delivered_in_window() const noexcept { return delivered_in_window_; }
  std::uint64_t resets() const noexcept { return resets_; }
  const std::string& first_failure() const noexcept { return first_failure_; }
  const delivery_check& check() const noexcept { return check_; }
  /// False for a stream that ended by itself: what it missed is no loss, it could resume.
  bool alive(std::size_t local) const noexcept { return !member_[local].gone; }
  std::size_t index_of(std::size_t local) const noexcept { return plan_.first + local * plan_.step; }

private:
  struct membership {
    bool gone = false;
    bool open = false;
    bool was_open = false; ///< At least once.
    bool recovering = false;
    std::uint32_t target = 0;
  };

  void on_open(stream_client& stream) override;
  void on_event(stream_client& stream, std::string_view envelope) override;
  void on_end(stream_client& stream, std::string_view why) override;

  std::size_t local_of(const stream_client& stream) const noexcept {
    return (stream.index() - plan_.first) / plan_.step;
  }
  void open_next();
  void check_recovered(std::size_t local, std::uint64_t now);

  event_loop& loop_;
  stream_group_plan plan_;
  opener open_;
  const measured_window& measured_;
  std::vector<std::unique_ptr<stream_client>> streams_;
  std::vector<membership> member_;
  std::vector<std::size_t> waiting_; ///< To be opened, last one first.
  delivery_check check_;
  mark_finder marks_;
  histogram latency_;
  histogram open_latency_;
  histogram reopen_latency_;
  histogram recovery_latency_;
  std::string first_failure_;
  std::uint64_t herd_started_ = 0;
  std::size_t pending_ = 0;
  std::uint64_t not_before_ = 0; ///< No opening until then: the node refused one.
  std::uint64_t delivered_in_window_ = 0;
  std::uint64_t resets_ = 0;
  std::atomic<std::size_t> opened_{0};
  std::atomic<std::size_t> refused_{0};
  std::atomic<std::size_t> ended_{0};
  std::atomic<std::size_t> recovered_{0};
  std::atomic<std::uint64_t> delivered_{0};
};

} // namespace lapwing::load
