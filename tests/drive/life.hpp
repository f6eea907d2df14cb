// People with their platforms connected to a node, played for a while, and the books at the end:
// what the world brought forth against what the node stored, both ways.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/caf_test.hpp"

#include "platforms/poll/schedule.hpp"
#include "tests/support/simulated_node.hpp"

namespace lapwing::drive_test {

using namespace std::chrono_literals;

/// How a life differs from the plain one: polled by the shipped files.
struct life_setup {
  bool webhooks = false;
  std::function<void(platform_spec&)> edit = nullptr;  ///< Of each platform.
  std::function<void(sim::world&)> before = nullptr;   ///< Before anybody is connected.
};

inline std::vector<platform_spec> shipped(const life_setup& setup = {}) {
  environment env;
  for (const char* name : {"SPOTIFY", "GOOGLE", "GITHUB", "DISCORD", "SLACK", "LINKEDIN"}) {
    std::string lower = name;
    for (char& c : lower)
      c = static_cast<char>(c | 0x20);
    env[std::string{name} + "_CLIENT_ID"] = "sim-" + lower + "-id";
    env[std::string{name} + "_CLIENT_SECRET"] = "sim-" + lower + "-secret";
  }
  auto loaded = load_platforms("", env);
  CAF_REQUIRE(loaded.ok());
  for (auto& platform : loaded.platforms) {
    fill_project(platform, "lapwing-sim");
    if (setup.edit)
      setup.edit(platform);
  }
  return std::move(loaded.platforms);
}

/// A world without limits of its own: faults and tests bring them.
inline sim::world_options unlimited(std::uint64_t seed = 7, double items_per_hour = 0.5) {
  sim::world_options options;
  options.seed = seed;
  options.items_per_hour = items_per_hour;
  options.spotify_calls_per_30s = 0;
  options.youtube_units_per_day = 0;
  return options;
}

/// What was found wrong, with some examples.
struct book_error {
  std::size_t produced = 0;
  std::size_t missing = 0;
  std::size_t extra = 0;
  std::vector<std::string> examples;
};

class life {
public:
  explicit life(unsigned users, std::vector<sim::platform> where, sim::world_options options,
                const life_setup& setup = {})
      : world(reachable(std::move(options), setup)), node(world, shipped(setup), 11),
        platforms(std::move(where)), begin(world.now()) {
    if (setup.webhooks)
      node.open_webhooks();
    if (setup.before)
      setup.before(world);
    for (unsigned i = 0; i < users; ++i) {
      names.push_back("user-" + std::to_string(i));
      world.add_user(names.back());
      for (auto at : platforms)
        node.connect(at, names.back());
    }
  }

  const platform_spec& spec(sim::platform where) const {
    return *std::ranges::find(node.platforms(), platform_id{sim::name_of(where)},
                              &platform_spec::name);
  }
  static connection_key key(sim::platform where, const std::string& user) {
    return {user_id{user}, platform_id{sim::name_of(where)}};
  }

  /// What is read for one user: endpoints, each as often as it has resources.
  std::size_t readings(sim::platform where, const endpoint_spec& endpoint) const {
    if (endpoint.resources_from.empty())
      return 1;
    return world.resources(where, names.front()).size();
  }
  std::size_t readings(sim::platform where) const {
    std::size_t out = 0;
    for (const auto& endpoint : spec(where).poll.endpoints)
      out += readings(where, endpoint);
    return out;
  }
  std::chrono::seconds period(sim::platform where, const endpoint_spec& endpoint) const {
    auto schedule = poll_schedule::make(endpoint.schedule.value_or(spec(where).poll.schedule));
    return schedule->period(world.now());
  }
  std::chrono::seconds longest_period(sim::platform where) const {
    std::chrono::seconds out{0};
    for (const auto& endpoint : spec(where).poll.endpoints)
      out = std::max(out, period(where, endpoint));
    return out;
  }
  /// Calls of one user in a day, as the schedules say.
  double calls_a_day(sim::platform where) const {
    double out = 0;
    for (const auto& endpoint : spec(where).poll.endpoints)
      out += 86400.0 / static_cast<double>(period(where, endpoint).count())
             * static_cast<double>(readings(where, endpoint));
    return out;
  }
  std::uint64_t calls(sim::platform where) const { return world.stats().of(where).calls; }
  std::uint64_t refresh_calls(sim::platform where) const {
    return world.stats().of(where, "token").calls;
  }

  /// For so long every request to the platform's API, and with `tokens` to its token endpoint, meets
  /// the fault. Endpoints are those that were called so far.
  void break_all(sim::platform where, sim::fault what, std::chrono::milliseconds time, bool tokens) {
    what.where = where;
    what.from = node.now();
    what.until = node.now() + time;
    if (tokens)
      return world.add_fault(std::move(what));
    for (const auto& [key, counted] : world.stats().endpoints) {
      if (key.first != where || key.second == "token" || key.second == "revoke")
        continue;
      what.endpoint = key.second;
      world.add_fault(what);
    }
  }

  /// What goes on in an hour; the bounds hold for each.
  struct hour_counts {
    std::map<sim::platform, std::uint64_t> calls;
    std::map<sim::platform, std::uint64_t> refreshes;
    std::uint64_t wakes = 0;
    std::uint64_t steps = 0;
    std::uint64_t all_calls() const {
      std::uint64_t out = 0;
      for (const auto& [where, count] : calls)
        out += count;
      for (const auto& [where, count] : refreshes)
        out += count;
      return out;
    }
  };
  hour_counts run_hour() {
    hour_counts before = count();
    node.run_for(1h);
    hour_counts after = count();
    for (auto where : platforms) {
      after.calls[where] -= before.calls[where];
      after.refreshes[where] -= before.refreshes[where];
    }
    after.wakes -= before.wakes;
    after.steps -= before.steps;
    // No busy loop, whatever happens: a connection is woken at most at every look at the store, and
    // what runs is in proportion to what is asked and woken.
    CAF_CHECK(after.wakes <= 61 * names.size() * platforms.size());
    CAF_CHECK(after.steps <= 40 * (after.all_calls() + after.wakes) + 4000);
    return after;
  }

  /// Everything the platform brought forth between the connecting and `until` must be stored, and
  /// nothing may be stored that it never brought forth.
  book_error compare(sim::platform where, const std::string& user, timestamp until) {
    book_error out;
    auto note = [&](std::string_view what, const std::string& type, const std::string& item) {
      if (out.examples.size() < 3)
        out.examples.push_back(std::string{what} + ' ' + type + ' ' + item);
    };
    auto of = key(where, user);
    std::map<std::string, std::set<std::string>> known; // By data type: everything there ever was.
    for (const auto& item : world.produced(where, user)) {
      auto type = data_type_of(where, item.endpoint);
      auto name = key_of(where, user, type, item);
      known[type].insert(name);
      if (item.at <= begin || item.at > until)
        continue;
      ++out.produced;
      // Of two changes of a profile between two polls only the last is there to be read, and its key
      // is a digest: all that can be asked is that something was kept.
      bool is_there = where == sim::platform::linkedin ? node.store().item_count(of, type) > 0
                                                       : node.store().has_item(of, type, name);
      if (!is_there) {
        ++out.missing;
        note("missed", type, name + " of " + to_rfc3339(item.at));
      }
    }
    for (const auto& [type, names_of_type] : known) {
      if (where == sim::platform::linkedin) {
        // One for the profile as it was, one for each change.
        auto most = names_of_type.size() + 1;
        out.extra += node.store().item_count(of, type) > most ? 1 : 0;
        continue;
      }
      node.store().for_each_key(of, type, [&, &type = type,
                                           &all = names_of_type](const std::string& name) {
        if (all.contains(name))
          return;
        ++out.extra;
        note("invented", type, name);
      });
    }
    return out;
  }

  /// From an item to its being stored, shortest first, of those between the two times.
  std::vector<std::chrono::milliseconds> latencies(timestamp since,
                                                   timestamp until = timestamp::max()) const {
    std::vector<std::chrono::milliseconds> out;
    for (auto where : platforms)
      for (const auto& user : names)
        for (const auto& item : world.produced(where, user, since)) {
          if (item.at > until)
            continue;
          auto type = data_type_of(where, item.endpoint);
          auto at = node.stored_at.find(user + '/' + std::string{sim::name_of(where)} + '/' + type
                                        + '/' + key_of(where, user, type, item));
          if (at != node.stored_at.end())
            out.push_back(at->second - item.at);
        }
    std::ranges::sort(out);
    return out;
  }

  /// The books of all, and that nothing was announced twice.
  void check_books(timestamp until) {
    std::size_t produced = 0;
    for (auto where : platforms) {
      book_error sum;
      for (const auto& user : names) {
        auto one = compare(where, user, until);
        sum.produced += one.produced;
        sum.missing += one.missing;
        sum.extra += one.extra;
        for (const auto& what : one.examples)
          CAF_MESSAGE(sim::name_of(where) << " " << user << " " << what);
      }
      CAF_MESSAGE(sim::name_of(where) << ": " << sum.produced << " items, " << sum.missing
                                      << " missing, " << sum.extra << " extra");
      CAF_CHECK_EQUAL(sum.missing, 0u);
      CAF_CHECK_EQUAL(sum.extra, 0u);
      produced += sum.produced;
    }
    CAF_CHECK(produced > 0);
    CAF_CHECK_EQUAL(node.store().items_again, 0u);
  }

  /// Nobody has to connect again, and no request was sent with a token that was no good.
  void check_tokens(bool may_limp = false) {
    for (auto where : platforms) {
      const auto& counted = world.stats().of(where);
      CAF_CHECK_EQUAL(counted.invalid_tokens, 0u);
      CAF_CHECK_EQUAL(counted.reuse_detected, 0u);
      CAF_CHECK_EQUAL(counted.refreshes_refused, 0u);
    }
    check_connected(may_limp);
  }
  /// `may_limp`: webhooks are broken on purpose, so that they may be doubted.
  void check_connected(bool may_limp = false) {
    CAF_CHECK_EQUAL(node.statuses["\"status\":\"needs_reauth\""], 0u);
    for (auto where : platforms)
      for (const auto& user : names) {
        const auto* row = node.store().peek(key(where, user));
        CAF_REQUIRE(row != nullptr);
        if (may_limp && row->at.status == connection_status::degraded)
          continue;
        if (row->at.status != connection_status::connected)
          CAF_MESSAGE(sim::name_of(where) << " " << user << " " << row->at.cause);
        CAF_CHECK(row->at.status == connection_status::connected);
      }
  }

  sim::world world;
  simulated_node node;
  std::vector<std::string> names;
  std::vector<sim::platform> platforms;
  timestamp begin;

private:
  static sim::world_options reachable(sim::world_options options, const life_setup& setup) {
    if (setup.webhooks)
      simulated_postman::enter_addresses(options);
    return options;
  }

  hour_counts count() const {
    hour_counts out;
    for (auto where : platforms) {
      out.calls[where] = calls(where);
      out.refreshes[where] = refresh_calls(where);
    }
    out.wakes = node.wakes;
    out.steps = node.steps;
    return out;
  }

  /// The simulator names what it shows by the provider's own word.
  static std::string data_type_of(sim::platform where, const std::string& shown) {
    if (where == sim::platform::gmail)
      return "messages";
    return shown == "playlist_items" ? "uploads" : shown;
  }
  std::string key_of(sim::platform where, const std::string& user, const std::string& type,
                     const sim::produced_item& item) const {
    std::string out;
    if (type == "uploads") // The playlist is part of the key.
      out = "UU" + world.resources(where, user).front().substr(2);
    for (const auto& part : item.key)
      out += (out.empty() ? "" : "|") + part;
    return out;
  }
};

inline std::vector<sim::platform> everywhere() {
  return {sim::all_platforms.begin(), sim::all_platforms.end()};
}

} // namespace lapwing::drive_test
