#include "realtime/departures.hpp"

#include <algorithm>

namespace lapwing::realtime {
namespace {

/// Of one name; the earliest are the ones that count.
constexpr std::size_t places_max = 256;

} // namespace

void departures::left(const std::string& who, lsn at, time now) {
  std::lock_guard guard{mutex_};
  if (places_.size() >= max_)
    std::erase_if(places_, [&](const auto& one) { return one.second.back().until <= now; });
  if (places_.size() >= max_ && !places_.contains(who))
    return;
  auto& places = places_[who];
  if (places.size() >= places_max)
    places.back().until = now + window_;
  else
    places.push_back({at, now + window_});
}

std::optional<lsn> departures::came_back(const std::string& who, time now) {
  std::lock_guard guard{mutex_};
  auto found = places_.find(who);
  if (found == places_.end())
    return std::nullopt;
  auto& places = found->second;
  while (!places.empty() && places.front().until <= now)
    places.pop_front();
  if (places.empty()) {
    places_.erase(found);
    return std::nullopt;
  }
  return std::min_element(places.begin(), places.end(),
                          [](const place& a, const place& b) { return a.at < b.at; })
    ->at;
}

} // namespace lapwing::realtime
