// What every event_store promises (core/store.hpp), as cases over a factory: a store's test file
// calls each of them, so that SQLite and PostgreSQL are held to the same words.
//
// A fixture is:
//   struct fixture {
//     std::unique_ptr<event_store> open();  // A store over the fixture's one empty database, which
//   };                                      // is there again when opened after the last was closed.
//
// A CAF test file includes this after its CAF_SUITE line and caf/test/unit_test.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/store.hpp"

namespace lapwing::store_contract {

/// Waits for one callback. A doubled callback ends the program; a missing one the test.
template <class T>
class awaited {
public:
  event_store::callback<T> callback() {
    return [state = state_](result<T> answer) {
      if (state->calls.fetch_add(1) != 0)
        std::terminate();
      state->promise.set_value(std::move(answer));
    };
  }
  result<T> get() {
    auto future = state_->promise.get_future();
    if (future.wait_for(std::chrono::seconds{60}) != std::future_status::ready)
      CAF_FAIL("no answer from the store");
    return future.get();
  }

private:
  struct shared {
    std::promise<result<T>> promise;
    std::atomic<int> calls{0};
  };
  std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

inline timestamp at(std::int64_t milliseconds) {
  return timestamp{std::chrono::milliseconds{milliseconds}};
}

inline event_ptr an_event(const log_id& log, sequence seq, timestamp time = at(1'000'000),
                          std::string payload = "{\n  \"n\": 1\n}") {
  event_draft draft;
  draft.type = "webhook_received";
  draft.platform = "github";
  draft.message = "push to octo/repo";
  draft.data = "{\"n\":" + std::to_string(seq) + "}";
  draft.payload = std::move(payload);
  return make_event(log, seq, time, std::move(draft));
}

inline append_request a_request(const log_id& log, sequence seq, std::string delivery = {},
                                timestamp time = at(1'000'000)) {
  return {an_event(log, seq, time), "github", std::move(delivery)};
}

inline result<std::vector<append_result>> append(event_store& store,
                                                 std::vector<append_request> batch) {
  awaited<std::vector<append_result>> answer;
  store.append(std::move(batch), answer.callback());
  return answer.get();
}

inline result<append_result> append_one(event_store& store, append_request request) {
  std::vector<append_request> batch;
  batch.push_back(std::move(request));
  auto answer = append(store, std::move(batch));
  if (!answer)
    return answer.error();
  return answer->at(0);
}

inline result<event_range> read_range(event_store& store, const log_id& log, sequence after = 0,
                                      std::size_t limit = 256) {
  awaited<event_range> answer;
  store.read(log, after, limit, answer.callback());
  return answer.get();
}

inline result<std::vector<event_ptr>> read(event_store& store, const log_id& log,
                                           sequence after = 0, std::size_t limit = 256) {
  auto range = read_range(store, log, after, limit);
  if (!range)
    return range.error();
  return std::move(range->events);
}

/// The numbers of all events that the log holds above `after`.
inline std::vector<sequence> numbers(event_store& store, const log_id& log, sequence after = 0) {
  std::vector<sequence> all;
  for (;;) {
    auto some = read(store, log, after);
    if (!some)
      CAF_FAIL("read failed: " << some.error().detail);
    for (const auto& e : *some)
      all.push_back(e->seq);
    if (some->size() < 256)
      return all;
    after = all.back();
  }
}

inline sequence first_number(event_store& store, const log_id& log) {
  const auto all = numbers(store, log);
  return all.empty() ? 0 : all.front();
}

inline result<event_ptr> find(event_store& store, const log_id& log, sequence seq) {
  awaited<event_ptr> answer;
  store.find(log, seq, answer.callback());
  return answer.get();
}

inline log_state state_of(event_store& store, const log_id& log) {
  awaited<log_state> answer;
  store.open(log, answer.callback());
  auto state = answer.get();
  if (!state)
    CAF_FAIL("open failed: " << state.error().detail);
  return *state;
}

inline result<bool> put_user(event_store& store, const user_id& user,
                             std::vector<account> accounts = {}) {
  awaited<bool> answer;
  store.put_user(user, std::move(accounts), answer.callback());
  return answer.get();
}

inline std::optional<user_id> owner_of(event_store& store, account which) {
  awaited<std::optional<user_id>> answer;
  store.find_account(std::move(which), answer.callback());
  auto owner = answer.get();
  if (!owner)
    CAF_FAIL("find_account failed: " << owner.error().detail);
  return *owner;
}

/// Calls trim until there is no more to do; returns how many events went.
inline std::uint64_t trim_all(event_store& store, retention_rule rule) {
  std::uint64_t removed = 0;
  for (;;) {
    awaited<retention_step> answer;
    store.trim(rule, answer.callback());
    auto step = answer.get();
    if (!step)
      CAF_FAIL("trim failed: " << step.error().detail);
    CAF_CHECK(step->removed <= 500);
    removed += step->removed;
    if (!step->more)
      return removed;
  }
}

inline result<bool> check(event_store& store) {
  awaited<bool> answer;
  store.check(answer.callback());
  return answer.get();
}

inline const log_id ann = log_id::of(user_id{"ann"});
inline const log_id bob = log_id::of(user_id{"bob"});

template <class Fixture>
void what_was_stored_is_there_after_a_restart(Fixture& fixture) {
  const auto logs = {ann, log_id::of(room_id{"ann"}), log_id::broadcast()};
  const std::string odd = "{\"text\":\"\xc3\xa9 \xf0\x9f\x90\xa6\",\n\r\n\"big\":\""
                          + std::string(100'000, 'x') + "\"}";
  {
    auto store = fixture.open();
    for (const auto& log : logs) {
      auto stored = append_one(*store, {an_event(log, 7, at(1'700'000'000'123), odd), "github", "d1"});
      CAF_REQUIRE(stored);
      CAF_CHECK(stored->outcome == append_outcome::stored);
      CAF_CHECK_EQUAL(stored->seq, 7u);
    }
  }
  auto store = fixture.open();
  for (const auto& log : logs) {
    auto events = read(*store, log);
    CAF_REQUIRE(events);
    CAF_REQUIRE_EQUAL(events->size(), 1u);
    const event& e = *events->front();
    const auto expected = an_event(log, 7, at(1'700'000'000'123), odd);
    CAF_CHECK(e.log == expected->log);
    CAF_CHECK_EQUAL(e.seq, expected->seq);
    CAF_CHECK_EQUAL(e.type, expected->type);
    CAF_CHECK_EQUAL(e.platform, expected->platform);
    CAF_CHECK(e.time == expected->time);
    CAF_CHECK_EQUAL(e.tail, expected->tail);
    CAF_CHECK(e.payload == expected->payload);
  }
}

template <class Fixture>
void a_delivery_is_stored_once(Fixture& fixture) {
  {
    auto store = fixture.open();
    auto both = append(*store, {a_request(ann, 1, "d1"), a_request(ann, 2, "d1"),
                                a_request(ann, 3, "d2"), a_request(ann, 4), a_request(ann, 5)});
    CAF_REQUIRE(both);
    CAF_REQUIRE_EQUAL(both->size(), 5u);
    CAF_CHECK(both->at(0).outcome == append_outcome::stored);
    CAF_CHECK(both->at(1).outcome == append_outcome::duplicate);
    CAF_CHECK_EQUAL(both->at(1).seq, 1u);
    CAF_CHECK(both->at(2).outcome == append_outcome::stored);
    CAF_CHECK_EQUAL(both->at(2).seq, 3u);
    CAF_CHECK(both->at(3).outcome == append_outcome::stored);
    CAF_CHECK(both->at(4).outcome == append_outcome::stored);
  }
  auto store = fixture.open();
  auto later = append_one(*store, a_request(ann, 6, "d2"));
  CAF_REQUIRE(later);
  CAF_CHECK(later->outcome == append_outcome::duplicate);
  CAF_CHECK_EQUAL(later->seq, 3u);
  // The same name is another delivery in another log and from another source.
  CAF_CHECK(append_one(*store, a_request(bob, 1, "d2"))->outcome == append_outcome::stored);
  CAF_CHECK(append_one(*store, {an_event(ann, 7), "slack", "d2"})->outcome
            == append_outcome::stored);
  const std::vector<sequence> expected{1, 3, 4, 5, 7};
  CAF_CHECK(numbers(*store, ann) == expected);
}

/// Threads offer the same deliveries at once, each in an order of its own and under numbers of its
/// own.
template <class Fixture>
void of_one_delivery_offered_by_many_threads_one_is_fresh(Fixture& fixture) {
  constexpr std::size_t thread_count = 8;
  constexpr std::size_t delivery_count = 5000;
  auto store = fixture.open();
  std::atomic<sequence> next{1};
  std::atomic<std::uint64_t> fresh{0};
  std::atomic<std::uint64_t> repeated{0};
  std::atomic<std::uint64_t> failed{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::size_t> order(delivery_count);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::shuffle(order.begin(), order.end(), std::mt19937_64{t});
      for (std::size_t i = 0; i < delivery_count;) {
        std::vector<append_request> batch;
        for (std::size_t k = 0; k < 1 + t * 4 && i < delivery_count; ++k, ++i)
          batch.push_back(a_request(ann, next.fetch_add(1), "d" + std::to_string(order[i])));
        auto answer = append(*store, std::move(batch));
        if (!answer) {
          ++failed;
          continue;
        }
        for (const auto& each : *answer)
          ++(each.outcome == append_outcome::stored ? fresh : repeated);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CAF_CHECK_EQUAL(failed.load(), 0u);
  CAF_CHECK_EQUAL(fresh.load(), delivery_count);
  CAF_CHECK_EQUAL(repeated.load(), delivery_count * (thread_count - 1));
  const auto kept = numbers(*store, ann);
  CAF_CHECK_EQUAL(kept.size(), delivery_count);
  CAF_CHECK(std::is_sorted(kept.begin(), kept.end()));
}

template <class Fixture>
void events_are_read_in_order_and_no_more_than_asked_for(Fixture& fixture) {
  auto store = fixture.open();
  std::vector<append_request> batch;
  for (sequence seq = 1; seq <= 600; ++seq) {
    if (seq % 7 != 0) // Holes.
      batch.push_back(a_request(ann, seq));
    batch.push_back(a_request(bob, seq));
  }
  CAF_REQUIRE(append(*store, std::move(batch)));
  auto some = read(*store, ann, 5, 10);
  CAF_REQUIRE(some);
  std::vector<sequence> got;
  for (const auto& e : *some)
    got.push_back(e->seq);
  const std::vector<sequence> expected{6, 8, 9, 10, 11, 12, 13, 15, 16, 17};
  CAF_CHECK(got == expected);
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), 600u - 600u / 7u);
  CAF_CHECK_EQUAL(read(*store, ann, 599, 10)->size(), 1u);
  CAF_CHECK(read(*store, ann, 600, 10)->empty());
  CAF_CHECK(read(*store, ann, ~sequence{0}, 10)->empty());
  CAF_CHECK(read(*store, ann, 0, 0)->empty());
  CAF_CHECK(read(*store, log_id::of(user_id{"nobody"}))->empty());
}

template <class Fixture>
void an_event_is_found_by_its_number_and_a_hole_is_nothing(Fixture& fixture) {
  auto store = fixture.open();
  CAF_REQUIRE(append(*store, {a_request(ann, 1, "d1"), a_request(ann, 2, "d1"),
                              a_request(ann, 3, "d3")}));
  auto found = find(*store, ann, 3);
  CAF_REQUIRE(found);
  CAF_REQUIRE(*found != nullptr);
  CAF_CHECK_EQUAL((*found)->seq, 3u);
  CAF_CHECK((*found)->payload == an_event(ann, 3)->payload);
  for (const sequence seq : {sequence{0}, sequence{2}, sequence{4}, ~sequence{0}}) {
    auto nothing = find(*store, ann, seq);
    CAF_REQUIRE(nothing);
    CAF_CHECK(*nothing == nullptr);
  }
  CAF_CHECK(*find(*store, bob, 1) == nullptr);
  CAF_CHECK_EQUAL(state_of(*store, ann).newest, 3u);
}

template <class Fixture>
void retention_by_count_keeps_the_newest_of_each_log(Fixture& fixture) {
  auto store = fixture.open();
  std::vector<append_request> batch;
  for (sequence seq = 1; seq <= 1500; ++seq)
    batch.push_back(a_request(ann, 2 * seq)); // Holes do not count.
  for (sequence seq = 1; seq <= 90; ++seq)
    batch.push_back(a_request(bob, seq));
  CAF_REQUIRE(append(*store, std::move(batch)));
  CAF_CHECK_EQUAL(trim_all(*store, {100, timestamp{}}), 1400u);
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), 100u);
  CAF_CHECK_EQUAL(first_number(*store, ann), 2802u);
  auto state = state_of(*store, ann);
  CAF_CHECK_EQUAL(state.newest, 3000u);
  CAF_CHECK_EQUAL(state.trimmed, 2800u);
  CAF_CHECK(read_range(*store, ann, 2900, 1)->trimmed == 2800);
  CAF_CHECK(read_range(*store, bob)->trimmed == 0);
  CAF_CHECK_EQUAL(numbers(*store, bob).size(), 90u);
  CAF_CHECK_EQUAL(state_of(*store, bob).trimmed, 0u);
  CAF_CHECK_EQUAL(trim_all(*store, {100, timestamp{}}), 0u);
  // What comes later pushes out what came before; also after a restart.
  std::vector<append_request> more;
  for (sequence seq = 91; seq <= 130; ++seq)
    more.push_back(a_request(bob, seq));
  CAF_REQUIRE(append(*store, std::move(more)));
  CAF_CHECK_EQUAL(trim_all(*store, {100, timestamp{}}), 30u);
  CAF_REQUIRE(append_one(*store, a_request(ann, 3001)));
  store.reset();
  store = fixture.open();
  CAF_CHECK_EQUAL(trim_all(*store, {100, timestamp{}}), 1u);
  CAF_CHECK_EQUAL(state_of(*store, ann).trimmed, 2802u);
  CAF_CHECK_EQUAL(state_of(*store, bob).trimmed, 30u);
  // Another rule is applied to logs that got nothing new.
  CAF_CHECK_EQUAL(trim_all(*store, {10, timestamp{}}), 180u);
  CAF_CHECK_EQUAL(trim_all(*store, {0, timestamp{}}), 0u);
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), 10u);
}

template <class Fixture>
void retention_by_age_keeps_the_young_and_the_number_of_the_newest(Fixture& fixture) {
  auto store = fixture.open();
  std::vector<append_request> batch;
  for (sequence seq = 1; seq <= 700; ++seq)
    batch.push_back(a_request(ann, seq, "a" + std::to_string(seq), at(1000 + static_cast<int>(seq))));
  batch.push_back(a_request(bob, 9, {}, at(1001)));
  CAF_REQUIRE(append(*store, std::move(batch)));
  CAF_CHECK_EQUAL(trim_all(*store, {0, at(1601)}), 601u);
  CAF_CHECK_EQUAL(first_number(*store, ann), 601u);
  CAF_CHECK_EQUAL(state_of(*store, ann).trimmed, 600u);
  CAF_CHECK_EQUAL(state_of(*store, ann).newest, 700u);
  CAF_CHECK_EQUAL(state_of(*store, bob).trimmed, 9u);
  CAF_CHECK_EQUAL(state_of(*store, bob).newest, 9u);
  // A log that lost all its events goes on counting where it was, also after a restart.
  store.reset();
  store = fixture.open();
  CAF_CHECK_EQUAL(state_of(*store, bob).newest, 9u);
  CAF_CHECK_EQUAL(trim_all(*store, {0, at(1'000'000)}), 100u);
  CAF_CHECK_EQUAL(state_of(*store, ann).newest, 700u);
  CAF_CHECK_EQUAL(state_of(*store, ann).trimmed, 700u);
  CAF_CHECK(read_range(*store, ann)->trimmed == 700);
  CAF_CHECK(*find(*store, ann, 700) == nullptr);
  // A delivery whose event is gone is forgotten with it.
  CAF_CHECK(append_one(*store, a_request(ann, 701, "a1"))->outcome == append_outcome::stored);
}

template <class Fixture>
void two_writers_of_a_log_are_noticed_and_others_not_disturbed(Fixture& fixture) {
  auto store = fixture.open();
  CAF_REQUIRE(append_one(*store, a_request(ann, 1, "d1")));
  // Offered together, so that they may share a transaction.
  awaited<std::vector<append_result>> before;
  awaited<std::vector<append_result>> clash;
  awaited<std::vector<append_result>> unnamed;
  awaited<std::vector<append_result>> after;
  store->append({a_request(bob, 1, "b1")}, before.callback());
  store->append({a_request(ann, 2, "d2"), a_request(ann, 1, "d3")}, clash.callback());
  store->append({a_request(ann, 1)}, unnamed.callback());
  store->append({a_request(bob, 2, "b2")}, after.callback());
  CAF_CHECK(before.get());
  const auto refused = clash.get();
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::internal);
  CAF_CHECK(unnamed.get().error().code == errc::internal);
  CAF_CHECK(after.get());
  // All of a batch or nothing.
  const std::vector<sequence> one{1};
  const std::vector<sequence> two{1, 2};
  CAF_CHECK(numbers(*store, ann) == one);
  CAF_CHECK(numbers(*store, bob) == two);
  // The same number with the same delivery is its repetition.
  CAF_CHECK(append_one(*store, a_request(ann, 1, "d1"))->outcome == append_outcome::duplicate);
}

template <class Fixture>
void what_cannot_be_numbered_is_refused(Fixture& fixture) {
  auto store = fixture.open();
  CAF_CHECK(append_one(*store, a_request(ann, 0)).error().code == errc::internal);
  CAF_CHECK(append_one(*store, a_request(ann, ~sequence{0})).error().code == errc::internal);
  CAF_CHECK(append_one(*store, {nullptr, "github", "d"}).error().code == errc::internal);
  CAF_CHECK(append(*store, {})->empty());
  CAF_CHECK(numbers(*store, ann).empty());
}

template <class Fixture>
void users_exist_once_named_and_accounts_have_one_owner(Fixture& fixture) {
  const account mail{platform_id{"gmail"}, "ann@example.com"};
  const account team{platform_id{"slack"}, "T1"};
  {
    auto store = fixture.open();
    CAF_CHECK(!state_of(*store, ann).known);
    CAF_CHECK(state_of(*store, log_id::broadcast()).known);
    CAF_CHECK(state_of(*store, log_id::of(room_id{"admin"})).known);
    CAF_CHECK(put_user(*store, user_id{"ann"}, {mail, team}));
    CAF_CHECK(put_user(*store, user_id{"ann"}));
    CAF_CHECK(put_user(*store, user_id{"bob"}, {team}));
  }
  auto store = fixture.open();
  CAF_CHECK(state_of(*store, ann).known);
  CAF_CHECK(state_of(*store, bob).known);
  CAF_CHECK(!state_of(*store, log_id::of(user_id{"carl"})).known);
  CAF_CHECK(owner_of(*store, mail) == user_id{"ann"});
  CAF_CHECK(owner_of(*store, team) == user_id{"bob"});
  CAF_CHECK(!owner_of(*store, {platform_id{"slack"}, "ann@example.com"}));
  // A room of the same name is not that user.
  CAF_CHECK_EQUAL(state_of(*store, log_id::of(room_id{"ann"})).newest, 0u);
}

template <class Fixture>
void every_call_is_answered_once_also_when_the_store_closes(Fixture& fixture) {
  std::atomic<int> asked{0};
  std::atomic<int> answered{0};
  std::atomic<int> stored{0};
  {
    auto store = fixture.open();
    for (sequence seq = 1; seq <= 3000; ++seq) {
      asked += 4;
      store->append({a_request(ann, seq, "d" + std::to_string(seq))}, [&](const auto& answer) {
        ++answered;
        stored += answer ? 1 : 0;
      });
      store->read(ann, 0, 1, [&](const auto&) { ++answered; });
      store->check([&](const auto&) { ++answered; });
      store->open(ann, [&](const auto&) { ++answered; });
    }
  }
  CAF_CHECK_EQUAL(answered.load(), asked.load());
  auto store = fixture.open();
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), static_cast<std::size_t>(stored.load()));
  CAF_CHECK(stored > 0);
}

} // namespace lapwing::store_contract
