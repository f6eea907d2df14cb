// What the workers of a store know in common of their server: whether it is there, when to try again
// after it was not, and which of them has been waiting for it too long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "storage/postgres/failure.hpp"

namespace lapwing::postgres {

class server_watch {
public:
  using clock = std::chrono::steady_clock;

  /// Whoever waits longer than `patience` for an answer finds the connection broken.
  explicit server_watch(std::chrono::milliseconds patience);
  ~server_watch();
  server_watch(const server_watch&) = delete;
  server_watch& operator=(const server_watch&) = delete;

  /// Each worker has one: when it may try to connect again.
  struct retry {
    clock::time_point next{};
    std::chrono::milliseconds delay{0};
    std::uint64_t connects_seen = 0;
  };
  /// False while the back-off lasts, unless somebody else has got through since.
  bool may_connect(const retry& state) const noexcept;
  void connected(retry& state);
  /// Doubles the delay, up to a second: a server that is back is noticed within that.
  void not_connected(retry& state, const failure& why);
  /// A job failed for the server's fault; written to the log, but not more often than is useful.
  void failed(const failure& why);

  /// Watches a connection while somebody waits for it.
  class turn {
  public:
    turn(server_watch& watch, int socket);
    ~turn();
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

  private:
    server_watch& watch_;
    std::multimap<clock::time_point, int>::iterator place_;
  };

private:
  void cut_off_late_ones();

  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::uint64_t connects_ = 0;
  bool outage_logged_ = false;
  clock::time_point next_log_{};
  std::multimap<clock::time_point, int> turns_; ///< By when they must have ended; -1: cut off.
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace lapwing::postgres
