#include "sim/people.hpp"

#include <algorithm>
#include <cctype>

#include "sim/text.hpp"

namespace lapwing::sim {
namespace {

/// How much more or less than a mailbox a platform brings forth. Guesses from ordinary use.
double share_of(platform where) {
  switch (where) {
    case platform::spotify: return 1;
    case platform::youtube: return 0.1;
    case platform::github: return 0.5;
    case platform::discord: return 0.02;
    case platform::gmail: return 1;
    case platform::calendar: return 0.1;
    case platform::slack: return 1;
    case platform::linkedin: return 0.005;
  }
  return 0;
}

std::string login_of(std::string_view name) {
  std::string out;
  for (char c : name)
    out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
  return out;
}

} // namespace

people::people(const world_options& options) : options_(options) {}

std::uint32_t people::add(std::string_view name, timestamp now) {
  if (auto known = find(name))
    return *known;
  auto index = count();
  person fresh;
  fresh.name = name;
  fresh.login = login_of(name);
  if (by_login_.contains(fresh.login))
    fresh.login += '-' + std::to_string(index);
  by_name_.emplace(fresh.name, index);
  by_login_.emplace(fresh.login, index);
  all_.push_back(std::move(fresh));
  for (auto where : all_platforms) {
    auto& which = account_of(index, where);
    which.where = where;
    which.person = index;
    which.seed = mix(mix(options_.seed, hash_of(name)), index_of(where));
    which.luck = chance{which.seed};
    which.per_hour = options_.items_per_hour * share_of(where);
    schedule(which, to_ms(now - options_.history));
  }
  return index;
}

std::optional<std::uint32_t> people::find(std::string_view name) const {
  auto found = by_name_.find(std::string{name});
  if (found == by_name_.end())
    return std::nullopt;
  return found->second;
}

std::optional<std::uint32_t> people::find_login(std::string_view login) const {
  auto found = by_login_.find(std::string{login});
  if (found == by_login_.end())
    return std::nullopt;
  return found->second;
}

void people::set_rate(account& which, double per_hour, timestamp now) {
  which.per_hour = per_hour;
  which.next = INT64_MAX;
  schedule(which, to_ms(now));
}

account* people::next_item(timestamp until) {
  while (!due_.empty() && due_.top().at <= to_ms(until)) {
    auto entry = due_.top();
    due_.pop();
    auto& which = account_of(entry.person, entry.where);
    if (entry.at != which.next)
      continue; // From before a change of the rate.
    which.times.push_back(entry.at);
    schedule(which, entry.at);
    return &which;
  }
  return nullptr;
}

std::optional<timestamp> people::next_due() const {
  if (due_.empty())
    return std::nullopt;
  return from_ms(due_.top().at);
}

std::size_t people::make_item(account& which, timestamp now) {
  auto at = to_ms(now);
  if (!which.times.empty())
    at = std::max(at, which.times.back() + 1);
  which.times.push_back(at);
  if (which.next <= at)
    schedule(which, at);
  return which.times.size() - 1;
}

void people::schedule(account& which, std::int64_t after) {
  if (which.per_hour <= 0) {
    which.next = INT64_MAX;
    return;
  }
  auto gap = which.luck.exponential(3'600'000.0 / which.per_hour);
  which.next = after + std::max<std::int64_t>(1, static_cast<std::int64_t>(gap));
  due_.push({which.next, which.person, which.where});
}

} // namespace lapwing::sim
