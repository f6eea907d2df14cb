// One run of any scenario: loops on their threads, streams, publishers, and the phases that all
// scenarios share. The scenario files put the phases in order and pick the numbers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/load/event_loop.hpp"
#include "benchmarks/load/identity.hpp"
#include "benchmarks/load/options.hpp"
#include "benchmarks/load/process_stats.hpp"
#include "benchmarks/load/progress.hpp"
#include "benchmarks/load/publisher_group.hpp"
#include "benchmarks/load/report.hpp"
#include "benchmarks/load/stream_group.hpp"
#include "benchmarks/load/window.hpp"

namespace lapwing::load {

/// What a run has from outside.
struct run_context {
  const bench_options& options;
  const identity& who;
  const std::atomic<bool>& interrupted;
  progress& shown;
  std::uint16_t salt = 0; ///< Different for each run.
  int node_pid = 0;       ///< 0: not known.
};

/// Who streams and who is sent to. Stream i is of user i modulo users.
struct run_plan {
  std::size_t streams = 0;
  std::vector<std::string> users;
  std::string room;             ///< All streams join it; the one channel then. Empty: channels are users.
  std::unique_ptr<request_maker> maker; ///< Null: nothing is sent.
  bool resumable = false;
};

class load_run {
public:
  load_run(run_context context, run_plan plan);
  ~load_run();
  load_run(const load_run&) = delete;
  load_run& operator=(const load_run&) = delete;

  // The phases. Each returns early when the person interrupts.

  /// Makes the users known to the node, where it does not believe names. False when it refuses.
  bool make_users_known();
  /// Opens all streams; true when all are open.
  bool connect();
  void rest(double seconds);
  /// Sends; returns after the warm-up, when the measured stretch begins.
  void begin_publishing();
  /// Measures for `seconds`, or until requests_max are answered.
  void measure(double seconds);
  void end_publishing();
  /// Waits until everything acknowledged has been delivered, or `drain` seconds have passed.
  void drain();
  /// Cuts every stream, stays away, opens them again, and waits until all have caught up with what
  /// was acknowledged before they came back.
  void cut_and_recover();
  /// Stops the loops; the numbers below may then be read.
  void finish();

  // Parts of the result, after finish().

  void add_connecting(run_result& out) const;
  void add_deliveries(run_result& out) const;
  void add_publishing(run_result& out) const;
  /// CPU of the node and ours in the measured stretch.
  void add_cost(run_result& out) const;
  /// Missing, doubled and disordered deliveries, streams that ended, sends that failed: all of them
  /// failures.
  void add_checks(run_result& out) const;
  void add_recovery(run_result& out) const;

  bool interrupted() const noexcept { return context_.interrupted.load(); }
  std::size_t opened() const noexcept;

private:
  struct shard {
    event_loop loop;
    std::unique_ptr<stream_group> streams;
    std::thread thread;
  };

  std::size_t streams_on(std::size_t channel) const noexcept;
  std::size_t channel_of(std::size_t stream) const noexcept;
  std::uint64_t delivered() const noexcept;
  std::uint64_t delivered_in_window() const noexcept;
  std::size_t sum(std::size_t (stream_group::*count)() const noexcept) const noexcept;
  histogram merged(const histogram& (stream_group::*of)() const noexcept) const;
  /// Waits, showing `text`, until `done()` or the time is over; false in the latter case.
  bool wait(double seconds, const std::function<bool()>& done,
            const std::function<std::string()>& text);
  std::uint64_t count_lost() const;
  void open_window();
  void close_window();

  run_context context_;
  run_plan plan_;
  measured_window measured_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::unique_ptr<publisher_group> publishers_;
  std::string setup_failure_;
  std::size_t connected_ = 0;
  double connect_seconds_ = 0;
  double measured_seconds_ = 0;
  std::uint64_t window_begin_ = 0;
  bool window_open_ = false;
  std::optional<double> node_cpu_begin_;
  std::optional<double> node_cpu_; ///< Seconds used while measured.
  double own_cpu_begin_ = 0;
  double own_cpu_ = 0;
  std::size_t cuts_ = 0;
  std::size_t not_recovered_ = 0;
};

} // namespace lapwing::load
