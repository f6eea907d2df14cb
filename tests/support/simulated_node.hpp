// Connection drivers over a simulated world, on a clock that is moved: the part of a node that keeps
// users connected, without threads, sockets and disks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "platforms/drive/connection_driver.hpp"
#include "platforms/drive/traffic_control.hpp"
#include "platforms/oauth/token_answer.hpp"
#include "platforms/spec_loader.hpp"
#include "sim/chance.hpp"
#include "sim/direct_client.hpp"
#include "sim/world.hpp"
#include "tests/support/memory_connections.hpp"

namespace lapwing {

class simulated_node {
public:
  struct moved_clock final : wall_clock {
    timestamp at{};
    timestamp now() const override { return at; }
  };

  simulated_node(sim::world& world, std::vector<platform_spec> platforms, std::uint64_t seed)
      : platforms_(std::move(platforms)), world_(world), http_(world), luck_(seed),
        traffic_(platforms_, clock_, [this] { return chance(); },
                 [this](std::chrono::milliseconds wait, std::function<void()> call) {
                   later(wait, std::move(call));
                 }) {
    clock_.at = world.now();
    ports_ = {&store_, &http_, &traffic_, ""};
    http_.answer_through([this](std::chrono::milliseconds latency, std::function<void()> call) {
      later(latency, std::move(call));
    });
  }

  memory_connections& store() noexcept { return store_; }
  timestamp now() const noexcept { return clock_.at; }
  std::map<std::string, std::uint64_t> events;          ///< By type.
  std::map<std::string, std::uint64_t> statuses;        ///< connection_status, by status.

  double chance() { return luck_.unit(); }

  /// The person agrees: tokens are stored as after a code exchange.
  void connect(sim::platform where, const std::string& user) {
    const auto& spec = spec_of(where);
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
    store_.connect(std::move(fresh), now(), [](const result<std::uint64_t>&) {});
    wake({user_id{user}, spec.name}, connection_work::connected);
  }

  void wake(const connection_key& of, connection_work work) {
    auto& home = homes_[of.user.str() + '/' + of.platform.str()];
    if (!home)
      home = std::make_unique<home_of_one>(*this, of);
    if (home->busy && work == connection_work::due)
      return;
    home->busy = true;
    home->driver.run(work, [at = home.get()](const result<bool>&) { at->busy = false; });
  }

  /// The process is gone, with all it had in mind; the store remains.
  void crash() {
    homes_.clear();
    agenda_ = {};
    scan_due_ = now();
  }

  void run_until(timestamp end) {
    while (clock_.at < end) {
      auto next = std::min(end, scan_due_);
      if (!agenda_.empty())
        next = std::min(next, agenda_.top().at);
      clock_.at = std::max(clock_.at, next);
      world_.advance(clock_.at);
      while (!agenda_.empty() && agenda_.top().at <= clock_.at) {
        auto call = agenda_.top().call;
        agenda_.pop();
        call();
      }
      if (scan_due_ <= clock_.at) {
        scan_due_ = clock_.at + std::chrono::seconds{60};
        store_.due(clock_.at, 100'000, [this](const result<std::vector<connection_key>>& due) {
          if (due)
            for (const auto& one : *due)
              wake(one, connection_work::due);
        });
      }
    }
  }

private:
  struct home_of_one final : driver_host {
    home_of_one(simulated_node& node, connection_key of)
        : in(node), driver(of, node.spec_of(of.platform), node.ports_, *this) {}

    timestamp now() const override { return in.clock_.at; }
    double chance() override { return in.chance(); }
    poster make_poster() override {
      // As a mailbox does it: not within the caller's call.
      return [this, alive = std::weak_ptr<bool>{alive}](std::function<void()> call) {
        if (alive.lock())
          in.later(std::chrono::milliseconds{0}, [alive, call = std::move(call)] {
            if (alive.lock())
              call();
          });
      };
    }
    void after(std::chrono::milliseconds delay, std::function<void()> call) override {
      in.later(delay, [alive = std::weak_ptr<bool>{alive}, call = std::move(call)] {
        if (alive.lock())
          call();
      });
    }
    void publish(publish_request request,
                 std::function<void(result<publish_receipt>)> done) override {
      if (in.store_.down && !request.ephemeral)
        return done(error{errc::store_unavailable, "down"});
      ++in.events[request.draft.type];
      if (request.draft.type == "connection_status")
        ++in.statuses[request.draft.extras.substr(0, request.draft.extras.find(','))];
      if (request.with)
        in.store_.apply(*request.with);
      done(publish_receipt{});
    }
    bool watched() const override { return false; }

    simulated_node& in;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    connection_driver driver;
    bool busy = false;
  };

  struct appointment {
    timestamp at;
    std::uint64_t order;
    std::function<void()> call;
    bool operator<(const appointment& other) const {
      return at != other.at ? at > other.at : order > other.order; // The soonest on top.
    }
  };

  void later(std::chrono::milliseconds wait, std::function<void()> call) {
    agenda_.push({clock_.at + wait, ++order_, std::move(call)});
  }
  const platform_spec& spec_of(const platform_id& name) const {
    return *std::ranges::find(platforms_, name, &platform_spec::name);
  }
  const platform_spec& spec_of(sim::platform where) const {
    return spec_of(platform_id{sim::name_of(where)});
  }

  moved_clock clock_;
  std::vector<platform_spec> platforms_;
  sim::world& world_;
  sim::direct_client http_;
  memory_connections store_;
  sim::chance luck_;
  traffic_control traffic_;
  driver_ports ports_;
  std::priority_queue<appointment> agenda_;
  std::uint64_t order_ = 0;
  timestamp scan_due_{};
  std::unordered_map<std::string, std::unique_ptr<home_of_one>> homes_;
};

} // namespace lapwing
