// What GitHub's hook could not deliver: GitHub repeats nothing by itself, but keeps a log of three
// days and repeats on request (PLATFORMS 1.1). Finds what failed or never reached us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/http_client.hpp"
#include "core/time.hpp"
#include "platforms/poll/answer_class.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// One entry of the log, the newest attempt of its GUID.
struct logged_delivery {
  std::string id;   ///< What redelivery asks for.
  std::string guid; ///< X-GitHub-Delivery; a redelivery keeps it.
  std::string event;
  timestamp delivered_at{};
  bool was_taken = false;   ///< Some attempt was answered 2xx.
  std::uint32_t attempts = 1;
};

struct reconcile_outcome {
  std::size_t listed = 0;
  std::size_t requested = 0;  ///< Redeliveries that GitHub has agreed to.
  std::size_t refused = 0;
  std::size_t left = 0;       ///< Over the bound: the next run asks for them.
  bool hook_missing = false;  ///< The hook was deleted there: register again.
  std::optional<answer_problem> problem;
};

/// Use: while (auto request = run.next()) run.take(answer of it); then, unless there is a problem,
/// run.redeliver(those of run.candidates() that are not stored), and the loop once more.
///
/// Looks back `age_max`, at most `pages_max` pages; leaves alone what is younger than `age_min`
/// (it may be on its way), pings, and what was tried `attempts_max` times. Asks for at most
/// `redeliveries_max` per run, oldest first.
class github_reconcile {
public:
  static constexpr std::chrono::hours age_max{72};
  static constexpr std::chrono::minutes age_min{2};
  static constexpr std::size_t pages_max = 20;
  static constexpr std::size_t redeliveries_max = 50;
  static constexpr std::uint32_t attempts_max = 5;

  /// `limits` must outlive the run. `hooks_url`: the registration's URL, filled in.
  github_reconcile(std::string hooks_url, std::string hook_id, const rate_limit_spec& limits,
                   timestamp now);

  std::optional<http_request> next() const;
  void take(const result<http_response>& answer);
  bool is_done() const noexcept { return !is_listing_ && at_ >= wanted_.size(); }

  /// After the listing: deliveries that may be missing, oldest first. Also those that were answered
  /// well, since a store can be set back to an older state: filter by what is stored.
  const std::vector<logged_delivery>& candidates() const noexcept { return candidates_; }
  void redeliver(const std::unordered_set<std::string>& guids);

  reconcile_outcome take_outcome();

private:
  void take_list(const http_response& answer);
  void end_listing();

  std::string hook_url_;
  const rate_limit_spec* limits_;
  timestamp now_;
  bool is_listing_ = true;
  std::size_t page_count_ = 0;
  std::string page_url_;
  std::unordered_map<std::string, logged_delivery> by_guid_;
  std::vector<logged_delivery> candidates_;
  std::vector<std::string> wanted_; ///< Delivery ids.
  std::size_t at_ = 0;
  reconcile_outcome outcome_;
};

} // namespace lapwing
