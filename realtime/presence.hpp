// Who is present in one channel: keys, each with a meta for every member that tracks itself under
// it, and the differences that the other members are told.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lapwing::realtime {

/// One channel of one socket.
using member_id = std::uint64_t;

class presence_diff {
public:
  void join(std::string_view key, std::string meta) {
    joins_[std::string{key}].push_back(std::move(meta));
  }
  void leave(std::string_view key, std::string meta) {
    leaves_[std::string{key}].push_back(std::move(meta));
  }
  bool empty() const noexcept { return joins_.empty() && leaves_.empty(); }

  /// `{"joins":{"u1":{"metas":[{"phx_ref":"F2",...}]}},"leaves":{...}}`.
  std::string json() const;

private:
  std::map<std::string, std::vector<std::string>> joins_;
  std::map<std::string, std::vector<std::string>> leaves_;
};

class presence {
public:
  using time = std::chrono::steady_clock::time_point;

  /// The member is present with `payload` (a valid JSON object). Its earlier payload goes; the same
  /// again changes nothing. `ref` must be new. Its entry lives as long as `holder`'s lease.
  presence_diff track(member_id who, std::string_view key, std::string_view payload,
                      std::string_view ref, std::uint64_t holder);

  /// The member is present no more.
  presence_diff untrack(member_id who);

  /// The holder (whoever speaks for a set of members) is alive: its entries live until then. A
  /// holder that never said so keeps its entries.
  void renew(std::uint64_t holder, time until);
  /// Drops what holders with an expired lease had.
  presence_diff expire(time now);

  /// `{"<key>":{"metas":[{"phx_ref":"F1","name":"a"}]}}`.
  std::string json() const;

  std::size_t size() const noexcept { return members_.size(); }

private:
  struct entry {
    std::string key;
    std::string content; ///< The payload with its members in order, to tell whether it changed.
    std::string ref;
    std::string meta;
    std::uint64_t holder = 0;
    std::uint64_t order = 0; ///< Metas of a key are listed in the order of their coming.
  };

  std::unordered_map<member_id, entry> members_;
  std::unordered_map<std::uint64_t, time> leases_;
  std::uint64_t next_order_ = 0;
};

} // namespace lapwing::realtime
