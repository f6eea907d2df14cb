// What the providers mean to send to registered callbacks, by time. A request is made only when it
// is taken: its signature carries the time of the attempt.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.hpp"
#include "sim/platform.hpp"

namespace lapwing::sim {

enum class delivery_kind : std::uint8_t {
  github_ping,
  github_event,
  gmail_notice,
  calendar_sync,
  calendar_change,
  websub_verification,
  websub_denial,
  websub_content,
  slack_verification,
  slack_event,
  slack_revoked,
  discord_ping,
  discord_event
};

struct pending_delivery {
  std::uint64_t id = 0;
  timestamp due{};
  delivery_kind kind = delivery_kind::github_event;
  platform where = platform::github;
  std::uint32_t person = 0;
  std::uint64_t target = 0;   ///< The registration: hook, channel, subscription.
  std::uint64_t item = 0;     ///< What it tells of.
  std::uint32_t part = 0;     ///< One item may make several events.
  std::uint32_t attempt = 0;  ///< Before this one.
  std::uint64_t message = 0;  ///< The provider's number; the same in every attempt.
  timestamp first_due{};      ///< Of the first attempt.
  bool bad_signature = false;
  bool copy = false;          ///< Its answer decides nothing.
};

class outbox {
public:
  void add(pending_delivery what);
  /// Due at most at `now`, in order; it is under way until finish().
  std::optional<pending_delivery> take(timestamp now);
  /// Nothing when its time was over, or it was finished already.
  std::optional<pending_delivery> finish(std::uint64_t id);
  /// Those whose answer did not come within ten seconds: GitHub's limit, the longest of all.
  std::vector<pending_delivery> expired(timestamp now);

  std::optional<timestamp> next_due() const;
  std::size_t waiting() const noexcept { return waiting_.size(); }
  std::size_t under_way() const noexcept { return under_way_.size(); }

private:
  struct later {
    bool operator()(const pending_delivery& a, const pending_delivery& b) const noexcept {
      return a.due != b.due ? a.due > b.due : a.id > b.id;
    }
  };
  struct flight {
    pending_delivery what;
    timestamp since{};
  };

  std::priority_queue<pending_delivery, std::vector<pending_delivery>, later> waiting_;
  std::unordered_map<std::uint64_t, flight> under_way_;
  std::queue<std::pair<timestamp, std::uint64_t>> by_age_;
  std::uint64_t next_id_ = 1;
};

} // namespace lapwing::sim
