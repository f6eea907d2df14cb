// The traffic of a node to its platforms: for each one a queue of users who want to poll and the
// budgets that its answers tell of.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "platforms/drive/driver_host.hpp"
#include "platforms/limits/gate.hpp"
#include "platforms/limits/rate_budget.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// Any thread. One lock for each platform, held for microseconds.
class traffic_control final : public platform_traffic {
public:
  /// Calls back once, after that long, on any thread.
  using alarm = std::function<void(std::chrono::milliseconds, std::function<void()>)>;

  /// `platforms` and `clock` must outlive it. `chance` gives numbers in [0, 1).
  traffic_control(const std::vector<platform_spec>& platforms, const wall_clock& clock,
                  std::function<double()> chance, alarm later);
  ~traffic_control() override;

  void enter(const connection_key& who, timestamp now,
             std::function<void(result<bool>)> go) override;
  void finished(const connection_key& who) override;
  timestamp not_before(const traffic_party& who, const std::string& endpoint,
                       timestamp now) const override;
  void sending(const traffic_party& who, const std::string& endpoint, timestamp now) override;
  void saw(const traffic_party& who, const std::string& endpoint, const http_response& answer,
           timestamp now) override;
  double budget_left(const traffic_party& who, timestamp now) const override;

private:
  struct lane;

  lane* lane_of(const platform_id& platform) const;
  void pump(lane& of);

  const wall_clock& clock_;
  const std::function<double()> chance_;
  const alarm later_;
  std::unordered_map<std::string, std::unique_ptr<lane>> lanes_;
  /// Alarms that ring when this is gone find nobody.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace lapwing
