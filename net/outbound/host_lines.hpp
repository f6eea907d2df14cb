// Who may be under way: a bounded number, of each host at most so many; the others wait in line,
// one line a host, and hosts take turns. Pure; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace lapwing::net {

class host_lines {
public:
  using time_point = std::chrono::steady_clock::time_point;

  host_lines(std::size_t under_way_max, std::size_t under_way_per_host_max);

  /// `id` must be new.
  void add(std::uint64_t id, const std::string& host, time_point deadline);
  /// Whose turn it is: from now on it is under way. Nothing when nobody waits or may go.
  std::optional<std::uint64_t> next();
  /// One that waits no longer because its deadline is not after `now`; it is forgotten.
  std::optional<std::uint64_t> expired(time_point now);
  /// The first deadline of those that wait.
  std::optional<time_point> first_deadline() const;
  /// Forgets one that was under way.
  void finished(std::uint64_t id);

  std::size_t waiting() const noexcept { return deadlines_.size(); }
  std::size_t under_way() const noexcept { return under_way_; }

private:
  struct host_line {
    std::list<std::uint64_t> waiting;
    std::size_t under_way = 0;
    bool in_turn = false; ///< Stands in `turns_`.
  };
  using lines = std::unordered_map<std::string, host_line>; // Its elements stay where they are.
  using deadlines = std::multimap<time_point, std::uint64_t>;
  struct standing {
    lines::value_type* host;
    std::list<std::uint64_t>::iterator in_line;
    deadlines::iterator deadline;
    bool waits = true;
  };

  void take_turn(lines::value_type& host);
  void drop_if_empty(lines::value_type& host);

  const std::size_t under_way_max_;
  const std::size_t under_way_per_host_max_;
  std::size_t under_way_ = 0;
  lines lines_;
  std::list<lines::value_type*> turns_; ///< Hosts with somebody waiting who may go.
  deadlines deadlines_;
  std::unordered_map<std::uint64_t, standing> places_;
};

} // namespace lapwing::net
