// What goes wrong on purpose, and for whom.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "sim/chance.hpp"
#include "sim/platform.hpp"

namespace lapwing::sim {

enum class fault_kind : std::uint8_t {
  latency,             ///< The answer comes `delay` later.
  rate_limit,          ///< 429 with Retry-After; `status` 403 where the provider has that, too.
  server_error,        ///< `status`, 503 by default.
  drop,                ///< The connection ends before the provider has seen the request.
  lose_answer,         ///< The request has its effect, its answer never arrives.
  hang,                ///< No answer; the request has no effect.
  half_answer,         ///< The request has its effect, the answer breaks off.
  wrong_json,          ///< 200 with something that is not JSON.
  refuse_registration, ///< Hooks, watches and subscriptions are refused.
  duplicate_delivery,
  late_delivery,       ///< `delay` later.
  reorder_deliveries,  ///< Each at a random time within `delay`.
  bad_signature,
  lose_delivery        ///< Never sent.
};
inline constexpr std::size_t fault_kind_count = 14;

std::string_view name_of(fault_kind kind) noexcept;
std::optional<fault_kind> fault_kind_of(std::string_view name) noexcept;

struct fault {
  fault_kind kind = fault_kind::server_error;
  std::optional<platform> where; ///< Nothing: all.
  bool at_mailgun = false;       ///< Instead of the platforms: only then Mailgun is struck.
  std::string user;              ///< "": all. At Mailgun: the recipient.
  std::string endpoint;          ///< Part of an endpoint's name; "": all. Not for deliveries.
  std::optional<timestamp> from;
  std::optional<timestamp> until; ///< Excluding it.
  std::uint64_t count = 0;        ///< How often; 0: no bound.
  double probability = 1;
  int status = 0;                 ///< 0: what is usual for the kind.
  /// Nothing: the refusal names no time. Discord then answers as the address guard in front of it.
  std::optional<std::chrono::seconds> retry_after{std::chrono::seconds{30}};
  bool retry_after_date = false;  ///< Retry-After as a date, as some proxies write it.
  std::string scope = "shared";   ///< Discord's 429: "user", "shared" or "global".
  std::chrono::milliseconds delay{2000};
};

/// "kind[,platform=github|mailgun][,user=alice][,endpoint=token][,count=3][,probability=0.1][,status=502]
/// [,retry_after=30|none][,retry_after_date=1][,scope=global][,delay_ms=500][,seconds=60]";
/// `seconds` counts from `now`.
result<fault> parse_fault(std::string_view text, timestamp now);

class fault_list {
public:
  void add(fault what) { all_.push_back(std::move(what)); }
  void clear() { all_.clear(); }
  bool empty() const noexcept { return all_.empty(); }

  /// The first fault of one of these kinds that strikes now; it is counted. Without a platform it
  /// is Mailgun that is asked.
  const fault* strike(fault_kind first, fault_kind last, std::optional<platform> where,
                      std::string_view user, std::string_view endpoint, timestamp now,
                      chance& luck);
  std::uint64_t struck(fault_kind kind) const noexcept {
    return struck_[static_cast<std::size_t>(kind)];
  }

private:
  std::vector<fault> all_;
  fault last_; ///< What strike() points to: it may have been used up.
  std::array<std::uint64_t, fault_kind_count> struck_{};
};

} // namespace lapwing::sim
