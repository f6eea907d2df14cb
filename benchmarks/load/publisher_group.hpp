// The senders: some connections that each have one request in flight, at a given rate, as fast as
// answers come, or as fast as the streams take what was sent.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/load/event_loop.hpp"
#include "benchmarks/load/histogram.hpp"
#include "benchmarks/load/http_connection.hpp"
#include "benchmarks/load/requests.hpp"
#include "benchmarks/load/window.hpp"

namespace lapwing::load {

struct publishing {
  std::size_t connections = 1;
  std::size_t channels = 1; ///< Sends go to channels at random.
  double rate = 0;          ///< A second, open loop; 0: flat out.
  std::size_t window = 0;   ///< Deliveries on the way per member at most; 0: any number.
  std::uint64_t requests_max = 0; ///< 0: until stopped.
  std::uint16_t salt = 0;
};

/// A request that was not answered with 2xx: whether it had an effect is unknown.
struct failed_send {
  std::size_t publisher;
  std::size_t channel;
  std::uint32_t number;
};

/// Loop thread only, except where said. Latency counts from the time a send was due, so a node that
/// stalls is charged for the sends it kept waiting (no coordinated omission).
class publisher_group final : public ticker, private http_listener {
public:
  /// `streams_on(channel)` is how many deliveries a send to it makes; `delivered()` how many have
  /// come on all streams.
  publisher_group(event_loop& loop, const endpoint& node, publishing plan, request_maker& maker,
                  const measured_window& window, std::function<std::size_t(std::size_t)> streams_on,
                  std::function<std::uint64_t()> delivered);

  void start(std::uint64_t now);
  /// No new sends; what is in flight ends by itself.
  void stop() noexcept { on_ = false; }
  /// Counts what is still unanswered as failed.
  void abandon();

  std::uint64_t tick(std::uint64_t now) override;

  // Any thread.
  std::uint64_t acknowledged() const noexcept { return acknowledged_.load(); }
  std::uint64_t failures() const noexcept { return failure_count_.load(); }
  std::uint64_t in_flight() const noexcept { return in_flight_.load(); }
  /// Deliveries that acknowledged sends have to make.
  std::uint64_t deliveries_due() const noexcept { return deliveries_due_.load(); }
  /// `requests_max` sends were made and answered, or so many failed in a row that it gave up.
  bool finished() const noexcept { return finished_.load(); }

  // Loop thread, or after the loop's end.
  const histogram& latency() const noexcept { return latency_; }
  bool gave_up() const noexcept { return gave_up_; }
  std::uint64_t acknowledged_in_window() const noexcept { return acknowledged_in_window_; }
  std::uint64_t duplicates_reported() const noexcept { return duplicates_reported_; }
  /// Times a windowed send waited a second in vain for deliveries.
  std::uint64_t stalls() const noexcept { return stalls_; }
  const std::string& first_failure() const noexcept { return first_failure_; }
  const std::vector<failed_send>& failed() const noexcept { return failed_; }
  /// Numbers given so far: 1..sent.
  std::uint32_t sent(std::size_t publisher, std::size_t channel) const noexcept {
    return sent_[publisher * plan_.channels + channel];
  }
  std::uint32_t acknowledged_on(std::size_t channel) const noexcept {
    return acknowledged_on_[channel];
  }
  /// The furthest a send of the measured stretch started behind its schedule.
  std::uint64_t schedule_lag_max() const noexcept { return schedule_lag_max_; }

private:
  struct slot {
    std::unique_ptr<http_connection> connection;
    std::uint64_t due = 0;
    std::size_t channel = 0;
    std::uint32_t number = 0;
  };

  void on_response(http_connection& from, int status, std::string_view body) override;
  void on_failure(http_connection& from, std::string_view why) override;

  void send(std::uint64_t due);
  void give_back(slot& which);
  void note_failure(slot& which, std::string why);
  bool window_full(std::uint64_t now);

  publishing plan_;
  request_maker& maker_;
  const measured_window& measured_;
  std::function<std::size_t(std::size_t)> streams_on_;
  std::function<std::uint64_t()> delivered_;
  std::vector<slot> slots_;
  std::vector<std::size_t> idle_;
  std::vector<std::uint32_t> sent_;            ///< [publisher][channel]
  std::vector<std::uint32_t> acknowledged_on_; ///< [channel]
  std::vector<failed_send> failed_;
  std::mt19937_64 random_; ///< Fixed seed: every run sends to the same channels.
  histogram latency_;
  std::string first_failure_;
  bool on_ = false;
  bool gave_up_ = false;
  std::uint64_t started_ = 0;
  std::uint64_t sent_count_ = 0;
  std::uint64_t failures_in_a_row_ = 0;
  std::uint64_t acknowledged_in_window_ = 0;
  std::uint64_t duplicates_reported_ = 0;
  std::uint64_t schedule_lag_max_ = 0;
  std::uint64_t deliveries_sent_ = 0;
  std::uint64_t written_off_ = 0;
  std::uint64_t delivered_before_ = 0;
  std::uint64_t progress_at_ = 0;
  std::uint64_t stalls_ = 0;
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> failure_count_{0};
  std::atomic<std::uint64_t> in_flight_{0};
  std::atomic<std::uint64_t> deliveries_due_{0};
  std::atomic<bool> finished_{false};
};

} // namespace lapwing::load
