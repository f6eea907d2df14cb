// Makes users known to a node that does not believe names (CONTRACT 3): PUT /api/users/{userId}.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/load/event_loop.hpp"
#include "benchmarks/load/http_connection.hpp"
#include "benchmarks/load/identity.hpp"

namespace lapwing::load {

/// Loop thread only, except where said. Gives up at the first refusal.
class user_setup final : public ticker, private http_listener {
public:
  user_setup(event_loop& loop, const endpoint& node, const identity& who,
             const std::vector<std::string>& users);

  std::uint64_t tick(std::uint64_t now) override;

  // Any thread.
  std::size_t done() const noexcept { return done_.load(); }
  bool failed() const noexcept { return failed_.load(); }

  /// After failed().
  const std::string& why() const noexcept { return why_; }

private:
  void on_response(http_connection& from, int status, std::string_view body) override;
  void on_failure(http_connection& from, std::string_view why) override;

  endpoint node_;
  const identity& who_;
  const std::vector<std::string>& users_;
  std::vector<std::unique_ptr<http_connection>> connections_;
  std::vector<http_connection*> idle_;
  std::size_t next_ = 0;
  std::string why_;
  std::atomic<std::size_t> done_{0};
  std::atomic<bool> failed_{false};
};

} // namespace lapwing::load
