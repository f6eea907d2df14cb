// The rate limits of one platform's application on this node, and of each of its tokens: may I
// send now, or from when? Pure: time and chance come in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/limits/closure.hpp"
#include "platforms/limits/forward_clock.hpp"
#include "platforms/limits/invalid_requests.hpp"
#include "platforms/limits/limit_signs.hpp"
#include "platforms/limits/token_budget.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

class rate_budget {
public:
  /// `spec` must outlive it.
  explicit rate_budget(const rate_limit_spec& spec);

  /// `token` is whatever the platform counts by: the connection, or the workspace that its users
  /// share (Slack). `endpoint` stands for one method there.
  admission may_send(const std::string& token, std::string_view endpoint, timestamp now) const;
  /// A request goes out.
  void sent(const std::string& token, std::string_view endpoint, timestamp now);
  /// Its answer came. `chance` in [0, 1).
  limit_signs saw(const std::string& token, std::string_view endpoint, const http_response& answer,
                  timestamp now, double chance);

  /// How much is left for this token, 0 to 1; 1 when nothing is known.
  double share_left(const std::string& token, timestamp now) const;
  /// Of the application as a whole.
  admission may_send(timestamp now) const;

  void forget(const std::string& token) { tokens_.erase(token); }
  /// Tokens of which something is remembered: those with nothing to wait for are dropped in time.
  std::size_t token_count() const noexcept { return tokens_.size(); }
  std::uint32_t invalid_count(timestamp now) const noexcept;

private:
  // Below, all times are forward times.
  admission may_send_at(timestamp now) const;
  admission in_civil_time(admission found) const noexcept;
  token_budget& budget_of(const std::string& token, timestamp now);
  void drop_idle(timestamp now);

  const rate_limit_spec& spec_;
  const std::optional<limit_reach> refusal_reach_;
  mutable forward_clock clock_; ///< Asking the time is no change of the budget.
  closure closed_;
  window_budget window_;
  invalid_requests invalid_;
  std::unordered_map<std::string, token_budget> tokens_;
  std::size_t sweep_at_ = 64;
};

} // namespace lapwing
