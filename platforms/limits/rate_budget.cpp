#include "platforms/limits/rate_budget.hpp"

#include <algorithm>

namespace lapwing {
namespace {

using std::chrono::milliseconds;

/// Platforms that name buckets are Discord and those that imitate it. It bans at 10,000; other
/// nodes may share the address.
constexpr std::uint32_t invalid_requests_max = 8000;

milliseconds interval_of(const rate_limit_spec& spec) noexcept {
  auto count = spec.requests_per_minute.value_or(0);
  return count == 0 ? milliseconds{0} : milliseconds{(60'000 + count - 1) / count};
}

} // namespace

rate_budget::rate_budget(const rate_limit_spec& spec)
  : spec_(spec),
    // A rate that a platform names (Slack) is each method's own.
    refusal_reach_(spec.refusal_reach || !spec.requests_per_minute ? spec.refusal_reach
                                                                   : limit_reach::endpoint),
    invalid_(spec.bucket_header.empty() ? 0 : invalid_requests_max) {}

admission rate_budget::may_send(timestamp now) const {
  return in_civil_time(may_send_at(clock_.forward(now)));
}

admission rate_budget::may_send(const std::string& token, std::string_view endpoint,
                                timestamp now) const {
  now = clock_.forward(now);
  auto found = may_send_at(now);
  if (auto known = tokens_.find(token); known != tokens_.end())
    found = later(found, known->second.may_send(endpoint, now));
  return in_civil_time(found);
}

void rate_budget::sent(const std::string& token, std::string_view endpoint, timestamp now) {
  now = clock_.forward(now);
  window_.sent(now);
  auto interval = interval_of(spec_);
  if (interval.count() > 0)
    budget_of(token, now).sent(endpoint, now, interval, refusal_reach_ == limit_reach::endpoint);
  else if (auto known = tokens_.find(token); known != tokens_.end())
    known->second.sent(endpoint, now, interval, false);
}

limit_signs rate_budget::saw(const std::string& token, std::string_view endpoint,
                             const http_response& answer, timestamp now, double chance) {
  auto signs = read_limit_signs(spec_, refusal_reach_, answer, now, chance);
  now = clock_.forward(now);
  auto own = signs; // In forward time.
  if (own.until)
    own.until = clock_.shifted(*own.until);
  if (own.window)
    own.window->reset = clock_.shifted(own.window->reset);
  if (own.counts_as_invalid)
    invalid_.add(now);
  bool is_for_all = own.reach == limit_reach::application && own.cause != limit_cause::none;
  if (is_for_all)
    closed_.close(own.cause, own.until, now, chance);
  else if (own.is_success)
    closed_.saw_success(now);
  if (own.window && refusal_reach_ == limit_reach::application) {
    window_.tell(*own.window);
    own.window.reset();
  }
  if (own.window || (own.cause != limit_cause::none && !is_for_all) || tokens_.contains(token))
    budget_of(token, now).saw(endpoint, own, now, chance);
  return signs;
}

double rate_budget::share_left(const std::string& token, timestamp now) const {
  now = clock_.forward(now);
  if (may_send_at(now).from > now)
    return 0;
  auto share = window_.share_left(now);
  if (auto known = tokens_.find(token); known != tokens_.end())
    share = std::min(share, known->second.share_left(now));
  return share;
}

std::uint32_t rate_budget::invalid_count(timestamp now) const noexcept {
  return invalid_.count(clock_.forward(now));
}

admission rate_budget::may_send_at(timestamp now) const {
  return later(later(closed_.may_send(now), window_.may_send(now)), invalid_.may_send(now));
}

admission rate_budget::in_civil_time(admission found) const noexcept {
  if (found.cause != limit_cause::none)
    found.from = clock_.civil(found.from);
  return found;
}

token_budget& rate_budget::budget_of(const std::string& token, timestamp now) {
  auto known = tokens_.find(token);
  if (known != tokens_.end())
    return known->second;
  if (tokens_.size() >= sweep_at_) // Each sweep is paid for by as many arrivals.
    drop_idle(now);
  return tokens_[token];
}

void rate_budget::drop_idle(timestamp now) {
  std::erase_if(tokens_, [&](const auto& each) { return each.second.is_idle(now); });
  sweep_at_ = std::max<std::size_t>(64, 2 * tokens_.size());
}

} // namespace lapwing
