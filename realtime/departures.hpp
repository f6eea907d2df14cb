// Where clients were when their sockets broke, so that those that come back soon get what they
// missed.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "realtime/pgoutput.hpp"

namespace lapwing::realtime {

/// Any thread: a client may come back on another one.
class departures {
public:
  using time = std::chrono::steady_clock::time_point;

  explicit departures(std::chrono::milliseconds window, std::size_t max = 100'000)
    : window_(window), max_(max) {}

  /// `who` names user, channel and entries. Beyond `max` names nothing more is remembered until
  /// some have expired.
  void left(const std::string& who, lsn at, time now);
  /// The earliest place that may be this client's. Clients of one name cannot be told apart: what
  /// one of them has missed another may see twice.
  std::optional<lsn> came_back(const std::string& who, time now);

private:
  struct place {
    lsn at = 0;
    time until;
  };

  std::chrono::milliseconds window_;
  std::size_t max_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::deque<place>> places_;
};

} // namespace lapwing::realtime
