// The rate limits of one token: what the platform said about all of it and about single endpoints
// or buckets, and our own pace.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "platforms/limits/closure.hpp"
#include "platforms/limits/limit_signs.hpp"

namespace lapwing {

/// A window as last told, less what was sent since.
class window_budget {
public:
  void tell(const limit_window& window) noexcept { window_ = window; }
  void sent(timestamp now) noexcept;
  admission may_send(timestamp now) const noexcept;
  /// 0 to 1; 1 when nothing is known.
  double share_left(timestamp now) const noexcept;
  bool is_idle(timestamp now) const noexcept { return !is_open(now); }

private:
  bool is_open(timestamp now) const noexcept { return window_.reset > now; }

  limit_window window_;
};

/// At most one request in `interval`.
class pace {
public:
  void sent(timestamp now, std::chrono::milliseconds interval) noexcept;
  admission may_send(timestamp now) const noexcept;

private:
  timestamp next_{};
};

/// Its time must not go back (forward_clock).
class token_budget {
public:
  /// Endpoints and buckets that are remembered; of more, those idle longest are forgotten first.
  static constexpr std::size_t lanes_max = 32;

  admission may_send(std::string_view endpoint, timestamp now) const;
  /// `interval` zero: no pace of ours. `per_endpoint`: the pace is each endpoint's own.
  void sent(std::string_view endpoint, timestamp now, std::chrono::milliseconds interval,
            bool per_endpoint);
  /// Signs whose reach is the application concern this budget only by their window.
  void saw(std::string_view endpoint, const limit_signs& signs, timestamp now, double chance);

  double share_left(timestamp now) const noexcept;
  bool is_idle(timestamp now) const noexcept;

private:
  /// One endpoint, or the bucket that endpoints share.
  struct lane {
    std::string name;
    closure closed;
    window_budget window;
    pace own_pace;
    timestamp used{};

    bool is_idle(timestamp now) const noexcept;
  };
  struct membership {
    std::string endpoint;
    std::string bucket;
  };

  std::string_view lane_name(std::string_view endpoint) const noexcept;
  const lane* find(std::string_view name) const noexcept;
  lane& at(std::string_view name, timestamp now);
  void join(std::string_view endpoint, const std::string& bucket);

  closure closed_;
  window_budget window_;
  pace pace_;
  std::vector<lane> lanes_;
  std::vector<membership> buckets_; ///< Which endpoint is in which bucket; learned.
};

} // namespace lapwing
