// Which logs may have grown beyond their rule since somebody looked, and how long the long ones are:
// so that retention looks at no log in vain, and counts a full one once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/log.hpp"

namespace lapwing::postgres {

/// Any thread.
class log_ledger {
public:
  /// An event was stored.
  void appended(const std::string& log, sequence seq);

  /// Forgets everything, and all logs are candidates again, when `count_max` is not the last one.
  void use_rule(std::uint64_t count_max);
  /// To be called when a transaction had no effect: what is known here is no longer right.
  void start_over();

  /// Takes logs that got events.
  std::vector<std::string> take_candidates(std::size_t limit);
  /// Puts one back.
  void still_a_candidate(std::string log);
  bool has_candidates() const;

  /// Up to which log, in their order, a look at all of them has come; nothing: it is done.
  std::optional<std::string> swept() const;
  void set_swept(std::optional<std::string> log);

  /// Events that the log holds, if they were counted.
  std::optional<std::uint64_t> held(const std::string& log) const;
  /// There are `count` with numbers up to `newest`; what is appended from now on is added.
  void counted(const std::string& log, std::uint64_t count, sequence newest);
  void removed(const std::string& log, std::uint64_t count);

private:
  struct tally {
    std::uint64_t count;
    sequence newest;
  };

  mutable std::mutex mutex_;
  std::uint64_t count_max_ = 0;
  std::unordered_set<std::string> touched_;
  std::optional<std::string> swept_ = std::string{};
  std::unordered_map<std::string, tally> held_;
};

} // namespace lapwing::postgres
