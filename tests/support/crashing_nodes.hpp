// Nodes that share one store and one world and end in the middle of things: every step between a
// node and its store, or a provider, is a numbered point at which the process can be gone.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platforms/drive/connection_driver.hpp"
#include "platforms/drive/token_endpoints.hpp"
#include "platforms/drive/traffic_control.hpp"
#include "platforms/oauth/token_answer.hpp"
#include "platforms/spec_loader.hpp"
#include "sim/chance.hpp"
#include "sim/world.hpp"
#include "tests/support/memory_connections.hpp"

namespace lapwing {

/// The eight that ship with the simulator's clients; queues that no simulated hour has room for are
/// left out.
inline std::vector<platform_spec> shipped_platforms() {
  environment env;
  for (const char* name : {"SPOTIFY", "GOOGLE", "GITHUB", "DISCORD", "SLACK", "LINKEDIN"}) {
    std::string lower = name;
    for (char& c : lower)
      c = static_cast<char>(c | 0x20);
    env[std::string{name} + "_CLIENT_ID"] = "sim-" + lower + "-id";
    env[std::string{name} + "_CLIENT_SECRET"] = "sim-" + lower + "-secret";
  }
  auto loaded = load_platforms("", env);
  if (!loaded.ok())
    std::abort();
  for (auto& platform : loaded.platforms) {
    platform.limits.user_gap_min = platform.limits.user_gap_max = std::chrono::milliseconds{0};
    platform.limits.concurrency = 64;
  }
  return std::move(loaded.platforms);
}

class crashing_nodes {
public:
  using milliseconds = std::chrono::milliseconds;

  crashing_nodes(sim::world& world, std::vector<platform_spec> of, std::uint64_t seed)
      : platforms(std::move(of)), world_(world), luck_(seed) {
    clock_.at = world.now();
  }

  class node;

  const std::vector<platform_spec> platforms;
  memory_connections store;
  milliseconds store_latency{2};
  milliseconds way{20};            ///< To a provider, and back.
  milliseconds restart_after{100}; ///< From a crash to the next life.
  milliseconds scan_every{60'000};
  bool passivate = false; ///< Nothing of a connection stays in memory after a task.
  bool circuits = true;
  /// Answers instead of the world where it gives something.
  std::function<std::optional<http_response>(const http_request&)> instead;

  std::set<std::size_t> crash_at;        ///< Points, counted from 1.
  std::size_t points = 0;                ///< Passed so far.
  std::vector<std::string> crashed_in;   ///< What was under way.
  std::size_t token_requests = 0;        ///< That arrived.
  std::optional<timestamp> last_token_request;
  milliseconds closest_token_requests{std::chrono::hours{24}}; ///< Between any two that arrived.
  std::size_t tokens_given = 0;          ///< Refreshes that took effect.
  std::size_t tokens_kept = 0;           ///< save_tokens that took effect.
  std::size_t polls_put_off = 0;         ///< By the due time that tokens were stored with.
  std::map<std::string, std::size_t> told; ///< connection_status events by status, each once.
  std::vector<std::string> alarms;

  timestamp now() const noexcept { return clock_.at; }
  double chance() { return static_cast<double>(luck_.next() >> 11) * 0x1.0p-53; }

  const platform_spec& spec_of(const platform_id& name) const {
    return *std::ranges::find(platforms, name, &platform_spec::name);
  }

  /// The person agrees: tokens are stored as after a code exchange.
  connection_key connect(sim::platform where, const std::string& user) {
    const auto& spec = spec_of(platform_id{sim::name_of(where)});
    auto got = world_.grant(where, user);
    connection fresh;
    fresh.user = user_id{user};
    fresh.platform = spec.name;
    fresh.account = world_.account_name(where, user);
    fresh.granted_at = now();
    fresh.tokens.access_token = got.access;
    fresh.tokens.refresh_token = got.refresh;
    fresh.tokens.expires_at = got.expires_at;
    fresh.tokens.grant_expires_at = grant_end(spec.oauth, fresh.tokens, now());
    store.connect(std::move(fresh), now(), [](const result<std::uint64_t>&) {});
    return {user_id{user}, spec.name};
  }

  const connection& row(const connection_key& of) const { return store.peek(of)->at; }

  /// A process; it starts again after each crash.
  void start_node() {
    slots_.emplace_back();
    start(slots_.size() - 1);
  }
  node& at(std::size_t slot = 0) { return *slots_.at(slot); }

  void run_until(timestamp end) {
    while (clock_.at < end) {
      const auto next = agenda_.empty() ? end : std::min(end, agenda_.top().at);
      clock_.at = std::max(clock_.at, next);
      world_.advance(clock_.at);
      while (!agenda_.empty() && agenda_.top().at <= clock_.at) {
        auto call = agenda_.top().call;
        agenda_.pop();
        call();
        graveyard_.clear();
      }
    }
  }
  void run_for(milliseconds time) { run_until(now() + time); }

  void later(milliseconds wait, std::function<void()> call) {
    agenda_.push({clock_.at + wait, ++order_, std::move(call)});
  }

  class node {
  public:
    node(crashing_nodes& all, std::size_t slot)
        : in(all), traffic(all.platforms, all.clock_, [&all] { return all.chance(); },
                           [this](milliseconds wait, std::function<void()> call) {
                             later(wait, std::move(call));
                           }),
          endpoints(all.platforms,
                    [&all](token_circuit::news what, const std::string& title,
                           const std::string& code) {
                      all.alarms.push_back(std::to_string(static_cast<int>(what)) + ' ' + title
                                           + ' ' + code);
                    }),
          rows(*this), web(*this), slot_(slot) {
      ports = {&rows, &web, &traffic, "", {}, all.circuits ? &endpoints : nullptr};
      scan();
    }

    void wake(const connection_key& of, connection_work work) {
      auto& home = homes_[of.user.str() + '/' + of.platform.str()];
      if (!home)
        home = std::make_unique<home_of_one>(*this, of);
      if (home->busy && work == connection_work::due)
        return;
      home->busy = true;
      home->driver.run(work, [this, at = home.get(), of](const result<bool>&) {
        at->busy = false;
        if (in.passivate)
          later(milliseconds{0}, [this, of] {
            auto idle = homes_.find(of.user.str() + '/' + of.platform.str());
            if (idle != homes_.end() && !idle->second->busy)
              homes_.erase(idle);
          });
      });
    }

    /// Runs in this life only.
    void later(milliseconds wait, std::function<void()> call) {
      in.later(wait, [alive = std::weak_ptr<bool>{alive_}, call = std::move(call)] {
        if (alive.lock())
          call();
      });
    }

    bool dead() const noexcept { return dead_; }
    /// False: the process has just ended, here.
    bool point(const char* what) {
      if (dead_)
        return false;
      if (!in.crash_at.contains(++in.points))
        return true;
      in.crashed_in.push_back(what);
      dead_ = true;
      in.later(milliseconds{0}, [all = &in, slot = slot_] { all->bury(slot); });
      return false;
    }

    crashing_nodes& in;
    traffic_control traffic;
    token_endpoints endpoints;
    driver_ports ports;

    /// Where a driver lives, or a test that stands in for one.
    struct host : driver_host {
      explicit host(node& where) : on(where) {}
      timestamp now() const override { return on.in.clock_.at; }
      double chance() override { return on.in.chance(); }
      poster make_poster() override {
        return [this, alive = std::weak_ptr<bool>{alive}](std::function<void()> call) {
          if (alive.lock())
            after(milliseconds{0}, std::move(call));
        };
      }
      void after(milliseconds delay, std::function<void()> call) override {
        on.later(delay, [this, alive = std::weak_ptr<bool>{alive}, call = std::move(call)] {
          if (alive.lock() && !on.dead_)
            call();
        });
      }
      void publish(publish_request request,
                   std::function<void(result<publish_receipt>)> done) override {
        if (request.ephemeral)
          return done(publish_receipt{});
        on.through<publish_receipt>(
          "publish",
          [all = &on.in, request = std::move(request)](auto answer) { all->keep(request, answer); },
          [post = make_poster(), done = std::move(done)](result<publish_receipt> receipt) {
            post([done, receipt] { done(receipt); });
          });
      }
      bool watched() const override { return false; }

      node& on;
      std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    };

  private:
    friend class crashing_nodes;

    /// A call of the store: it may end before it takes effect, and before it is answered.
    template <class T>
    void through(const char* what, std::function<void(connection_store::callback<T>)> effect,
                 connection_store::callback<T> done) {
      if (!point(what))
        return;
      later(in.store_latency, [this, what, effect = std::move(effect), done = std::move(done)] {
        if (dead_)
          return;
        effect([this, what, done](result<T> answer) {
          if (point(what))
            later(in.store_latency, [this, done, answer = std::move(answer)]() mutable {
              if (!dead_)
                done(std::move(answer));
            });
        });
      });
    }

    class store_view final : public connection_store {
    public:
      explicit store_view(node& of) : on_(of) {}
      void put_oauth_state(oauth_state, callback<bool>) override { std::abort(); }
      void take_oauth_state(std::string, timestamp,
                            callback<std::optional<oauth_state>>) override {
        std::abort();
      }
      void connect(connection, timestamp, callback<std::uint64_t>) override { std::abort(); }
      void load(connection_key which, callback<std::optional<loaded_connection>> done) override {
        on_.through<std::optional<loaded_connection>>(
          "load", [=, this](auto answer) { real().load(which, std::move(answer)); },
          std::move(done));
      }
      void list(user_id user, callback<std::vector<loaded_connection>> done) override {
        on_.through<std::vector<loaded_connection>>(
          "list", [=, this](auto answer) { real().list(user, std::move(answer)); },
          std::move(done));
      }
      void note_refresh(connection_key which, refresh_note what, callback<bool> done) override {
        on_.through<bool>(
          "note_refresh",
          [=, this](auto answer) { real().note_refresh(which, what, std::move(answer)); },
          std::move(done));
      }
      void save_tokens(connection_key which, std::uint64_t expected, token_set tokens,
                       timestamp due, callback<bool> done) override {
        on_.through<bool>(
          "save_tokens",
          [=, this](auto answer) {
            for (const auto& poll : real().peek(which)->polls)
              on_.in.polls_put_off += due > std::max(poll.due, on_.in.now()) ? 1 : 0;
            real().save_tokens(which, expected, tokens, due, [=, this](result<bool> saved) {
              on_.in.tokens_kept += saved && *saved ? 1 : 0;
              answer(std::move(saved));
            });
          },
          std::move(done));
      }
      void save_status(connection_key which, connection_status status, std::string cause,
                       std::string message, callback<bool> done) override {
        on_.through<bool>(
          "save_status",
          [=, this](auto answer) {
            real().save_status(which, status, cause, message, std::move(answer));
          },
          std::move(done));
      }
      void save_progress(connection_key which, poll_progress progress, timestamp due,
                         callback<bool> done) override {
        on_.through<bool>(
          "save_progress",
          [=, this](auto answer) { real().save_progress(which, progress, due, std::move(answer)); },
          std::move(done));
      }
      void unknown_keys(connection_key which, std::string type, std::vector<std::string> keys,
                        callback<std::vector<std::string>> done) override {
        on_.through<std::vector<std::string>>(
          "unknown_keys",
          [=, this](auto answer) { real().unknown_keys(which, type, keys, std::move(answer)); },
          std::move(done));
      }
      void save_registration(connection_key, registration, timestamp, callback<bool>) override {
        std::abort();
      }
      void remove_registration(connection_key, std::string, callback<bool>) override {
        std::abort();
      }
      void disconnect(connection_key which, callback<bool> done) override {
        on_.through<bool>(
          "disconnect", [=, this](auto answer) { real().disconnect(which, std::move(answer)); },
          std::move(done));
      }
      void due(platform_id platform, timestamp until, std::size_t limit,
               callback<std::vector<connection_key>> done) override {
        real().due(std::move(platform), until, limit, std::move(done));
      }
      void set_due(connection_key which, timestamp due, callback<bool> done) override {
        on_.through<bool>(
          "set_due", [=, this](auto answer) { real().set_due(which, due, std::move(answer)); },
          std::move(done));
      }
      void items(connection_key which, std::string type, std::string after, std::size_t limit,
                 callback<stored_items> done) override {
        on_.through<stored_items>(
          "items",
          [=, this](auto answer) { real().items(which, type, after, limit, std::move(answer)); },
          std::move(done));
      }
      void reencrypt(std::size_t, callback<std::size_t>) override { std::abort(); }

    private:
      memory_connections& real() const { return on_.in.store; }
      node& on_;
    };

    /// A request that has left reaches the provider whatever becomes of its sender.
    class web_view final : public http_client {
    public:
      explicit web_view(node& of) : on_(of) {}
      void send(http_request request, callback done) override {
        if (!on_.point("send"))
          return;
        on_.in.later(on_.in.way, [all = &on_.in, life = std::weak_ptr<bool>{on_.alive_}, on = &on_,
                                  request = std::move(request), done = std::move(done)]() mutable {
          auto [answer, wait] = all->ask(request);
          // The answer is on its way; who asked may be gone.
          if (!life.lock() || !on->point("answer"))
            return;
          on->later(all->way + wait, [on, answer = std::move(answer), done]() mutable {
            if (!on->dead_)
              done(std::move(answer));
          });
        });
      }

    private:
      node& on_;
    };

    struct home_of_one final : host {
      home_of_one(node& where, const connection_key& of)
          : host(where), driver(of, where.in.spec_of(of.platform), where.ports, *this) {}
      connection_driver driver;
      bool busy = false;
    };

    void scan() {
      for (const auto& platform : in.platforms)
        rows.due(platform.name, in.now(), 100'000,
                 [this](const result<std::vector<connection_key>>& due) {
                   if (due)
                     for (const auto& one : *due)
                       wake(one, connection_work::due);
                 });
      later(in.scan_every, [this] {
        if (!dead_)
          scan();
      });
    }

    store_view rows;
    web_view web;
    std::size_t slot_;
    bool dead_ = false;
    std::unordered_map<std::string, std::unique_ptr<home_of_one>> homes_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

private:
  struct moved_clock final : wall_clock {
    timestamp at{};
    timestamp now() const override { return at; }
  };
  struct appointment {
    timestamp at;
    std::uint64_t order;
    std::function<void()> call;
    bool operator<(const appointment& other) const {
      return at != other.at ? at > other.at : order > other.order; // The soonest on top.
    }
  };

  void start(std::size_t slot) { slots_[slot] = std::make_unique<node>(*this, slot); }

  void bury(std::size_t slot) {
    slots_[slot]->alive_.reset();
    graveyard_.push_back(std::move(slots_[slot]));
    later(restart_after, [this, slot] { start(slot); });
  }

  std::pair<result<http_response>, milliseconds> ask(const http_request& request) {
    const bool for_tokens = request.body.find("grant_type=refresh_token") != std::string::npos;
    if (for_tokens) {
      ++token_requests;
      if (last_token_request)
        closest_token_requests = std::min(closest_token_requests, now() - *last_token_request);
      last_token_request = now();
    }
    if (instead)
      if (auto answer = instead(request))
        return {std::move(*answer), milliseconds{0}};
    auto got = world_.answer(request);
    if (for_tokens && got.response.body.find("\"access_token\"") != std::string::npos)
      ++tokens_given;
    if (got.way == sim::transport::silent || got.latency >= request.timeout)
      return {error{errc::upstream_unavailable, "no answer in time"}, request.timeout};
    if (got.way == sim::transport::broken)
      return {error{errc::upstream_unavailable, "the connection ended early"}, got.latency};
    return {std::move(got.response), got.latency};
  }

  void keep(const publish_request& request,
            const connection_store::callback<publish_receipt>& done) {
    if (store.down)
      return done(error{errc::store_unavailable, "down"});
    const auto name = request.target.name + '/' + request.source + '/' + request.delivery_id;
    const bool fresh = request.delivery_id.empty() || deliveries_.insert(name).second;
    if (fresh && request.draft.type == "connection_status") {
      const auto& text = request.draft.extras; // "status":"...","reason":"..."
      const auto from = text.find(":\"") + 2;
      ++told[text.substr(from, text.find('"', from) - from)];
    }
    if (fresh && request.with)
      store.apply(*request.with);
    publish_receipt receipt;
    receipt.duplicate = !fresh;
    done(receipt);
  }

  sim::world& world_;
  moved_clock clock_;
  sim::chance luck_;
  std::priority_queue<appointment> agenda_;
  std::uint64_t order_ = 0;
  std::set<std::string> deliveries_;
  std::vector<std::unique_ptr<node>> slots_;
  std::vector<std::unique_ptr<node>> graveyard_;
};

} // namespace lapwing
