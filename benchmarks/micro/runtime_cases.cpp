// The cases of docs/adr/0001 and 0002.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <malloc.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "benchmarks/micro/runner.hpp"

namespace lapwing::bench {
namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

const std::vector<policy> every{std::begin(all_policies), std::end(all_policies)};

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

double heap_bytes() {
  auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

/// The child process ends by _exit: no need to end actors one by one.
world& make_world(policy with, std::size_t threads) { return *new world{with, threads}; }

/// `pairs` pairs send `hops` messages to and fro each; messages a second over all. The members of
/// a pair live `apart` homes apart.
double ping_pong(policy with, std::size_t threads, std::size_t pairs, int hops,
                 std::size_t apart) {
  auto& w = make_world(with, threads);
  auto& done = *new std::latch{static_cast<std::ptrdiff_t>(pairs)};
  std::vector<caf::actor> first;
  for (std::size_t i = 0; i < pairs; ++i) {
    auto behavior = [&done](auto* self) -> caf::behavior {
      auto peer = std::make_shared<caf::actor>();
      return {[peer](const caf::actor& other) { *peer = other; },
              [&done, self, peer](int left) {
                if (left > 0)
                  self->send(*peer, left - 1);
                else
                  done.count_down();
              }};
    };
    auto ping = w.spawn(i, behavior);
    auto pong = w.spawn(i + apart, behavior);
    caf::anon_send(ping, pong);
    caf::anon_send(pong, ping);
    first.push_back(ping);
  }
  auto start = clock::now();
  for (auto& actor : first)
    caf::anon_send(actor, hops);
  done.wait();
  return static_cast<double>(pairs) * hops / seconds_since(start);
}

/// One actor sends one shared message to each of 100,000, until half a second has passed;
/// deliveries a second.
double fan_out(policy with, std::size_t threads, bool one_home) {
  constexpr std::size_t receivers = 100'000;
  auto& w = make_world(with, threads);
  auto& left = *new std::atomic<std::size_t>{0};
  auto& round_done = *new std::atomic<bool>{false};
  std::vector<caf::actor> targets;
  targets.reserve(receivers);
  for (std::size_t i = 0; i < receivers; ++i)
    targets.push_back(w.spawn(one_home ? 0 : i, [&](auto*) -> caf::behavior {
      return {[&](int) {
        if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
          round_done = true;
          round_done.notify_one();
        }
      }};
    }));
  auto hub = w.spawn(0, [&targets](auto* self) -> caf::behavior {
    return {[self, &targets](caf::ok_atom) {
      auto message = caf::make_message(1);
      for (auto& target : targets)
        self->send(target, message);
    }};
  });
  auto play_round = [&] {
    left = receivers;
    round_done = false;
    caf::anon_send(hub, caf::ok_atom_v);
    round_done.wait(false);
  };
  // With stealing a round takes seconds: then one is enough.
  auto warm_up = clock::now();
  play_round();
  if (seconds_since(warm_up) > 2)
    return receivers / seconds_since(warm_up);
  std::size_t rounds = 0;
  auto start = clock::now();
  for (; seconds_since(start) < 0.5; ++rounds)
    play_round();
  return static_cast<double>(rounds * receivers) / seconds_since(start);
}

/// From an outside thread over an actor to the far end of a socket: {p50, p99} in microseconds.
/// With a scheduler of ours the actor writes where the socket lives, or posts there when it has no
/// home; with CAF's it posts to the one I/O thread.
std::vector<double> to_socket(policy with, std::size_t threads, std::chrono::microseconds gap,
                              std::size_t count) {
  auto& w = make_world(with, threads);
  auto* ours = w.scheduler();
  auto& own = *new asio::io_context{1};
  auto work = asio::make_work_guard(own);
  std::thread own_thread;
  if (!ours)
    own_thread = std::thread{[&] { own.run(); }};
  auto& io = ours ? ours->io(0) : own;
  auto& far_io = *new asio::io_context{1};
  auto& near = *new asio::local::stream_protocol::socket{io};
  auto& far = *new asio::local::stream_protocol::socket{far_io};
  asio::local::connect_pair(near, far);
  auto actor = w.spawn(0, [&](auto*) -> caf::behavior {
    return {[&](std::int64_t sent) {
      auto bytes = std::make_shared<std::int64_t>(sent);
      auto write = [&near, bytes] {
        asio::async_write(near, asio::buffer(bytes.get(), sizeof *bytes),
                          [bytes](auto, auto) {});
      };
      if (w.pinned())
        write();
      else
        asio::post(io, write);
    }};
  });
  std::vector<double> taken;
  for (std::size_t i = 0; i < count; ++i) {
    if (gap > 0us)
      std::this_thread::sleep_for(gap);
    caf::anon_send(actor, std::int64_t{clock::now().time_since_epoch().count()});
    std::int64_t sent = 0;
    asio::read(far, asio::buffer(&sent, sizeof sent));
    taken.push_back(static_cast<double>(clock::now().time_since_epoch().count() - sent) / 1e3);
  }
  std::sort(taken.begin(), taken.end());
  auto result = std::vector{taken[count / 2], taken[count * 99 / 100]};
  own_thread.joinable() ? own_thread.detach() : void();
  return result;
}

/// One million delayed messages of 1,000 actors: {set a second, heap bytes each, delivered a
/// second once all are due}.
std::vector<double> timers(policy with, std::size_t threads) {
  constexpr std::size_t actors = 1'000;
  constexpr int each = 1'000;
  auto& w = make_world(with, threads);
  auto& set = *new std::latch{actors};
  auto& fired = *new std::latch{actors};
  std::vector<caf::actor> all;
  auto due = clock::now() + 2500ms;
  for (std::size_t i = 0; i < actors; ++i)
    all.push_back(w.spawn(i, [&, due](auto* self) -> caf::behavior {
      return {[&, self, due](caf::ok_atom) {
                for (int n = 0; n < each; ++n)
                  self->scheduled_send(self, due, n);
                set.count_down();
              },
              [&, left = each](int) mutable {
                if (--left == 0)
                  fired.count_down();
              }};
    }));
  auto before = heap_bytes();
  auto start = clock::now();
  for (auto& actor : all)
    caf::anon_send(actor, caf::ok_atom_v);
  set.wait();
  auto set_seconds = seconds_since(start);
  auto bytes = (heap_bytes() - before) / (actors * each);
  fired.wait();
  return {actors * each / set_seconds, bytes, actors * each / seconds_since(due)};
}

/// One million delayed messages from a thread outside, due in an hour; set a second.
double outside_timers(policy with, std::size_t threads) {
  constexpr int count = 1'000'000;
  auto& w = make_world(with, threads);
  auto actor = w.spawn(0, [](auto*) -> caf::behavior { return {[](int) {}}; });
  auto start = clock::now();
  for (int i = 0; i < count; ++i)
    caf::delayed_anon_send(actor, 1h, i);
  return count / seconds_since(start);
}

/// 200 requests of one actor under way, then all answered; 500 times; requests a second.
double requests(policy with, std::size_t threads) {
  static constexpr int count = 200;
  constexpr int rounds = 500;
  auto& w = make_world(with, threads);
  auto& done = *new std::promise<void>;
  auto server = w.spawn(0, [](auto*) -> caf::behavior { return {[](int x) { return x; }}; });
  auto client = w.spawn(0, [&done, server](auto* self) -> caf::behavior {
    return {[&done, server, self](int round) {
      auto left = std::make_shared<int>(count);
      for (int i = 0; i < count; ++i)
        self->request(server, 60s, i).then([&done, self, left, round](int) {
          if (--*left > 0)
            return;
          if (round > 1)
            self->send(self, round - 1);
          else
            done.set_value();
        });
    }};
  });
  auto start = clock::now();
  caf::anon_send(client, rounds);
  done.get_future().wait();
  return count * rounds / seconds_since(start);
}

struct idle_state {
  static inline const char* name = "idle";
  std::array<char, 48> content{};
};

using idle_actor = caf::typed_actor<caf::replies_to<int>::with<int>>;

/// 100,000 idle actors: {heap bytes each, spawned a second}. A typed stateful one with 48 bytes of
/// state and one handler.
std::vector<double> idle_actors(policy with, std::size_t threads) {
  constexpr std::size_t count = 100'000;
  auto& w = make_world(with, threads);
  std::vector<idle_actor> all;
  all.reserve(count);
  auto before = heap_bytes();
  auto start = clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    if (w.pinned())
      all.push_back(
        spawn_home(w.system(), {i % w.homes()},
                   [](stateful_metered_pointer<idle_actor, idle_state>)
                     -> idle_actor::behavior_type { return {[](int x) { return x; }}; }));
    else
      all.push_back(w.system().spawn(
        [](idle_actor::stateful_pointer<idle_state>) -> idle_actor::behavior_type {
          return {[](int x) { return x; }};
        }));
  }
  // All have had their first turn once the last of each thread answers.
  caf::scoped_actor self{w.system()};
  for (std::size_t i = count - 2 * threads; i < count; ++i)
    self->request(all[i], caf::infinite, 1).receive([](int) {}, [](caf::error&) {});
  auto seconds = seconds_since(start);
  return {(heap_bytes() - before) / count, count / seconds};
}

/// Idle actors that only a message which is due soon keeps alive, as fast as they can be made:
/// 200,000 of them; actors a second. Its receiver is gone, so the clock lets go of the actor. CAF's
/// clock thread then posts to its own queue of 64, and when that is full waits for itself.
double clock_stall(policy with, std::size_t threads) {
  constexpr int spawners = 4;
  constexpr int each = 50'000;
  auto& w = make_world(with, threads);
  auto gone = w.spawn(0, [](auto* self) -> caf::behavior {
    self->quit();
    return {[](const caf::actor&) {}};
  });
  w.system().await_all_actors_done();
  auto start = clock::now();
  for (std::size_t s = 0; s < spawners; ++s)
    caf::anon_send(w.spawn(s,
                           [gone](auto* self) -> caf::behavior {
                             return {[self, gone](int left) {
                               using self_pointer = decltype(self);
                               caf::actor child = self->spawn([](self_pointer) -> caf::behavior {
                                 return {[](int) {}};
                               });
                               self->delayed_send(gone, std::chrono::microseconds{left % 2000},
                                                  child);
                               if (left > 1)
                                 self->send(self, left - 1);
                               else
                                 self->quit();
                             }};
                           }),
                   each);
  w.system().await_all_actors_done();
  return spawners * each / seconds_since(start);
}

} // namespace

std::vector<bench_case> runtime_cases() {
  std::vector<bench_case> cases;
  cases.push_back({"ping-pong-1",
                   {{"ping-pong, 1 pair, one home", "messages/s"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return std::vector{ping_pong(with, threads, 1, 1'000'000, 0)};
                   }});
  cases.push_back({"ping-pong-apart",
                   {{"ping-pong, 1 pair, two homes", "messages/s"}},
                   {policy::pinned},
                   [](policy with, std::size_t threads) {
                     return std::vector{ping_pong(with, threads, 1, 50'000, 1)};
                   }});
  cases.push_back({"ping-pong-100",
                   {{"ping-pong, 100 pairs, one home a pair", "messages/s"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return std::vector{ping_pong(with, threads, 100, 20'000, 0)};
                   }});
  cases.push_back({"ping-pong-100-apart",
                   {{"ping-pong, 100 pairs, two homes a pair", "messages/s"}},
                   {policy::pinned},
                   [](policy with, std::size_t threads) {
                     return std::vector{ping_pong(with, threads, 100, 10'000, 1)};
                   }});
  cases.push_back({"fan-out",
                   {{"fan-out 1 to 100,000, all homes", "deliveries/s"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return std::vector{fan_out(with, threads, false)};
                   }});
  cases.push_back({"fan-out-home",
                   {{"fan-out 1 to 100,000, the sender's home", "deliveries/s"}},
                   {policy::pinned},
                   [](policy with, std::size_t threads) {
                     return std::vector{fan_out(with, threads, true)};
                   }});
  cases.push_back({"socket-busy",
                   {{"thread to actor to socket, back to back, p50", "us"},
                    {"thread to actor to socket, back to back, p99", "us"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return to_socket(with, threads, 0us, 20'000);
                   }});
  cases.push_back({"socket-1ms",
                   {{"thread to actor to socket, every 1 ms, p50", "us"},
                    {"thread to actor to socket, every 1 ms, p99", "us"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return to_socket(with, threads, 1ms, 1'500);
                   }});
  cases.push_back({"timers",
                   {{"1 M timers: set", "timers/s"},
                    {"1 M timers: heap with the message", "bytes"},
                    {"1 M timers: delivered when all are due", "timers/s"}},
                   every,
                   timers});
  cases.push_back({"timers-outside",
                   {{"1 M timers: set by a thread outside", "timers/s"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return std::vector{outside_timers(with, threads)};
                   }});
  cases.push_back({"requests",
                   {{"requests, 200 of one actor under way", "requests/s"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return std::vector{requests(with, threads)};
                   }});
  cases.push_back({"idle-actors",
                   {{"idle typed actor, 48 B of state", "bytes"}, {"spawn", "actors/s"}},
                   every,
                   idle_actors});
  cases.push_back({"clock-stall",
                   {{"actors kept alive by a timer only", "actors/s"}},
                   every,
                   [](policy with, std::size_t threads) {
                     return std::vector{clock_stall(with, threads)};
                   }});
  return cases;
}

} // namespace lapwing::bench
