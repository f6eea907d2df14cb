// What every outbox_store promises (core/outbox.hpp), and what append does for it, as cases over a
// factory: SQLite, PostgreSQL and the one in memory are held to the same words.
//
// A fixture is:
//   struct fixture {
//     // Something with append() of event_store and outbox(), over the fixture's one empty database,
//     // which is there again when opened after the last was closed.
//     POINTER open();
//   };
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/outbox.hpp"
#include "tests/storage/event_store_contract.hpp"

namespace lapwing::outbox_contract {

using store_contract::a_request;
using store_contract::at;
using store_contract::awaited;
using fate = outbox_outcome::fate;

inline const log_id admin_room = log_id::of(room_id{"admin"});

inline outbox_item an_item(const std::string& key, std::int64_t queued = 1000,
                           const std::string& kind = "mail") {
  return {kind, key, user_id{"ann"}, R"({"to":"ann@example.com","text":"caf\u00e9"})", at(queued)};
}

/// An event with this number that causes the message.
inline append_request causing(outbox_item item, sequence seq, std::string delivery = {}) {
  auto request = a_request(admin_room, seq, std::move(delivery));
  request.outgoing = std::make_shared<const outbox_item>(std::move(item));
  return request;
}

template <class Store>
result<std::vector<append_result>> append(Store& store, std::vector<append_request> batch) {
  awaited<std::vector<append_result>> answer;
  store.append(std::move(batch), answer.callback());
  return answer.get();
}

/// Puts messages "m1", "m2", ... that are due at 1000, 1001, ...
template <class Store>
void put(Store& store, int count) {
  std::vector<append_request> batch;
  for (int i = 1; i <= count; ++i)
    batch.push_back(causing(an_item("m" + std::to_string(i), 999 + i),
                            static_cast<sequence>(i)));
  CAF_REQUIRE(append(store, std::move(batch)));
}

template <class Store>
outbox_claims claim(Store& store, std::int64_t now, std::int64_t until, std::size_t limit = 100,
                    const std::string& kind = "mail") {
  awaited<outbox_claims> answer;
  store.outbox().claim(kind, at(now), at(until), limit, answer.callback());
  auto found = answer.get();
  if (!found)
    CAF_FAIL("claim failed: " << found.error().detail);
  return std::move(*found);
}

template <class Store>
bool settle(Store& store, const outbox_claim& which, outbox_outcome how) {
  awaited<bool> answer;
  store.outbox().settle(which.id, which.claim, std::move(how), answer.callback());
  auto settled = answer.get();
  if (!settled)
    CAF_FAIL("settle failed: " << settled.error().detail);
  return *settled;
}

inline outbox_outcome sent(std::int64_t when = 5000) {
  return {fate::sent, true, {}, at(when), ""};
}
inline outbox_outcome again(std::int64_t due, bool counts = true) {
  return {fate::again, counts, at(due), {}, "refused_503"};
}
inline outbox_outcome dead(std::int64_t when = 5000) {
  return {fate::dead, true, {}, at(when), "refused_400"};
}

template <class Store>
outbox_report report(Store& store, std::size_t letters_max = 100) {
  awaited<outbox_report> answer;
  store.outbox().report("mail", letters_max, answer.callback());
  auto found = answer.get();
  if (!found)
    CAF_FAIL("report failed: " << found.error().detail);
  return std::move(*found);
}

template <class Store>
std::size_t resend(Store& store, std::optional<std::uint64_t> id, std::int64_t now,
                   std::size_t limit = 100) {
  awaited<std::size_t> answer;
  store.outbox().resend("mail", id, at(now), limit, answer.callback());
  return *answer.get();
}

template <class Store>
std::size_t trim(Store& store, std::int64_t before, std::size_t limit = 100) {
  awaited<std::size_t> answer;
  store.outbox().trim("mail", at(before), limit, answer.callback());
  return *answer.get();
}

inline std::vector<std::string> keys_of(const outbox_claims& found) {
  std::vector<std::string> keys;
  for (const auto& one : found.entries)
    keys.push_back(one.key);
  return keys;
}

template <class Fixture>
void a_message_is_stored_with_its_event_and_found_after_a_restart(Fixture& fixture) {
  {
    auto store = fixture.open();
    const auto stored = append(*store, {causing(an_item("m1"), 1, "d1")});
    CAF_REQUIRE(stored);
    CAF_CHECK((*stored)[0].outcome == append_outcome::stored);
  }
  auto store = fixture.open();
  CAF_CHECK_EQUAL(report(*store).waiting, 1u);
  const auto found = claim(*store, 1000, 9000);
  CAF_REQUIRE_EQUAL(found.entries.size(), 1u);
  const auto& one = found.entries[0];
  CAF_CHECK_EQUAL(one.key, "m1");
  CAF_CHECK(one.body.find("ann@example.com") != std::string::npos);
  CAF_CHECK(one.body.find("caf") != std::string::npos);
  CAF_CHECK_EQUAL(one.attempt_count, 0u);
  CAF_CHECK_EQUAL(one.claim, 1u);
  CAF_CHECK(one.queued_at == at(1000));
  CAF_CHECK(!found.next_due);
}

template <class Fixture>
void an_event_that_is_refused_leaves_no_message(Fixture& fixture) {
  auto store = fixture.open();
  CAF_REQUIRE(append(*store, {causing(an_item("m1"), 1, "d1")}));
  // The number is taken by another delivery: two writers.
  CAF_CHECK(!append(*store, {causing(an_item("m2"), 1, "d2")}));
  CAF_CHECK_EQUAL(keys_of(claim(*store, 5000, 9000)), std::vector<std::string>{"m1"});
}

template <class Fixture>
void a_repeated_delivery_adds_no_second_message(Fixture& fixture) {
  auto store = fixture.open();
  CAF_REQUIRE(append(*store, {causing(an_item("m1"), 1, "d1"), causing(an_item("m1"), 2, "d1")}));
  const auto found = claim(*store, 5000, 9000);
  CAF_REQUIRE_EQUAL(found.entries.size(), 1u);
  CAF_CHECK(settle(*store, found.entries[0], sent()));
  // Also not when it was sent long ago.
  const auto repeated = append(*store, {causing(an_item("m1", 6000), 3, "d1")});
  CAF_REQUIRE(repeated);
  CAF_CHECK((*repeated)[0].outcome == append_outcome::duplicate);
  CAF_CHECK(claim(*store, 99'000, 100'000).entries.empty());
}

template <class Fixture>
void an_event_that_was_there_may_still_bring_its_message(Fixture& fixture) {
  auto store = fixture.open();
  CAF_REQUIRE(append(*store, {a_request(admin_room, 1, "d1")}));
  const auto repeated = append(*store, {causing(an_item("m1"), 2, "d1")});
  CAF_REQUIRE(repeated);
  CAF_CHECK((*repeated)[0].outcome == append_outcome::duplicate);
  CAF_CHECK_EQUAL(keys_of(claim(*store, 5000, 9000)), std::vector<std::string>{"m1"});
}

template <class Fixture>
void what_is_claimed_is_nobody_elses_until_the_claim_runs_out(Fixture& fixture) {
  auto store = fixture.open();
  put(*store, 3);
  CAF_CHECK(claim(*store, 999, 2000).entries.empty());
  CAF_CHECK(claim(*store, 999, 2000).next_due == at(1000));
  const auto first = claim(*store, 1002, 2000, 2);
  CAF_CHECK_EQUAL(keys_of(first), (std::vector<std::string>{"m1", "m2"}));
  CAF_CHECK(first.next_due == at(1002));
  const auto second = claim(*store, 1002, 3000);
  CAF_CHECK_EQUAL(keys_of(second), std::vector<std::string>{"m3"});
  CAF_CHECK(second.next_due == at(2000)); // When the first claims run out.
  CAF_CHECK(claim(*store, 1999, 4000).entries.empty());
  const auto later = claim(*store, 2000, 4000);
  CAF_CHECK_EQUAL(keys_of(later), (std::vector<std::string>{"m1", "m2"}));
  CAF_CHECK_EQUAL(later.entries[0].claim, first.entries[0].claim + 1);
  // Whoever had it before has nothing to say any more.
  CAF_CHECK(!settle(*store, first.entries[0], sent()));
  CAF_CHECK(settle(*store, later.entries[0], sent()));
  CAF_CHECK(!settle(*store, later.entries[0], sent()));
}

template <class Fixture>
void what_a_wrong_clock_put_far_ahead_is_due(Fixture& fixture) {
  auto store = fixture.open();
  constexpr std::int64_t year = 365LL * 24 * 3600 * 1000;
  CAF_REQUIRE(append(*store, {causing(an_item("m1", year), 1), causing(an_item("m2", 90'000), 2),
                              causing(an_item("m3", 1000), 3), causing(an_item("m4", year), 4)}));
  const auto found = claim(*store, 2000, 50'000, 2);
  CAF_CHECK_EQUAL(keys_of(found), (std::vector<std::string>{"m3", "m1"}));
  CAF_CHECK(found.next_due && *found.next_due <= at(90'000));
  CAF_CHECK_EQUAL(keys_of(claim(*store, 2000, 50'000)), std::vector<std::string>{"m4"});
  // And so is one whose claim such a clock made.
  CAF_CHECK_EQUAL(claim(*store, 90'000, year).entries.size(), 4u);
  CAF_CHECK_EQUAL(claim(*store, 90'001, 100'000).entries.size(), 4u);
}

template <class Fixture>
void kinds_are_apart(Fixture& fixture) {
  auto store = fixture.open();
  CAF_REQUIRE(append(*store, {causing(an_item("m1"), 1), causing(an_item("p1", 900, "push"), 2)}));
  const auto found = claim(*store, 5000, 9000);
  CAF_CHECK_EQUAL(keys_of(found), std::vector<std::string>{"m1"});
  CAF_CHECK(!found.next_due);
  CAF_CHECK_EQUAL(report(*store).waiting, 1u);
}

template <class Fixture>
void what_failed_comes_again_when_it_is_due(Fixture& fixture) {
  auto store = fixture.open();
  put(*store, 1);
  auto found = claim(*store, 1000, 2000);
  CAF_CHECK(settle(*store, found.entries[0], again(8000)));
  CAF_CHECK(claim(*store, 7999, 9000).next_due == at(8000));
  found = claim(*store, 8000, 9000);
  CAF_REQUIRE_EQUAL(found.entries.size(), 1u);
  CAF_CHECK_EQUAL(found.entries[0].attempt_count, 1u);
  CAF_CHECK(settle(*store, found.entries[0], again(10'000, false)));
  found = claim(*store, 10'000, 11'000);
  CAF_REQUIRE_EQUAL(found.entries.size(), 1u);
  CAF_CHECK_EQUAL(found.entries[0].attempt_count, 1u);
}

template <class Fixture>
void a_dead_letter_is_shown_without_content_and_can_be_sent_again(Fixture& fixture) {
  auto store = fixture.open();
  put(*store, 3);
  const auto found = claim(*store, 5000, 9000);
  for (const auto& one : found.entries)
    CAF_CHECK(settle(*store, one, dead(5500)));
  CAF_CHECK(claim(*store, 99'000, 100'000).entries.empty());
  auto told = report(*store, 2);
  CAF_CHECK_EQUAL(told.dead, 3u);
  CAF_CHECK_EQUAL(told.waiting, 0u);
  CAF_REQUIRE_EQUAL(told.letters.size(), 2u);
  CAF_CHECK(told.letters[0].id == found.entries[2].id); // The newest first.
  CAF_CHECK_EQUAL(told.letters[0].cause, "refused_400");
  CAF_CHECK_EQUAL(told.letters[0].user, "ann");
  CAF_CHECK_EQUAL(told.letters[0].attempt_count, 1u);
  CAF_CHECK(told.letters[0].created_at == at(1002));
  CAF_CHECK(told.letters[0].ended_at == at(5500));
  CAF_CHECK_EQUAL(resend(*store, 987'654, 6000), 0u);
  CAF_CHECK_EQUAL(resend(*store, found.entries[1].id, 6000), 1u);
  CAF_CHECK_EQUAL(resend(*store, found.entries[1].id, 6000), 0u); // It is no dead letter any more.
  auto once_more = claim(*store, 6000, 9000);
  CAF_CHECK_EQUAL(keys_of(once_more), std::vector<std::string>{"m2"});
  CAF_CHECK_EQUAL(once_more.entries[0].attempt_count, 0u);
  CAF_CHECK(once_more.entries[0].queued_at == at(6000));
  CAF_CHECK(once_more.entries[0].body.find("ann@example.com") != std::string::npos);
  CAF_CHECK_EQUAL(resend(*store, std::nullopt, 7000, 1), 1u);
  CAF_CHECK_EQUAL(resend(*store, std::nullopt, 7000), 1u);
  CAF_CHECK_EQUAL(claim(*store, 7000, 9000).entries.size(), 2u);
}

template <class Fixture>
void what_has_ended_is_forgotten_in_the_end(Fixture& fixture) {
  auto store = fixture.open();
  put(*store, 4);
  const auto found = claim(*store, 5000, 9000, 3);
  CAF_CHECK(settle(*store, found.entries[0], sent(5000)));
  CAF_CHECK(settle(*store, found.entries[1], dead(5001)));
  CAF_CHECK(settle(*store, found.entries[2], sent(6000)));
  CAF_CHECK_EQUAL(trim(*store, 6000, 1), 1u);
  CAF_CHECK_EQUAL(trim(*store, 6000), 1u);
  CAF_CHECK_EQUAL(trim(*store, 6000), 0u);
  CAF_CHECK_EQUAL(report(*store).dead, 0u);
  CAF_CHECK_EQUAL(keys_of(claim(*store, 9000, 10'000)), std::vector<std::string>{"m4"});
  // Its key, too: this would be a new one.
  CAF_REQUIRE(append(*store, {causing(an_item("m1", 9000), 9)}));
  CAF_CHECK_EQUAL(keys_of(claim(*store, 9000, 10'000)), std::vector<std::string>{"m1"});
}

template <class Fixture>
void text_of_any_kind_is_a_message(Fixture& fixture) {
  auto store = fixture.open();
  auto odd = an_item(std::string{"k\0\xff", 3});
  odd.body = "{\"text\":\"\xF0\x9F\x8E\xB5 \\u0001 \\\"\"}";
  odd.user = user_id{};
  CAF_REQUIRE(append(*store, {causing(odd, 1)}));
  CAF_REQUIRE(append(*store, {causing(odd, 2)}));
  const auto found = claim(*store, 5000, 9000);
  CAF_REQUIRE_EQUAL(found.entries.size(), 1u);
  CAF_CHECK(found.entries[0].body.find("\xF0\x9F\x8E\xB5") != std::string::npos);
  CAF_CHECK(settle(*store, found.entries[0], dead()));
  CAF_CHECK(report(*store).letters.at(0).user.empty());
}

/// For stores that work with several threads.
template <class Fixture>
void of_many_who_claim_at_once_nobody_gets_the_same(Fixture& fixture) {
  auto store = fixture.open();
  put(*store, 200);
  std::vector<std::vector<std::uint64_t>> got(8);
  std::vector<std::thread> threads;
  for (auto& mine : got)
    threads.emplace_back([&store, &mine] {
      for (int round = 0; round < 20; ++round)
        for (const auto& one : claim(*store, 5000, 900'000, 5).entries)
          mine.push_back(one.id);
    });
  for (auto& one : threads)
    one.join();
  std::set<std::uint64_t> all;
  std::size_t count = 0;
  for (const auto& mine : got) {
    all.insert(mine.begin(), mine.end());
    count += mine.size();
  }
  CAF_CHECK_EQUAL(count, 200u);
  CAF_CHECK_EQUAL(all.size(), 200u);
}

} // namespace lapwing::outbox_contract
