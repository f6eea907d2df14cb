#include "platforms/drive/traffic_control.hpp"

#include <utility>

namespace lapwing {

struct traffic_control::lane {
  explicit lane(const platform_spec& of)
      : budget(of.limits),
        queue(gate_rules{of.limits.concurrency, of.limits.user_gap_min, of.limits.user_gap_max}),
        owner(of.limits.owner) {}

  /// Whose budget a request is counted against. Two names of different kinds never meet: one lane
  /// has accounts or users, and a user without an account has a name that no account has.
  std::string payer(const traffic_party& who) const {
    if (owner == budget_owner::account && !who.account.empty())
      return std::string{who.account};
    return (owner == budget_owner::account ? "user/" : "") + who.of.user.str();
  }

  struct visitor {
    std::string user;
    std::function<void(result<bool>)> go;
  };

  std::mutex mutex;
  rate_budget budget;
  gate queue;
  const budget_owner owner;
  gate::job_id last_job = 0;
  std::unordered_map<gate::job_id, visitor> visitors;
  std::unordered_map<std::string, gate::job_id> jobs; ///< By user: a connection enters once.
  std::optional<timestamp> rings_at;
};

traffic_control::traffic_control(const std::vector<platform_spec>& platforms,
                                 const wall_clock& clock, std::function<double()> chance,
                                 alarm later)
    : clock_(clock), chance_(std::move(chance)), later_(std::move(later)) {
  for (const auto& platform : platforms)
    lanes_.emplace(platform.name.str(), std::make_unique<lane>(platform));
}

traffic_control::~traffic_control() = default;

traffic_control::lane* traffic_control::lane_of(const platform_id& platform) const {
  auto at = lanes_.find(platform.str());
  return at == lanes_.end() ? nullptr : at->second.get();
}

void traffic_control::enter(const connection_key& who, timestamp now,
                            std::function<void(result<bool>)> go) {
  auto* at = lane_of(who.platform);
  if (at == nullptr)
    return go(error{errc::not_found, "there is no such platform"});
  {
    std::unique_lock lock{at->mutex};
    auto job = ++at->last_job;
    if (!at->jobs.emplace(who.user.str(), job).second
        || at->queue.offer(job, now) != gate::offer_result::queued) {
      if (at->jobs[who.user.str()] == job)
        at->jobs.erase(who.user.str());
      lock.unlock();
      return go(error{errc::rate_limited, "too many wait for this platform"});
    }
    at->visitors.emplace(job, lane::visitor{who.user.str(), std::move(go)});
  }
  pump(*at);
}

void traffic_control::finished(const connection_key& who) {
  auto* at = lane_of(who.platform);
  if (at == nullptr)
    return;
  {
    std::lock_guard lock{at->mutex};
    auto job = at->jobs.find(who.user.str());
    if (job == at->jobs.end())
      return;
    if (!at->queue.finished(job->second, clock_.now(), chance_()))
      at->queue.cancel(job->second); // It still waited.
    at->visitors.erase(job->second);
    at->jobs.erase(job);
  }
  pump(*at);
}

void traffic_control::pump(lane& of) {
  std::vector<std::function<void(result<bool>)>> ready;
  std::optional<std::chrono::milliseconds> wait;
  {
    std::lock_guard lock{of.mutex};
    auto now = clock_.now();
    // While the application as a whole may not send, nobody is called only to be turned away.
    of.queue.hold(of.budget.may_send(now).from, now);
    while (true) {
      auto step = of.queue.next(now);
      if (step.job) {
        auto& go = of.visitors.at(*step.job).go;
        ready.push_back(std::exchange(go, nullptr));
        continue;
      }
      if (step.wait_until && (!of.rings_at || *step.wait_until < *of.rings_at)) {
        of.rings_at = step.wait_until;
        wait = std::max(*step.wait_until - now, std::chrono::milliseconds{1});
      }
      break;
    }
  }
  if (wait)
    later_(*wait, [this, &of, alive = std::weak_ptr<bool>{alive_}] {
      if (!alive.lock())
        return;
      {
        std::lock_guard lock{of.mutex};
        of.rings_at.reset();
      }
      pump(of);
    });
  for (auto& go : ready)
    go(true);
}

timestamp traffic_control::not_before(const traffic_party& who, const std::string& endpoint,
                                      timestamp now) const {
  auto* at = lane_of(who.of.platform);
  if (at == nullptr)
    return now;
  std::lock_guard lock{at->mutex};
  return at->budget.may_send(at->payer(who), endpoint, now).from;
}

void traffic_control::sending(const traffic_party& who, const std::string& endpoint,
                              timestamp now) {
  if (auto* at = lane_of(who.of.platform)) {
    std::lock_guard lock{at->mutex};
    at->budget.sent(at->payer(who), endpoint, now);
  }
}

void traffic_control::saw(const traffic_party& who, const std::string& endpoint,
                          const http_response& answer, timestamp now) {
  if (auto* at = lane_of(who.of.platform)) {
    std::lock_guard lock{at->mutex};
    at->budget.saw(at->payer(who), endpoint, answer, now, chance_());
  }
}

double traffic_control::budget_left(const traffic_party& who, timestamp now) const {
  auto* at = lane_of(who.of.platform);
  if (at == nullptr)
    return 1;
  std::lock_guard lock{at->mutex};
  return at->budget.share_left(at->payer(who), now);
}

} // namespace lapwing
