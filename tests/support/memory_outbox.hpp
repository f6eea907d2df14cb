// An outbox in memory that answers before it returns, and fails on demand. Held to the same contract
// as the databases' (tests/storage/outbox_contract.hpp).
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/outbox.hpp"

namespace lapwing {

class memory_outbox final : public outbox_store {
public:
  struct row {
    outbox_item item;
    std::string state = "waiting";
    std::uint64_t claim_count = 0;
    std::uint32_t attempt_count = 0;
    std::optional<timestamp> due;
    std::optional<timestamp> ended;
    timestamp queued{};
    std::string cause;
  };

  bool down = false;           ///< Every call is errc::store_unavailable, without an effect.
  std::size_t lost_settles = 0; ///< So many settlements have their effect, but no good answer.
  std::size_t claims = 0;      ///< Calls of claim().
  std::function<void()> meanwhile; ///< Called once, when a claim is made and not answered yet.

  void put(const outbox_item& item) {
    if (std::ranges::any_of(rows_, [&](const auto& one) { return one.second.item.key == item.key; }))
      return;
    rows_[++newest_] = {item, "waiting", 0, 0, item.queued_at, {}, item.queued_at, {}};
  }
  const std::map<std::uint64_t, row>& rows() const noexcept { return rows_; }
  std::size_t count(const std::string& state) const {
    return static_cast<std::size_t>(std::ranges::count_if(
      rows_, [&](const auto& one) { return one.second.state == state; }));
  }

  void claim(std::string kind, timestamp now, timestamp until, std::size_t limit,
             callback<outbox_claims> done) override {
    ++claims;
    if (down)
      return done(away());
    std::vector<std::pair<timestamp, std::uint64_t>> waiting;
    for (const auto& [id, one] : rows_)
      if (one.item.kind == kind && one.due)
        waiting.emplace_back(*one.due, id);
    std::ranges::sort(waiting);
    outbox_claims found;
    for (const auto& [due, id] : waiting) {
      if ((due > now && due <= now + due_horizon) || found.entries.size() == limit) {
        if (!found.next_due)
          found.next_due = due;
        continue;
      }
      auto& one = rows_[id];
      one.state = "sending";
      one.due = until;
      found.entries.push_back(
        {id, ++one.claim_count, one.item.key, one.item.body, one.attempt_count, one.queued});
    }
    if (auto call = std::exchange(meanwhile, nullptr))
      call();
    done(std::move(found));
  }

  void settle(std::uint64_t id, std::uint64_t claim, outbox_outcome how,
              callback<bool> done) override {
    if (down)
      return done(away());
    auto at = rows_.find(id);
    if (at == rows_.end() || at->second.state != "sending" || at->second.claim_count != claim)
      return done(false);
    auto& one = at->second;
    using fate = outbox_outcome::fate;
    one.state = how.what == fate::sent ? "sent" : how.what == fate::dead ? "dead" : "waiting";
    one.attempt_count += how.counts ? 1 : 0;
    one.due.reset();
    one.ended.reset();
    (how.what == fate::again ? one.due : one.ended) = how.what == fate::again ? how.due : how.ended_at;
    one.cause = how.cause;
    if (how.what == fate::sent)
      one.item.body = "{}";
    if (lost_settles > 0) {
      --lost_settles;
      return done(away());
    }
    done(true);
  }

  void report(std::string kind, std::size_t letters_max, callback<outbox_report> done) override {
    if (down)
      return done(away());
    outbox_report out;
    for (auto at = rows_.rbegin(); at != rows_.rend(); ++at) {
      const auto& [id, one] = *at;
      if (one.item.kind != kind)
        continue;
      out.waiting += one.due ? 1 : 0;
      if (one.state != "dead")
        continue;
      ++out.dead;
      if (out.letters.size() < letters_max)
        out.letters.push_back({id, one.item.user.str(), one.attempt_count, one.cause,
                               one.item.queued_at, one.ended.value_or(timestamp{})});
    }
    done(std::move(out));
  }

  void resend(std::string kind, std::optional<std::uint64_t> id, timestamp now,
              std::size_t limit, callback<std::size_t> done) override {
    if (down)
      return done(away());
    std::size_t count = 0;
    for (auto& [each, one] : rows_) {
      if (one.item.kind != kind || one.state != "dead" || (id && *id != each) || count == limit)
        continue;
      one.state = "waiting";
      one.due = one.queued = now;
      one.ended.reset();
      one.attempt_count = 0;
      one.cause.clear();
      ++count;
    }
    done(count);
  }

  void trim(std::string kind, timestamp before, std::size_t limit,
            callback<std::size_t> done) override {
    if (down)
      return done(away());
    std::vector<std::pair<timestamp, std::uint64_t>> old;
    for (const auto& [id, one] : rows_)
      if (one.item.kind == kind && one.ended && *one.ended < before)
        old.emplace_back(*one.ended, id);
    std::ranges::sort(old);
    old.resize(std::min(old.size(), limit));
    for (const auto& [ended, id] : old)
      rows_.erase(id);
    done(old.size());
  }

private:
  static error away() { return {errc::store_unavailable, "down"}; }

  std::map<std::uint64_t, row> rows_;
  std::uint64_t newest_ = 0;
};

} // namespace lapwing
