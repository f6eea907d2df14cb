// The stretch of time that is measured: everything before is warm-up, everything after is drain.
#pragma once

#include <atomic>
#include <cstdint>

namespace lapwing::load {

/// Set by the thread that runs the scenario, read by the loops.
class measured_window {
public:
  void open(std::uint64_t now) noexcept { begin_.store(now, std::memory_order_relaxed); }
  void close(std::uint64_t now) noexcept { end_.store(now, std::memory_order_relaxed); }

  bool contains(std::uint64_t time) const noexcept {
    return time >= begin_.load(std::memory_order_relaxed)
           && time < end_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<std::uint64_t> begin_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> end_{~std::uint64_t{0}};
};

} // namespace lapwing::load
