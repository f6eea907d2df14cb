// Connection drivers over a simulated world, on a clock that is moved: the part of a node that keeps
// users connected, without threads, sockets and disks.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "platforms/drive/connection_driver.hpp"
#include "platforms/drive/traffic_control.hpp"
#include "platforms/oauth/token_answer.hpp"
#include "platforms/spec_loader.hpp"
#include "sim/chance.hpp"
#include "sim/direct_client.hpp"
#include "sim/world.hpp"
#include "tests/support/memory_connections.hpp"
#include "tests/support/simulated_postman.hpp"

namespace lapwing {

/// Two times: the true one, by which the world lives and timers run, and the node's wall clock, which
/// may be wrong.
class simulated_node {
public:
  simulated_node(sim::world& world, std::vector<platform_spec> platforms, std::uint64_t seed)
      : platforms_(std::move(platforms)), world_(world), http_(world), luck_(seed),
        true_time_(world.now()), scan_due_(world.now()) {
    clock_.at = true_time_;
    ports_ = {&store_, &http_, nullptr, "", [this] { return secret(); }};
    forget_traffic();
    http_.answer_through([this](std::chrono::milliseconds latency, std::function<void()> call) {
      later(latency, std::move(call));
    });
    for (const auto& platform : platforms_) {
      auto keep_source = [this](const std::string& path) {
        if (!path.empty())
          store_.keep_whole(path.substr(0, path.find('.')));
      };
      keep_source(platform.registration.resources_from);
      for (const auto& endpoint : platform.poll.endpoints)
        keep_source(endpoint.resources_from);
    }
  }
  simulated_node(const simulated_node&) = delete;
  simulated_node& operator=(const simulated_node&) = delete;

  memory_connections& store() noexcept { return store_; }
  const std::vector<platform_spec>& platforms() const noexcept { return platforms_; }
  timestamp now() const noexcept { return true_time_; }
  /// From now on the wall clock is wrong by so much, until it is set again.
  void set_clock_wrong_by(std::chrono::milliseconds error) {
    wrong_by_ = error;
    clock_.at = true_time_ + wrong_by_;
  }

  std::map<std::string, std::uint64_t> events;          ///< By type.
  std::map<std::string, std::uint64_t> statuses;        ///< connection_status, by status.
  std::uint64_t duplicate_deliveries = 0;
  bool record_times = false; ///< When each item was stored: stored_at.
  std::unordered_map<std::string, timestamp> stored_at; ///< "user/platform/type/key".
  std::unordered_set<std::string> watching;             ///< Users with a stream open.
  std::uint64_t steps = 0; ///< Whatever ran: a busy loop would show here.
  std::uint64_t wakes = 0; ///< Connections that were looked at.

  /// Providers reach the node from now on: webhooks are registered, and what they send arrives. To be
  /// called before anything is connected, with a world of simulated_postman::enter_addresses.
  void open_webhooks() {
    ports_.public_url = simulated_postman::node_url;
    simulated_postman::calls calls;
    calls.owner_of = [this](const account& who) -> std::optional<connection_key> {
      auto at = owners_.find(who.platform.str() + '/' + who.name);
      return at == owners_.end() ? std::nullopt
                                 : std::optional{connection_key{at->second, who.platform}};
    };
    calls.secret_of = [this](const connection_key& of) {
      if (const auto* row = store_.peek(of))
        for (const auto& one : row->registrations)
          if (!one.secret.empty())
            return one.secret;
      return std::string{};
    };
    calls.store = [this](const connection_key& of, const webhook_delivery& what) {
      return take_delivery(of, what);
    };
    calls.misdelivered = [this](const connection_key& of, std::string registration) {
      home_of(of).driver.saw_bad_delivery(registration);
    };
    calls.hub = [this](const connection_key& of, hub_word word, std::function<void(bool)> done) {
      home_of(of).driver.heard_hub(std::move(word), [done](const result<bool>& wanted) {
        done(wanted && *wanted);
      });
    };
    postman_ = std::make_unique<simulated_postman>(world_, std::move(calls));
  }
  std::map<std::string, std::uint64_t> refused_deliveries() const {
    return postman_ ? postman_->refused : std::map<std::string, std::uint64_t>{};
  }

  std::string secret() {
    std::string out;
    while (out.size() < 43)
      out += std::to_string(luck_.next());
    return out.substr(0, 43);
  }

  double chance() { return luck_.unit(); }

  /// The person agrees: tokens are stored as after a code exchange.
  void connect(sim::platform where, const std::string& user) {
    const auto& spec = spec_of(where);
    auto got = world_.grant(where, user);
    connection fresh;
    fresh.user = user_id{user};
    fresh.platform = spec.name;
    fresh.account = world_.account_name(where, user);
    fresh.granted_at = clock_.at;
    fresh.tokens.access_token = got.access;
    fresh.tokens.refresh_token = got.refresh;
    fresh.tokens.expires_at = got.expires_at ? std::optional{*got.expires_at + wrong_by_}
                                             : std::nullopt;
    fresh.tokens.grant_expires_at = grant_end(spec.oauth, fresh.tokens, clock_.at);
    owners_.insert_or_assign(spec.name.str() + '/' + fresh.account, fresh.user);
    store_.connect(std::move(fresh), clock_.at, [](const result<std::uint64_t>&) {});
    wake({user_id{user}, spec.name}, connection_work::connected);
  }

  void wake(const connection_key& of, connection_work work) {
    auto& home = home_of(of);
    if (home.busy && work == connection_work::due)
      return;
    ++wakes;
    home.busy = true;
    home.driver.run(work, [at = &home](const result<bool>&) { at->busy = false; });
  }

  /// The process is gone, with all it had in mind; the store remains.
  void crash() {
    homes_.clear();
    ready_.clear();
    agenda_.clear();
    forget_traffic();
    scan_due_ = true_time_;
  }

  void run_until(timestamp end) {
    while (true) {
      run_ready();
      if (scan_due_ <= true_time_) {
        scan();
        continue;
      }
      if (true_time_ >= end)
        return;
      auto next = std::min(end, scan_due_);
      if (!agenda_.empty())
        next = std::min(next, agenda_.front().at);
      // What comes into being is told of at once.
      if (auto event = postman_ ? world_.next_due() : std::nullopt)
        next = std::min(next, *event);
      true_time_ = std::max(true_time_, next);
      clock_.at = true_time_ + wrong_by_;
      world_.advance(true_time_);
      take_post();
      while (!agenda_.empty() && agenda_.front().at <= true_time_) {
        std::pop_heap(agenda_.begin(), agenda_.end());
        ready_.push_back(std::move(agenda_.back().call));
        agenda_.pop_back();
      }
    }
  }
  /// The machine is suspended: the world goes on, timers stand still.
  void sleep(std::chrono::milliseconds time) {
    true_time_ += time;
    for (auto& one : agenda_)
      one.at += time;
    scan_due_ += time;
    clock_.at = true_time_ + wrong_by_;
    world_.advance(true_time_);
  }
  void run_for(std::chrono::milliseconds time) { run_until(true_time_ + time); }

private:
  struct home_of_one final : driver_host {
    home_of_one(simulated_node& node, connection_key of)
        : in(node), user(of.user.str()), driver(of, node.spec_of(of.platform), node.ports_, *this) {}

    timestamp now() const override { return in.clock_.at; }
    double chance() override { return in.chance(); }
    poster make_poster() override {
      // As a mailbox does it: not within the caller's call.
      return [&node = in, alive = std::weak_ptr<bool>{alive}](std::function<void()> call) {
        node.ready_.push_back([alive, call = std::move(call)] {
          if (!alive.expired())
            call();
        });
      };
    }
    void after(std::chrono::milliseconds delay, std::function<void()> call) override {
      in.later(delay, [alive = std::weak_ptr<bool>{alive}, call = std::move(call)] {
        if (!alive.expired())
          call();
      });
    }
    void publish(publish_request request,
                 std::function<void(result<publish_receipt>)> done) override {
      if ((in.store_.down || in.store_.full) && !request.ephemeral)
        return done(error{errc::store_unavailable, "down"});
      ++in.events[request.draft.type];
      if (request.draft.type == "connection_status")
        ++in.statuses[request.draft.extras.substr(0, request.draft.extras.find(','))];
      if (request.with)
        in.keep(*request.with);
      done(publish_receipt{});
    }
    bool watched() const override { return in.watching.contains(user); }

    simulated_node& in;
    const std::string user;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    connection_driver driver;
    bool busy = false;
  };

  home_of_one& home_of(const connection_key& of) {
    auto& home = homes_[of.user.str() + '/' + of.platform.str()];
    if (!home)
      home = std::make_unique<home_of_one>(*this, of);
    return *home;
  }

  void keep(const sync_effect& effect) {
    if (record_times)
      for (const auto& item : effect.items)
        stored_at.emplace(effect.of.user.str() + '/' + effect.of.platform.str() + '/'
                            + effect.data_type + '/' + item.key,
                          true_time_);
    store_.apply(effect);
  }

  void take_post() {
    if (!postman_)
      return;
    for (auto& one : world_.take_deliveries())
      postman_->carry(one, [this, id = one.id](const http_response& answer) {
        world_.report(id, answer);
      });
  }

  /// As a home does it: stored once, and only then acknowledged and acted on.
  bool take_delivery(const connection_key& of, const webhook_delivery& what) {
    if (store_.down || store_.full)
      return false;
    auto name = of.user.str() + '/' + what.source + '/' + what.delivery_id;
    if (!what.delivery_id.empty() && !deliveries_.insert(std::move(name)).second) {
      ++duplicate_deliveries;
      return true;
    }
    ++events[what.draft.type];
    const auto& hook = spec_of(of.platform).webhook;
    home_of(of).driver.saw_delivery();
    if (hook.scheme == "google-oidc" || hook.scheme == "channel-token")
      wake(of, connection_work::hint);
    if (std::ranges::find(hook.ends_grant, what.event) != hook.ends_grant.end())
      wake(of, connection_work::doubt);
    return true;
  }

  struct appointment {
    timestamp at;
    std::uint64_t order;
    std::function<void()> call;
    bool operator<(const appointment& other) const {
      return at != other.at ? at > other.at : order > other.order; // The soonest on top.
    }
  };

  void forget_traffic() {
    traffic_ = std::make_unique<traffic_control>(
      platforms_, clock_, [this] { return chance(); },
      [this](std::chrono::milliseconds wait, std::function<void()> call) {
        later(wait, std::move(call));
      });
    ports_.traffic = traffic_.get();
  }
  void later(std::chrono::milliseconds wait, std::function<void()> call) {
    if (wait <= std::chrono::milliseconds{0})
      return ready_.push_back(std::move(call));
    agenda_.push_back({true_time_ + wait, ++order_, std::move(call)});
    std::push_heap(agenda_.begin(), agenda_.end());
  }
  void run_ready() {
    while (!ready_.empty()) {
      ++steps;
      auto call = std::move(ready_.front());
      ready_.pop_front();
      call();
    }
  }
  void scan() {
    scan_due_ = true_time_ + std::chrono::seconds{60};
    for (const auto& platform : platforms_)
      store_.due(platform.name, clock_.at, 100'000,
                 [this](const result<std::vector<connection_key>>& due) {
                   if (due)
                     for (const auto& one : *due)
                       wake(one, connection_work::due);
                 });
  }
  const platform_spec& spec_of(const platform_id& name) const {
    return *std::ranges::find(platforms_, name, &platform_spec::name);
  }
  const platform_spec& spec_of(sim::platform where) const {
    return spec_of(platform_id{sim::name_of(where)});
  }

  struct wrong_clock final : wall_clock {
    timestamp at{};
    timestamp now() const override { return at; }
  };

  wrong_clock clock_;
  const std::vector<platform_spec> platforms_;
  sim::world& world_;
  sim::direct_client http_;
  memory_connections store_;
  sim::chance luck_;
  timestamp true_time_;
  std::chrono::milliseconds wrong_by_{0};
  timestamp scan_due_;
  std::deque<std::function<void()>> ready_;
  std::vector<appointment> agenda_; ///< A heap.
  std::uint64_t order_ = 0;
  std::unique_ptr<traffic_control> traffic_;
  driver_ports ports_;
  std::unique_ptr<simulated_postman> postman_;
  std::unordered_map<std::string, user_id> owners_;    ///< "platform/account".
  std::unordered_set<std::string> deliveries_;         ///< "user/source/delivery id".
  std::unordered_map<std::string, std::unique_ptr<home_of_one>> homes_;
};

} // namespace lapwing
