#include "net/outbound/host_lines.hpp"

#include <algorithm>

namespace lapwing::net {

host_lines::host_lines(std::size_t under_way_max, std::size_t under_way_per_host_max)
  : under_way_max_(std::max<std::size_t>(under_way_max, 1)),
    under_way_per_host_max_(std::max<std::size_t>(under_way_per_host_max, 1)) {}

void host_lines::add(std::uint64_t id, const std::string& host, time_point deadline) {
  auto& found = *lines_.try_emplace(host).first;
  auto& waiting = found.second.waiting;
  waiting.push_back(id);
  places_.insert({id, {&found, std::prev(waiting.end()), deadlines_.insert({deadline, id})}});
  take_turn(found);
}

std::optional<std::uint64_t> host_lines::next() {
  if (under_way_ >= under_way_max_ || turns_.empty())
    return std::nullopt;
  auto& host = *turns_.front();
  turns_.pop_front();
  auto& line = host.second;
  line.in_turn = false;
  auto id = line.waiting.front();
  line.waiting.pop_front();
  auto& place = places_.at(id);
  deadlines_.erase(place.deadline);
  place.waits = false;
  ++line.under_way;
  ++under_way_;
  take_turn(host);
  return id;
}

std::optional<std::uint64_t> host_lines::expired(time_point now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now)
    return std::nullopt;
  auto id = deadlines_.begin()->second;
  auto found = places_.find(id);
  auto& host = *found->second.host;
  host.second.waiting.erase(found->second.in_line);
  deadlines_.erase(deadlines_.begin());
  places_.erase(found);
  if (host.second.waiting.empty() && host.second.in_turn) {
    turns_.remove(&host);
    host.second.in_turn = false;
  }
  drop_if_empty(host);
  return id;
}

std::optional<host_lines::time_point> host_lines::first_deadline() const {
  if (deadlines_.empty())
    return std::nullopt;
  return deadlines_.begin()->first;
}

void host_lines::finished(std::uint64_t id) {
  auto found = places_.find(id);
  if (found == places_.end() || found->second.waits)
    return;
  auto& host = *found->second.host;
  places_.erase(found);
  --host.second.under_way;
  --under_way_;
  take_turn(host);
  drop_if_empty(host);
}

void host_lines::take_turn(lines::value_type& host) {
  auto& line = host.second;
  if (line.in_turn || line.waiting.empty() || line.under_way >= under_way_per_host_max_)
    return;
  turns_.push_back(&host);
  line.in_turn = true;
}

void host_lines::drop_if_empty(lines::value_type& host) {
  if (host.second.under_way == 0 && host.second.waiting.empty())
    lines_.erase(lines_.find(host.first));
}

} // namespace lapwing::net
