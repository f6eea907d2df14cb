#include "platforms/monitor/github_deliveries.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "platforms/poll/instant.hpp"
#include "platforms/poll/json_slice.hpp"
#include "platforms/poll/request_url.hpp"

namespace lapwing {
namespace {

/// Ids and GUIDs are short; anything else is not GitHub's.
constexpr std::size_t id_bytes_max = 64;

} // namespace

github_reconcile::github_reconcile(std::string hooks_url, std::string hook_id,
                                   const rate_limit_spec& limits, timestamp now)
    : hook_url_(std::move(hooks_url) + '/' + percent_encoded(hook_id)), limits_(&limits),
      now_(now), page_url_(hook_url_ + "/deliveries?per_page=100") {}

std::optional<http_request> github_reconcile::next() const {
  if (is_done())
    return std::nullopt;
  http_request request;
  request.method = is_listing_ ? "GET" : "POST";
  request.url = is_listing_ ? page_url_
                            : hook_url_ + "/deliveries/" + percent_encoded(wanted_[at_])
                                + "/attempts";
  request.headers = {{"Accept", "application/vnd.github+json"},
                     {"X-GitHub-Api-Version", "2022-11-28"}};
  return request;
}

void github_reconcile::take(const result<http_response>& answer) {
  if (is_done())
    return;
  std::optional<answer_problem> problem;
  if (answer)
    problem = problem_of(*answer, *limits_);
  else
    problem = problem_of(answer.error());
  if (is_listing_) {
    if (!problem)
      return take_list(*answer);
    outcome_.hook_missing = problem->status == 404;
    outcome_.problem = std::move(problem);
    by_guid_.clear();
    is_listing_ = false;
    return;
  }
  ++at_;
  if (!problem) {
    ++outcome_.requested;
    return;
  }
  ++outcome_.refused;
  bool is_of_one = problem->kind == answer_failure::not_found
                   || problem->kind == answer_failure::refused;
  if (is_of_one)
    return; // That delivery only: the next may go.
  outcome_.problem = std::move(problem);
  outcome_.left += wanted_.size() - at_;
  at_ = wanted_.size();
}

void github_reconcile::take_list(const http_response& answer) {
  ++page_count_;
  auto root = json_slice::check(answer.body);
  if (!root || root->kind() != json_kind::array) {
    outcome_.problem = answer_problem{answer_failure::broken_answer, answer.status, {},
                                      "the log of deliveries is not a list"};
    by_guid_.clear();
    is_listing_ = false;
    return;
  }
  bool is_old = false;
  root->for_each([&](json_slice entry) {
    logged_delivery one;
    one.id = entry["id"].scalar().value_or("");
    one.guid = entry["guid"].scalar().value_or("");
    one.event = entry["event"].scalar().value_or("");
    auto time = parse_instant(entry["delivered_at"].scalar().value_or(""));
    if (one.id.empty() || one.guid.empty() || !time || one.id.size() > id_bytes_max
        || one.guid.size() > id_bytes_max || one.event.size() > id_bytes_max)
      return true;
    ++outcome_.listed;
    one.delivered_at = time->second;
    auto status = entry["status_code"].scalar().value_or("");
    one.was_taken = entry["status"].scalar() == "OK"
                    || (status.size() == 3 && status.front() == '2');
    is_old = now_ - one.delivered_at > age_max;
    if (is_old)
      return false; // Newest first: the rest is older.
    auto [place, is_new] = by_guid_.try_emplace(one.guid, one);
    auto& known = place->second;
    if (!is_new) {
      ++known.attempts;
      known.was_taken |= one.was_taken;
      if (one.delivered_at > known.delivered_at) {
        known.delivered_at = one.delivered_at;
        known.id = one.id;
      }
    }
    return true;
  });
  auto link = next_link(answer, page_url_);
  bool is_followed = link && origin_of(*link) && origin_of(*link) == origin_of(page_url_);
  if (is_old || !is_followed || page_count_ >= pages_max)
    return end_listing();
  page_url_ = std::move(*link);
}

void github_reconcile::end_listing() {
  is_listing_ = false;
  for (auto& [guid, one] : by_guid_)
    if (one.event != "ping" && one.attempts < attempts_max && now_ - one.delivered_at >= age_min)
      candidates_.push_back(std::move(one));
  by_guid_.clear();
  std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.delivered_at, a.guid) < std::tie(b.delivered_at, b.guid);
  });
}

void github_reconcile::redeliver(const std::unordered_set<std::string>& guids) {
  if (is_listing_ || outcome_.problem)
    return;
  for (const auto& one : candidates_) {
    if (!guids.contains(one.guid))
      continue;
    if (wanted_.size() < redeliveries_max)
      wanted_.push_back(one.id);
    else
      ++outcome_.left;
  }
}

reconcile_outcome github_reconcile::take_outcome() { return std::move(outcome_); }

} // namespace lapwing
