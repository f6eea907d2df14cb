// Many users, clients and publishers against a store that fails in both ways, in an order that a
// seed picks. Whatever happens:
//   * what was acknowledged is in the store, once;
//   * every client's ids are those of its logs, ascending and without a double, and after all is
//     quiet it has every stored event after the point where it began;
//   * nobody is left over.
#define CAF_SUITE stream_simulation
#include "tests/support/caf_test.hpp"

#include <map>
#include <set>

#include "tests/support/stream_world.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

struct reader {
  std::string user;
  std::vector<std::string> rooms;
  test::stream_world::client link;
  bool connected = false;
  std::string last;              ///< As a browser keeps it.
  std::vector<std::string> seen; ///< Over all connections.
};

struct world : test::stream_world {
  std::vector<reader> readers;
  std::map<std::string, std::size_t> acknowledged; ///< Delivery id to count of "stored".
  std::size_t deliveries = 0;

  void take_news(reader& one) {
    for (const std::string& line : one.link.sink->lines) {
      auto type = line.substr(0, line.find(' '));
      auto id = line.substr(type.size() + 1);
      id = id.substr(0, id.find(' '));
      if (type == "event")
        one.seen.push_back(id);
      if (id != "-")
        one.last = id;
      if (type == "reset")
        CAF_FAIL("nothing was trimmed, yet: " << line);
    }
    one.link.sink->lines.clear();
  }

  void deliver(const log_id& log, const std::string& delivery) {
    auto job = std::make_shared<publish_job>();
    job->request.target = log;
    job->request.draft.type = "x";
    job->request.source = "github";
    job->request.delivery_id = delivery;
    job->request.origin
      = log.kind == log_kind::user ? publish_origin::webhook : publish_origin::api;
    job->done = [this, delivery](const result<publish_receipt>& what) {
      if (what)
        acknowledged[delivery] += what->duplicate ? 0 : 1;
    };
    caf::anon_send(context.directories[0], publish_message{std::move(job)});
  }

  void step() {
    switch (random() % 12) {
      case 0: case 1: case 2: case 3: {
        log_id log = log_id::of(user_id{"user" + std::to_string(random() % 3)});
        if (random() % 3 == 0)
          log = random() % 2 ? log_id::broadcast() : log_id::of(room_id{"room"});
        auto fresh = deliveries == 0 || random() % 4 != 0;
        // Half of what is sent twice is sent twice to the same log.
        auto name = to_key(log) + '/' + std::to_string(fresh ? deliveries++ : random() % deliveries);
        return deliver(log, name);
      }
      case 4: case 5: {
        reader& one = readers[random() % readers.size()];
        if (one.connected) {
          take_news(one);
          disconnect(one.link);
        } else {
          one.link = connect(one.user, one.last.empty() ? std::optional<std::string>{} : one.last,
                             one.rooms);
        }
        one.connected = !one.connected;
        return;
      }
      case 6:
        store.append_faults.push_back(static_cast<test::memory_store::fault>(random() % 3));
        return;
      case 7: store.down = random() % 6 == 0; return;
      case 8: advance(std::chrono::milliseconds{random() % 400}); return;
      case 9: store.run(); return;
      default:
        for (auto n = random() % 12; n > 0 && !sched.jobs.empty(); --n) {
          std::swap(sched.jobs.front(), sched.jobs[random() % sched.jobs.size()]);
          sched.run_once();
        }
    }
  }

  void play(unsigned seed, int steps) {
    random.seed(seed);
    for (int i = 0; i < 6; ++i)
      readers.push_back({"user" + std::to_string(i % 3),
                         i < 3 ? std::vector<std::string>{"room"} : std::vector<std::string>{},
                         {}, false, {}, {}});
    // Everybody has been there once: from here on nothing may be missed.
    for (reader& one : readers) {
      one.link = connect(one.user, {}, one.rooms);
      one.connected = true;
    }
    run();
    for (reader& one : readers)
      take_news(one);
    for (int i = 0; i < steps; ++i)
      step();
    store.down = false;
    store.append_faults.clear();
    pass(20s); // Doubts are cleared.
    for (reader& one : readers) {
      take_news(one);
      if (!one.link.sink->closed_with.empty() || !one.connected) {
        if (one.connected)
          disconnect(one.link);
        one.link = connect(one.user, one.last, one.rooms);
        one.connected = true;
      }
    }
    pass(20s);
  }

  void check(reader& one) {
    take_news(one);
    std::vector<log_id> logs{log_id::of(user_id{one.user}), log_id::broadcast()};
    for (auto& room : one.rooms)
      logs.push_back(log_id::of(room_id{room}));
    std::map<std::string, std::vector<sequence>> got;
    for (const std::string& id : one.seen) {
      auto what = stream_cursor::event_of(id, user_id{one.user});
      CAF_REQUIRE(what.has_value());
      got[to_key(what->first)].push_back(what->second);
    }
    for (const log_id& log : logs) {
      std::vector<sequence> want;
      for (auto& e : store.all(log))
        want.push_back(e->seq);
      CAF_CHECK_EQUAL(got[to_key(log)], want);
    }
  }
};

} // namespace

CAF_TEST(no order of events and failures loses doubles or reorders anything) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAF_MESSAGE("seed " << seed);
    world all;
    all.play(seed, 400);
    for (reader& one : all.readers)
      all.check(one);
    for (auto& [delivery, count] : all.acknowledged)
      CAF_CHECK(count <= 1);
    std::size_t stored = 0;
    for (auto& log : {log_id::of(user_id{"user0"}), log_id::of(user_id{"user1"}),
                      log_id::of(user_id{"user2"}), log_id::broadcast(),
                      log_id::of(room_id{"room"})})
      stored += all.store.all(log).size();
    std::size_t said = 0;
    for (auto& [delivery, count] : all.acknowledged)
      said += count;
    CAF_CHECK(said <= stored); // What is stored and not said is sent again by its provider.
    CAF_CHECK(all.faults.empty());
    for (reader& one : all.readers)
      all.disconnect(one.link);
    all.pass(90s);
    CAF_CHECK_EQUAL(all.living("session"), 0u);
    CAF_CHECK_EQUAL(all.living("user_supervisor"), 0u);
  }
}
