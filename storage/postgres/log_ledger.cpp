#include "storage/postgres/log_ledger.hpp"

#include <algorithm>
#include <utility>

namespace lapwing::postgres {
namespace {

/// Beyond these many logs a sweep over all is cheaper than a list. Guess: never measured.
constexpr std::size_t touched_max = 1'000'000;
constexpr std::size_t held_max = 100'000;

} // namespace

void log_ledger::appended(const std::string& log, sequence seq) {
  std::lock_guard lock{mutex_};
  if (const auto known = held_.find(log); known != held_.end() && seq > known->second.newest)
    known->second = {known->second.count + 1, seq};
  if (swept_ && *swept_ < log)
    return; // The sweep will come to it.
  if (touched_.size() < touched_max) {
    touched_.insert(log);
  } else {
    touched_.clear();
    swept_ = std::string{};
  }
}

void log_ledger::use_rule(std::uint64_t count_max) {
  if (std::exchange(count_max_, count_max) != count_max)
    start_over();
}

void log_ledger::start_over() {
  std::lock_guard lock{mutex_};
  touched_.clear();
  held_.clear();
  swept_ = std::string{};
}

std::vector<std::string> log_ledger::take_candidates(std::size_t limit) {
  std::lock_guard lock{mutex_};
  std::vector<std::string> taken;
  while (!touched_.empty() && taken.size() < limit)
    taken.push_back(std::move(touched_.extract(touched_.begin()).value()));
  return taken;
}

void log_ledger::still_a_candidate(std::string log) {
  std::lock_guard lock{mutex_};
  touched_.insert(std::move(log));
}

bool log_ledger::has_candidates() const {
  std::lock_guard lock{mutex_};
  return swept_ || !touched_.empty();
}

std::optional<std::string> log_ledger::swept() const {
  std::lock_guard lock{mutex_};
  return swept_;
}

void log_ledger::set_swept(std::optional<std::string> log) {
  std::lock_guard lock{mutex_};
  swept_ = std::move(log);
}

std::optional<std::uint64_t> log_ledger::held(const std::string& log) const {
  std::lock_guard lock{mutex_};
  const auto known = held_.find(log);
  return known == held_.end() ? std::nullopt : std::optional{known->second.count};
}

void log_ledger::counted(const std::string& log, std::uint64_t count, sequence newest) {
  std::lock_guard lock{mutex_};
  if (held_.size() >= held_max)
    held_.clear();
  held_[log] = {count, newest};
}

void log_ledger::removed(const std::string& log, std::uint64_t count) {
  std::lock_guard lock{mutex_};
  if (const auto known = held_.find(log); known != held_.end())
    known->second.count -= std::min(known->second.count, count);
}

} // namespace lapwing::postgres
