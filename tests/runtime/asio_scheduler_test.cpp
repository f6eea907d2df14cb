// Actors on real threads beside sockets: order, homes, wake-ups, fairness, start and stop.
#define CAF_SUITE asio_scheduler
#include "tests/support/caf_test.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <caf/blocking_actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/runtime/asio_scheduler.hpp"
#include "actors/runtime/metered.hpp"
#include "actors/runtime/runtime_config.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;

/// Long enough for a loaded machine; only a lost wake-up or a deadlock takes it all.
constexpr auto patience = 60s;

struct world {
  explicit world(std::size_t threads) : config{runtime_options{threads, 50, {}}} {}

  runtime_config config;
  caf::actor_system sys{config};
  asio_scheduler& sched = asio_scheduler::of(sys);
};

void kill(const caf::actor& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); }

/// Reads and writes one byte to and fro between two sockets until `rounds` are done.
struct echo_pair {
  asio::local::stream_protocol::socket left;
  asio::local::stream_protocol::socket right;
  std::array<char, 1> at_left{};
  std::array<char, 1> at_right{};
  int rounds;
  std::promise<void> done;

  echo_pair(asio::io_context& io, int count) : left(io), right(io), rounds(count) {
    asio::local::connect_pair(left, right);
  }
  void serve() {
    asio::async_read(right, asio::buffer(at_right), [this](auto failed, auto) {
      if (!failed)
        asio::async_write(right, asio::buffer(at_right), [this](auto, auto) { serve(); });
    });
  }
  void ask() {
    if (rounds-- == 0)
      return done.set_value();
    asio::async_write(left, asio::buffer(at_left), [this](auto, auto) {
      asio::async_read(left, asio::buffer(at_left), [this](auto, auto) { ask(); });
    });
  }
};

} // namespace

CAF_TEST(the system runs on as many threads as asked for and knows them) {
  world w{3};
  CAF_CHECK_EQUAL(w.sched.size(), 3u);
  CAF_CHECK_EQUAL(home_count(w.sys), 3u);
  CAF_CHECK_EQUAL(w.sched.current(), asio_scheduler::npos);
  CAF_CHECK_EQUAL(current_home(w.sys), any_home);
  for (std::size_t i = 0; i < 3; ++i) {
    std::promise<std::size_t> where;
    asio::post(w.sched.io(i), [&] { where.set_value(current_home(w.sys)); });
    CAF_CHECK_EQUAL(where.get_future().get(), i);
  }
}

CAF_TEST(one system does not take another ones threads for its own) {
  world a{1};
  world b{1};
  std::promise<std::size_t> where;
  asio::post(a.sched.io(0), [&] { where.set_value(b.sched.current()); });
  CAF_CHECK_EQUAL(where.get_future().get(), asio_scheduler::npos);
}

CAF_TEST(messages of one sender arrive in order however many send) {
  constexpr int senders = 6;
  constexpr int each = 20'000;
  std::promise<bool> ordered;
  world w{2};
  auto receiver = spawn_home(w.sys, {1}, [&](metered_pointer<caf::actor>) -> caf::behavior {
    auto next = std::make_shared<std::array<int, senders>>();
    auto left = std::make_shared<int>(senders * each);
    return {[&, next, left](int sender, int number) {
      auto& expected = (*next)[static_cast<std::size_t>(sender)];
      if (number != expected)
        ordered.set_value(false);
      ++expected;
      if (--*left == 0)
        ordered.set_value(true);
    }};
  });
  // Half of them outside threads, half actors at both homes.
  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender) {
    if (sender % 2 == 0)
      threads.emplace_back([&, sender] {
        for (int number = 0; number < each; ++number)
          caf::anon_send(receiver, sender, number);
      });
    else
      caf::anon_send(spawn_home(w.sys, {static_cast<std::size_t>(sender / 2 % 2)},
                                [=](metered_pointer<caf::actor> self) -> caf::behavior {
                                  return {[=](int number) {
                                    self->send(receiver, sender, number);
                                    if (number + 1 < each)
                                      self->send(self, number + 1);
                                    else
                                      self->quit();
                                  }};
                                }),
                     0);
  }
  auto result = ordered.get_future();
  CAF_CHECK(result.wait_for(patience) == std::future_status::ready && result.get());
  for (auto& thread : threads)
    thread.join();
  kill(receiver);
}

CAF_TEST(an actor only ever runs on the thread of its home) {
  constexpr std::size_t homes = 3;
  constexpr std::size_t actors = 30;
  constexpr int hops = 3'000;
  std::atomic<int> strays{0};
  std::latch done{actors};
  std::vector<caf::actor> ring;
  world w{homes};
  for (std::size_t i = 0; i < actors; ++i)
    ring.push_back(
      spawn_home(w.sys, {i % homes}, [&, i](metered_pointer<caf::actor> self) -> caf::behavior {
        auto check = [&, self, i] {
          if (w.sched.current() != i % homes || self->home() != i % homes)
            ++strays;
        };
        check();
        self->set_down_handler([check](caf::down_msg&) { check(); });
        return {[&, self, check, i](int left) {
                  check();
                  if (left == 0)
                    return done.count_down();
                  auto target = (i * 7 + static_cast<std::size_t>(left)) % actors;
                  self->send(ring[target], left - 1);
                  // Timers and answers come home too.
                  if (left % 100 == 0) {
                    self->run_after(1ms, check);
                    self->request(ring[target], 10s, true).then([check](bool) { check(); });
                  }
                },
                [check](bool value) {
                  check();
                  return value;
                }};
      }));
  for (std::size_t i = 0; i < actors; ++i)
    caf::anon_send(ring[i], hops);
  done.wait();
  CAF_CHECK_EQUAL(strays, 0);
  for (auto& actor : ring)
    kill(actor);
  w.sys.await_all_actors_done();
  ring.clear();
}

CAF_TEST(a child without a home of its own lives at its parents) {
  std::promise<std::size_t> where;
  world w{2};
  auto parent = spawn_home(w.sys, {1}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&, self](int) {
      self->spawn([&](metered_pointer<caf::actor> child) { where.set_value(child->home()); });
      self->quit();
    }};
  });
  caf::anon_send(parent, 1);
  CAF_CHECK_EQUAL(where.get_future().get(), 1u);
}

CAF_TEST(no wake up from another thread is ever lost) {
  // The hard case is an idle thread: one message, its answer, one message, ...
  world w{2};
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      caf::scoped_actor self{w.sys};
      auto echo = spawn_home(w.sys, {t % 2}, [](metered_pointer<caf::actor>) -> caf::behavior {
        return {[](int x) { return x; }};
      });
      for (int i = 0; i < 3'000; ++i)
        self->request(echo, patience, i)
          .receive([&](int x) { answered += x == i; }, [](caf::error&) {});
      self->send_exit(echo, caf::exit_reason::kill);
    });
  for (auto& thread : threads)
    thread.join();
  CAF_CHECK_EQUAL(answered, 12'000);
}

CAF_TEST(messages between two homes are not lost either) {
  std::promise<void> done;
  world w{2};
  auto pong = spawn_home(w.sys, {1}, [](metered_pointer<caf::actor>) -> caf::behavior {
    return {[](int x) { return x; }};
  });
  auto ping = spawn_home(w.sys, {0}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&, self](int left) {
      if (left == 0)
        return done.set_value();
      self->send(pong, left - 1);
    }};
  });
  caf::anon_send(ping, 5'000);
  CAF_CHECK(done.get_future().wait_for(patience) == std::future_status::ready);
  kill(ping);
  kill(pong);
}

CAF_TEST(sockets get their turn while actors are busy without end) {
  std::atomic<bool> stop{false};
  world w{1};
  for (int i = 0; i < 200; ++i)
    caf::anon_send(spawn_home(w.sys, {0},
                              [&](metered_pointer<caf::actor> self) -> caf::behavior {
                                return {[&, self](int x) {
                                  if (stop)
                                    return self->quit();
                                  self->send(self, x + 1);
                                }};
                              }),
                   0);
  echo_pair pair{w.sched.io(0), 500};
  asio::post(w.sched.io(0), [&] {
    pair.serve();
    pair.ask();
  });
  CAF_CHECK(pair.done.get_future().wait_for(patience) == std::future_status::ready);
  stop = true;
  std::promise<void> closed;
  asio::post(w.sched.io(0), [&] {
    pair.left.close();
    pair.right.close();
    asio::post(w.sched.io(0), [&] { closed.set_value(); }); // After the cancelled read.
  });
  closed.get_future().wait();
}

CAF_TEST(actors get their turn while handlers are busy without end) {
  std::atomic<bool> stop{false};
  std::promise<void> done;
  std::function<void()> spin;
  world w{1};
  spin = [&] {
    if (!stop)
      asio::post(w.sched.io(0), [&] { spin(); });
  };
  for (int i = 0; i < 10; ++i)
    asio::post(w.sched.io(0), [&] { spin(); });
  auto counter = spawn_home(w.sys, {0}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&, self](int left) {
      if (left == 0) {
        done.set_value();
        self->quit();
      } else {
        self->send(self, left - 1);
      }
    }};
  });
  caf::anon_send(counter, 10'000);
  CAF_CHECK(done.get_future().wait_for(patience) == std::future_status::ready);
  stop = true;
}

CAF_TEST(one busy actor does not keep its neighbours from running) {
  std::atomic<bool> stop{false};
  world w{1};
  auto busy = spawn_home(w.sys, {0}, [&](metered_pointer<caf::actor> self) -> caf::behavior {
    return {[&, self](int x) {
      if (stop)
        return self->quit();
      self->send(self, x); // Two for one: its mailbox only grows.
      if (x > 0)
        self->send(self, x - 1);
    }};
  });
  caf::anon_send(busy, 1'000'000);
  caf::scoped_actor self{w.sys};
  auto echo = spawn_home(w.sys, {0}, [](metered_pointer<caf::actor>) -> caf::behavior {
    return {[](int x) { return x; }};
  });
  int answers = 0;
  for (int i = 0; i < 50; ++i)
    self->request(echo, patience, i).receive([&](int) { ++answers; }, [](caf::error&) {});
  CAF_CHECK_EQUAL(answers, 50);
  stop = true;
  kill(echo);
}

CAF_TEST(busy time is counted to the actor that was busy) {
  world w{1};
  auto spawn_spinner = [&](std::chrono::milliseconds turn) {
    return spawn_home(w.sys, {0, std::to_string(turn.count())},
                      [=](metered_pointer<caf::actor>) -> caf::behavior {
                        return {[=](int x) {
                          auto end = std::chrono::steady_clock::now() + turn;
                          while (std::chrono::steady_clock::now() < end) {
                          }
                          return x;
                        }};
                      });
  };
  auto idle = spawn_spinner(0ms);
  auto busy = spawn_spinner(20ms);
  caf::scoped_actor self{w.sys};
  for (int i = 0; i < 3; ++i)
    for (const auto& actor : {idle, busy})
      self->request(actor, patience, i).receive([](int) {}, [](caf::error&) {});
  // The answer leaves before the turn ends: one more turn makes sure that it has been counted.
  self->request(idle, patience, 0).receive([](int) {}, [](caf::error&) {});
  w.config.census().for_each_actor([&](const actor_figures& figures) {
    if (figures.label == "20")
      CAF_CHECK(figures.busy >= 60ms);
    else
      CAF_CHECK(figures.busy < 20ms);
    CAF_CHECK(figures.processed >= 3);
  });
  kill(idle);
  kill(busy);
}

CAF_TEST(the system starts and stops twenty times with everything under way) {
  for (int round = 0; round < 20; ++round) {
    auto sentinel = std::make_shared<int>(round); // Seen by everything that must be let go.
    {
      std::latch ready{202};
      runtime_config config{runtime_options{2, 50, {}}};
      caf::actor_system sys{config};
      auto& sched = asio_scheduler::of(sys);
      bool await = round % 2 == 0;
      sys.await_actors_before_shutdown(await);
      auto detached = sys.spawn<caf::detached>([&](caf::event_based_actor* self) -> caf::behavior {
        return {[&, self, sentinel](int) {
          ready.count_down();
          self->quit();
        }};
      });
      auto blocking = sys.spawn([&](caf::blocking_actor* self) {
        self->receive([&](int) { ready.count_down(); });
      });
      caf::anon_send(detached, 1);
      caf::anon_send(blocking, 1);
      std::vector<caf::actor> actors;
      for (std::size_t i = 0; i < 200; ++i) {
        auto behavior = [&ready, sentinel](auto* self) -> caf::behavior {
          self->delayed_send(self, 1ms, 1);
          self->delayed_send(self, 10min, 1);
          self->request(caf::actor{self}, 10min, true).then([](bool) {});
          ready.count_down();
          return {[self, sentinel](int x) { self->send(self, x + 1); },
                  [sentinel](bool value) { return value; }};
        };
        actors.push_back(i % 2 == 0
                           ? spawn_home(sys, {i / 2 % 2},
                                        [=](metered_pointer<caf::actor> self) {
                                          return behavior(self);
                                        })
                           : sys.spawn([=](caf::event_based_actor* self) {
                               return behavior(self);
                             }));
      }
      ready.wait();
      // A handler that never runs holds an actor; so does a timer from outside.
      auto timer = std::make_shared<asio::steady_timer>(sched.io(1), 10min);
      asio::post(sched.io(1), [timer, held = actors[0], sentinel] {
        timer->async_wait([timer, held, sentinel](boost::system::error_code) {});
      });
      timer.reset();
      for (auto& actor : actors)
        caf::delayed_anon_send(actor, 10min, 1);
      if (await)
        for (auto& actor : actors)
          kill(actor);
      actors.clear();
    }
    CAF_CHECK_EQUAL(sentinel.use_count(), 1);
  }
}

CAF_TEST(actors that only hold on to each other are let go when the system ends) {
  auto sentinel = std::make_shared<int>(0);
  {
    std::latch ready{2};
    runtime_config config{runtime_options{2, 50, {}}};
    caf::actor_system sys{config};
    sys.await_actors_before_shutdown(false);
    std::vector<caf::actor> pair;
    for (std::size_t i = 0; i < 2; ++i)
      pair.push_back(spawn_home(sys, {i}, [&, sentinel](metered_pointer<caf::actor>) {
        return caf::behavior{[&, sentinel, held = caf::actor{}](const caf::actor& other) mutable {
          held = other;
          ready.count_down();
        }};
      }));
    caf::anon_send(pair[0], pair[1]);
    caf::anon_send(pair[1], pair[0]);
    ready.wait();
  }
  CAF_CHECK_EQUAL(sentinel.use_count(), 1);
}
