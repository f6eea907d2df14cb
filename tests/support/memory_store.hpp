// An event store in memory whose answers come when the test says so, and which fails on demand in
// the two ways a database can: without having written, and after having written.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/store.hpp"
#include "tests/support/memory_outbox.hpp"

namespace lapwing::test {

class memory_store final : public event_store {
public:
  enum class fault { none, refuse, lose_answer };

  /// Applied to the next appends, one for each; then none.
  std::deque<fault> append_faults;
  bool down = false;        ///< Everything is errc::store_unavailable.
  bool immediate = false;   ///< Answers come within the call.
  std::size_t appends = 0;  ///< Batches.
  memory_outbox outgoing;   ///< What events brought along.

  /// Lets every call that is waiting, and those that their answers cause, take effect.
  std::size_t run() {
    std::size_t count = 0;
    for (; !calls_.empty(); ++count) {
      auto call = std::move(calls_.front());
      calls_.pop_front();
      call();
    }
    return count;
  }
  bool idle() const { return calls_.empty(); }

  std::vector<event_ptr> all(const log_id& log) const {
    std::vector<event_ptr> list;
    auto at = logs_.find(to_key(log));
    if (at != logs_.end())
      for (auto& [seq, row] : at->second.rows)
        list.push_back(row.item);
    return list;
  }
  bool has_user(const std::string& user) const { return users_.contains(user); }
  /// Removes events up to and including `seq`.
  void trim_to(const log_id& log, sequence seq) {
    auto& it = logs_[to_key(log)];
    it.rows.erase(it.rows.begin(), it.rows.upper_bound(seq));
    it.trimmed = seq;
  }

  void append(std::vector<append_request> batch,
              callback<std::vector<append_result>> done) override {
    ++appends;
    later([this, batch = std::move(batch), done] {
      auto wrong = fault::none;
      if (!append_faults.empty()) {
        wrong = append_faults.front();
        append_faults.pop_front();
      }
      if (down || wrong == fault::refuse)
        return done(error{errc::store_unavailable, "refused by the test"});
      std::vector<append_result> results;
      for (auto& request : batch)
        results.push_back(put(request));
      if (wrong == fault::lose_answer)
        return done(error{errc::store_unavailable, "answer lost by the test"});
      done(std::move(results));
    });
  }

  void read(log_id log, sequence after, std::size_t limit,
            callback<event_range> done) override {
    later([this, log = std::move(log), after, limit, done] {
      if (down)
        return done(error{errc::store_unavailable, "down"});
      event_range range;
      auto& it = logs_[to_key(log)];
      range.trimmed = it.trimmed;
      for (auto at = it.rows.upper_bound(after); at != it.rows.end() && range.events.size() < limit;
           ++at)
        range.events.push_back(at->second.item);
      done(std::move(range));
    });
  }

  void find(log_id log, sequence seq, callback<event_ptr> done) override {
    later([this, log = std::move(log), seq, done] {
      auto& rows = logs_[to_key(log)].rows;
      auto at = rows.find(seq);
      done(at == rows.end() ? event_ptr{} : at->second.item);
    });
  }

  void open(log_id log, callback<log_state> done) override {
    later([this, log = std::move(log), done] {
      if (down)
        return done(error{errc::store_unavailable, "down"});
      auto& it = logs_[to_key(log)];
      log_state state;
      state.trimmed = it.trimmed;
      state.newest = it.rows.empty() ? it.trimmed : it.rows.rbegin()->first;
      state.known = log.kind != log_kind::user || users_.contains(log.name);
      done(state);
    });
  }

  void put_user(user_id user, std::vector<account> accounts, callback<bool> done) override {
    later([this, user = std::move(user), accounts = std::move(accounts), done] {
      if (down)
        return done(error{errc::store_unavailable, "down"});
      users_.insert(user.str());
      for (auto& one : accounts)
        accounts_[one.platform.str() + '\n' + one.name] = user;
      done(true);
    });
  }

  void find_account(account which, callback<std::optional<user_id>> done) override {
    later([this, which = std::move(which), done] {
      auto at = accounts_.find(which.platform.str() + '\n' + which.name);
      done(at == accounts_.end() ? std::optional<user_id>{} : std::optional{at->second});
    });
  }

  void trim(retention_rule, callback<retention_step> done) override {
    later([done] { done(retention_step{}); });
  }
  void check(callback<bool> done) override {
    later([this, done] { done(!down); });
  }

private:
  struct stored_row {
    event_ptr item;
    std::string key;
  };
  struct stored_log {
    std::map<sequence, stored_row> rows;
    sequence trimmed = 0;
  };

  void later(std::function<void()> call) {
    if (immediate)
      call();
    else
      calls_.push_back(std::move(call));
  }

  append_result put(const append_request& request) {
    auto& it = logs_[to_key(request.item->log)];
    if (request.outgoing)
      outgoing.put(*request.outgoing);
    if (request.item->log.kind == log_kind::user)
      users_.insert(request.item->log.name);
    std::string key;
    if (!request.delivery_id.empty()) {
      key = request.source + '\n' + request.delivery_id;
      for (auto& [seq, old] : it.rows)
        if (old.key == key)
          return {append_outcome::duplicate, seq};
    }
    it.rows[request.item->seq] = {request.item, key};
    return {append_outcome::stored, request.item->seq};
  }

  std::deque<std::function<void()>> calls_;
  std::map<std::string, stored_log> logs_;
  std::set<std::string> users_;
  std::map<std::string, user_id> accounts_;
};

} // namespace lapwing::test
