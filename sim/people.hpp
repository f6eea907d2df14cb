// The people and what happens to them: every account brings forth items at random times, from its
// own seed, so that one person's life does not depend on what is asked of another's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.hpp"
#include "sim/chance.hpp"
#include "sim/options.hpp"
#include "sim/platform.hpp"

namespace lapwing::sim {

/// One person's account on one platform. An item is its number and its time; everything else about
/// it follows from the account's seed, so that millions of them fit.
struct account {
  platform where = platform::github;
  std::uint32_t person = 0;
  std::uint64_t seed = 0;
  double per_hour = 0;
  std::vector<std::int64_t> times; ///< Of the items, in ms, rising strictly.
  std::int64_t next = INT64_MAX;   ///< When the next one comes.
  chance luck;

  /// Everything random about item `index`.
  std::uint64_t item_seed(std::size_t index) const noexcept { return mix(seed, index); }
};

struct person {
  std::string name;
  std::string login; ///< The name as GitHub allows it: letters, digits, hyphens.
  std::array<account, platform_count> accounts;
};

class people {
public:
  explicit people(const world_options& options);

  /// The person of that name, made if need be. Its past begins `history` before `now`.
  std::uint32_t add(std::string_view name, timestamp now);
  std::optional<std::uint32_t> find(std::string_view name) const;
  std::optional<std::uint32_t> find_login(std::string_view login) const;

  person& at(std::uint32_t index) { return all_[index]; }
  const person& at(std::uint32_t index) const { return all_[index]; }
  account& account_of(std::uint32_t index, platform where) {
    return all_[index].accounts[index_of(where)];
  }
  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(all_.size()); }

  void set_rate(account& which, double per_hour, timestamp now);

  /// The account whose item is due soonest, at most `until`: its item is there now.
  account* next_item(timestamp until);
  std::optional<timestamp> next_due() const;
  /// One item more, at once. Returns its number.
  std::size_t make_item(account& which, timestamp now);

private:
  struct due_entry {
    std::int64_t at;
    std::uint32_t person;
    platform where;
    bool operator>(const due_entry& other) const noexcept { return at > other.at; }
  };

  void schedule(account& which, std::int64_t after);

  const world_options& options_;
  std::vector<person> all_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
  std::unordered_map<std::string, std::uint32_t> by_login_;
  std::priority_queue<due_entry, std::vector<due_entry>, std::greater<>> due_;
};

} // namespace lapwing::sim
