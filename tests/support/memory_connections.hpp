// A connection store in memory that answers before it returns: for simulations of months, where a
// disk would be what is measured. The contract itself is tested on the real stores. Of most items
// only the key is kept: a thousand people bring forth more than a million a month.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/connection_store.hpp"

namespace lapwing {

class memory_connections final : public connection_store {
public:
  /// Every call fails with store_unavailable while this is set.
  bool down = false;
  /// Only writes fail: a full disk.
  bool full = false;
  std::uint64_t writes = 0;
  std::uint64_t due_questions = 0;
  std::uint64_t items_stored = 0;
  /// Items that somebody meant to store although they were there: announced twice.
  std::uint64_t items_again = 0;

  /// Items of this type are kept whole: others are read for what is in them.
  void keep_whole(std::string data_type) { whole_.push_back(std::move(data_type)); }

  /// The part of append_request::with.
  void apply(const sync_effect& effect) {
    auto* at = find(effect.of);
    if (at == nullptr)
      return;
    auto& known = at->items[effect.data_type];
    bool is_whole = std::ranges::find(whole_, effect.data_type) != whole_.end();
    for (const auto& item : effect.items) {
      bool is_new = known.insert(item.key).second;
      ++(is_new ? items_stored : items_again);
      if (is_new && is_whole)
        at->whole[effect.data_type].push_back(item);
    }
    set_progress(*at, effect.progress);
    at->row.at.last_sync = effect.progress.last_poll;
    set_due_of(*at, effect.next_due);
  }
  std::size_t item_count(const connection_key& of, const std::string& type) const {
    const auto* all = items_of(of, type);
    return all == nullptr ? 0 : all->size();
  }
  bool has_item(const connection_key& of, const std::string& type, const std::string& key) const {
    const auto* all = items_of(of, type);
    return all != nullptr && all->contains(key);
  }
  template <class Visit>
  void for_each_key(const connection_key& of, const std::string& type, Visit visit) const {
    if (const auto* all = items_of(of, type))
      for (const auto& key : *all)
        visit(key);
  }
  std::optional<timestamp> soonest() const {
    std::optional<timestamp> first;
    for (const auto& [platform, all] : due_)
      if (!all.empty() && (!first || all.begin()->first.first < *first))
        first = all.begin()->first.first;
    return first;
  }
  const loaded_connection* peek(const connection_key& of) const {
    auto at = rows_.find(name(of));
    return at == rows_.end() ? nullptr : &at->second.row;
  }

  void put_oauth_state(oauth_state state, callback<bool> done) override {
    if (refuse(done))
      return;
    states_[state.state] = std::move(state);
    done(true);
  }
  void take_oauth_state(std::string state, timestamp now,
                        callback<std::optional<oauth_state>> done) override {
    if (refuse(done))
      return;
    auto at = states_.extract(state);
    if (at.empty() || at.mapped().expires_at <= now)
      return done(std::optional<oauth_state>{});
    done(std::optional{std::move(at.mapped())});
  }
  void connect(connection fresh, timestamp due, callback<std::uint64_t> done) override {
    if (refuse(done))
      return;
    auto& at = rows_[name({fresh.user, fresh.platform})];
    if (at.order == 0)
      at.order = rows_.size();
    const auto& before = at.row.at.account;
    if (!before.empty() && !fresh.account.empty() && before != fresh.account) {
      at.row.polls.clear();
      at.row.registrations.clear();
    }
    fresh.token_version = at.row.at.token_version + 1;
    fresh.status = connection_status::connected;
    at.row.at = std::move(fresh);
    set_due_of(at, due);
    done(at.row.at.token_version);
  }
  void load(connection_key which, callback<std::optional<loaded_connection>> done) override {
    if (refuse(done))
      return;
    auto* at = find(which);
    done(at ? std::optional{at->row} : std::nullopt);
  }
  void list(user_id user, callback<std::vector<loaded_connection>> done) override {
    if (refuse(done))
      return;
    std::vector<loaded_connection> out;
    for (auto& [key, at] : rows_)
      if (at.row.at.user == user) {
        out.push_back(at.row);
        out.back().at.tokens.access_token.clear();
        out.back().at.tokens.refresh_token.clear();
      }
    done(std::move(out));
  }
  void note_refresh(connection_key which, refresh_note what, callback<bool> done) override {
    change(which, done, [&](entry& at) {
      auto& row = at.row.at;
      if (row.token_version != what.version || row.refresh_began != what.seen || is_over(row))
        return false;
      row.refresh_began = what.began;
      row.refresh_memory = std::move(what.memory);
      return true;
    });
  }
  void save_tokens(connection_key which, std::uint64_t expected, token_set tokens,
                   timestamp next_due, callback<bool> done) override {
    change(which, done, [&](entry& at) {
      if (at.row.at.token_version != expected
          || at.row.at.status == connection_status::disconnected)
        return false;
      if (tokens.refresh_token.empty())
        tokens.refresh_token = at.row.at.tokens.refresh_token;
      at.row.at.tokens = std::move(tokens);
      ++at.row.at.token_version;
      at.row.at.refresh_began.reset();
      set_due_of(at, next_due);
      return true;
    });
  }
  void save_status(connection_key which, connection_status status, std::string cause,
                   std::string message, callback<bool> done) override {
    change(which, done, [&](entry& at) {
      at.row.at.status = status;
      at.row.at.cause = std::move(cause);
      at.row.at.message = std::move(message);
      if (status == connection_status::needs_reauth)
        forget_due(at);
      return true;
    });
  }
  void save_progress(connection_key which, poll_progress progress, timestamp next_due,
                     callback<bool> done) override {
    change(which, done, [&](entry& at) {
      set_progress(at, progress);
      if (progress.failure_count == 0)
        at.row.at.last_sync = progress.last_poll;
      set_due_of(at, next_due);
      return true;
    });
  }
  void unknown_keys(connection_key which, std::string data_type, std::vector<std::string> keys,
                    callback<std::vector<std::string>> done) override {
    if (refuse(done))
      return;
    if (const auto* all = items_of(which, data_type))
      std::erase_if(keys, [&](const std::string& key) { return all->contains(key); });
    done(std::move(keys));
  }
  void save_registration(connection_key which, registration what, timestamp next_due,
                         callback<bool> done) override {
    change(which, done, [&](entry& at) {
      auto& all = at.row.registrations;
      auto old = std::ranges::find(all, what.resource, &registration::resource);
      if (old == all.end())
        all.push_back(std::move(what));
      else
        *old = std::move(what);
      set_due_of(at, next_due);
      return true;
    });
  }
  void remove_registration(connection_key which, std::string resource,
                           callback<bool> done) override {
    change(which, done, [&](entry& at) {
      return std::erase_if(at.row.registrations,
                           [&](auto& one) { return one.resource == resource; }) > 0;
    });
  }
  void disconnect(connection_key which, callback<bool> done) override {
    change(which, done, [&](entry& at) {
      at.row.at.tokens = {};
      ++at.row.at.token_version;
      at.row.at.refresh_began.reset();
      at.row.at.refresh_memory.clear();
      at.row.at.status = connection_status::disconnected;
      at.row.polls.clear();
      at.row.registrations.clear();
      forget_due(at);
      return true;
    });
  }
  void due(platform_id platform, timestamp until, std::size_t limit,
           callback<std::vector<connection_key>> done) override {
    ++due_questions;
    if (refuse(done))
      return;
    std::vector<connection_key> out;
    const auto& all = due_[platform.str()];
    for (auto at = all.begin(); at != all.end() && at->first.first <= until && out.size() < limit;
         ++at)
      out.push_back({at->second->row.at.user, platform});
    for (auto at = all.upper_bound({until + due_horizon, SIZE_MAX});
         at != all.end() && out.size() < limit; ++at)
      out.push_back({at->second->row.at.user, platform});
    done(std::move(out));
  }
  void set_due(connection_key which, timestamp due, callback<bool> done) override {
    change(which, done, [&](entry& at) {
      set_due_of(at, due);
      return true;
    });
  }
  void items(connection_key which, std::string data_type, std::string after, std::size_t limit,
             callback<stored_items> done) override {
    if (refuse(done))
      return;
    // The newest first; `after` says how many came before.
    stored_items page;
    const auto* at = find(which);
    auto all = at == nullptr ? whole_map::const_iterator{} : at->whole.find(data_type);
    if (at != nullptr && all != at->whole.end()) {
      const auto& list = all->second;
      auto from = after.empty() ? std::size_t{0} : static_cast<std::size_t>(std::stoul(after));
      for (auto i = from; i < list.size() && page.items.size() < limit; ++i) {
        const auto& one = list[list.size() - 1 - i];
        page.items.push_back({one.key, data_type, {}, one.json});
      }
      if (from + page.items.size() < list.size())
        page.next = std::to_string(from + page.items.size());
    }
    done(std::move(page));
  }
  void reencrypt(std::size_t, callback<std::size_t> done) override { done(std::size_t{0}); }

private:
  using item_keys = std::unordered_set<std::string>;
  using whole_map = std::map<std::string, std::vector<polled_item>>;
  struct entry {
    loaded_connection row;
    std::optional<timestamp> due;
    std::size_t order = 0; ///< Of arrival: what is due at the same time comes in this order.
    std::map<std::string, item_keys> items;
    whole_map whole; ///< In the order of arrival.
  };
  static std::string name(const connection_key& of) {
    return of.user.str() + '/' + of.platform.str();
  }
  static bool is_over(const connection& row) noexcept {
    return row.status == connection_status::needs_reauth
           || row.status == connection_status::disconnected;
  }
  entry* find(const connection_key& of) {
    auto at = rows_.find(name(of));
    return at == rows_.end() ? nullptr : &at->second;
  }
  const item_keys* items_of(const connection_key& of, const std::string& type) const {
    auto at = rows_.find(name(of));
    if (at == rows_.end())
      return nullptr;
    auto all = at->second.items.find(type);
    return all == at->second.items.end() ? nullptr : &all->second;
  }
  template <class Done>
  bool refuse(const Done& done) const {
    if (down)
      done(error{errc::store_unavailable, "down"});
    return down;
  }
  template <class How>
  void change(const connection_key& which, const callback<bool>& done, How how) {
    if (down || full)
      return done(error{errc::store_unavailable, down ? "down" : "full"});
    auto* at = find(which);
    if (at == nullptr)
      return done(error{errc::not_found, "no such connection"});
    ++writes;
    done(how(*at));
  }
  static void set_progress(entry& at, const poll_progress& progress) {
    auto& polls = at.row.polls;
    auto old = std::ranges::find(polls, progress.endpoint, &poll_progress::endpoint);
    if (old == polls.end())
      polls.push_back(progress);
    else
      *old = progress;
  }
  void forget_due(entry& at) {
    if (at.due)
      due_[at.row.at.platform.str()].erase({*at.due, at.order});
    at.due.reset();
  }
  void set_due_of(entry& at, timestamp when) {
    if (at.due == when)
      return;
    forget_due(at);
    at.due = when;
    due_[at.row.at.platform.str()].emplace(std::pair{when, at.order}, &at);
  }

  std::map<std::string, oauth_state> states_;
  std::unordered_map<std::string, entry> rows_; ///< Its entries stay where they are.
  std::vector<std::string> whole_;
  /// By platform; the order tells equals apart.
  std::map<std::string, std::map<std::pair<timestamp, std::size_t>, entry*>> due_;
};

} // namespace lapwing
