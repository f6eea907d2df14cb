// Promises of core/connection_store.hpp about items, stored with the event that tells of them.
// The fixture is that of connection_store_contract.hpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/storage/connection_calls.hpp"

namespace lapwing::connection_contract {

template <class Fixture>
void an_event_and_what_it_tells_of_are_stored_together(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  auto stored = append_one(*store, with_effect(1, "d1", an_effect()));
  CAF_REQUIRE(stored);
  CAF_CHECK(stored->outcome == append_outcome::stored);
  auto loaded = load(*store);
  CAF_REQUIRE_EQUAL(loaded.polls.size(), 1u);
  CAF_CHECK_EQUAL(loaded.polls[0].cursor, "1795251600000");
  CAF_CHECK(loaded.at.last_sync == nine(1000));
  CAF_CHECK_EQUAL(due(*store, nine(1'801'000)).size(), 1u);
  CAF_CHECK(due(*store, nine(1'800'999)).empty());
  CAF_CHECK(unknown_keys(*store, ann_spotify, "recently_played", {"k1", "k2"})->empty());
  // The delivery again, with one item more and the cursor further on: an item that is there is
  // left alone, the rest is done.
  auto again = an_effect({{"k2", "{\"n\":\"changed\"}"}, {"k3", "{}"}});
  again.progress.cursor = "later";
  stored = append_one(*store, with_effect(2, "d1", again));
  CAF_REQUIRE(stored);
  CAF_CHECK(stored->outcome == append_outcome::duplicate);
  CAF_CHECK_EQUAL(stored->seq, 1u);
  CAF_CHECK(load(*store).polls.at(0).cursor == "later");
  CAF_CHECK(unknown_keys(*store, ann_spotify, "recently_played", {"k3"})->empty());
  CAF_CHECK_EQUAL(unknown_keys(*store, ann_spotify, "other", {"k3"})->size(), 1u);
  store.reset();
  CAF_CHECK_EQUAL(fixture.value_of("SELECT count(*) FROM user_platform_data"), "3");
  CAF_CHECK_EQUAL(
    fixture.value_of("SELECT raw_data ->> 'n' FROM user_platform_data WHERE item_key = 'k2'"),
    "2");
  CAF_CHECK_EQUAL(fixture.value_of("SELECT max(extracted_at) FROM user_platform_data"),
                  "2026-11-21T09:00:01.123Z");
  CAF_CHECK_EQUAL(fixture.value_of("SELECT count(DISTINCT id) FROM user_platform_data"
                                   " WHERE length(CAST(id AS TEXT)) = 36"),
                  "3");
}

template <class Fixture>
void a_refused_event_leaves_nothing_of_what_it_tells(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  CAF_REQUIRE(append_one(*store, a_request(ann, 1, "d1")));
  // Offered together with a good one, so that they may share a transaction.
  awaited<std::vector<append_result>> clash;
  awaited<bool> good;
  store->append({with_effect(1, "d2", an_effect())}, clash.callback());
  store->connections().save_progress(ann_spotify, some_progress("other"), nine(5),
                                     good.callback());
  CAF_CHECK(!clash.get());
  CAF_CHECK(good.get());
  const auto loaded = load(*store);
  CAF_REQUIRE_EQUAL(loaded.polls.size(), 1u);
  CAF_CHECK_EQUAL(loaded.polls[0].endpoint, "other");
  CAF_CHECK_EQUAL(unknown_keys(*store, ann_spotify, "recently_played", {"k1"})->size(), 1u);
}

template <class Fixture>
void what_an_event_tells_of_nobody_comes_to_nothing(Fixture& fixture) {
  {
    auto store = fixture.open();
    auto stray = an_effect();
    stray.of = nobody;
    CAF_REQUIRE(append_one(*store, with_effect(1, "d1", stray)));
    // One that was disconnected meanwhile keeps what was read, and is not brought back by it.
    connect(*store, a_connection());
    CAF_REQUIRE(disconnect(*store, ann_spotify));
    CAF_REQUIRE(append_one(*store, with_effect(2, "d2", an_effect())));
    const auto loaded = load(*store);
    CAF_CHECK(loaded.at.status == connection_status::disconnected);
    CAF_CHECK(loaded.polls.empty());
    CAF_CHECK(due(*store, nine(1'000'000'000)).empty());
    CAF_CHECK_EQUAL(store_contract::numbers(*store, ann).size(), 2u);
  }
  CAF_CHECK_EQUAL(fixture.value_of("SELECT count(*) FROM user_platform_data"), "2");
}

template <class Fixture>
void an_item_that_is_no_json_does_not_hold_up_the_others(Fixture& fixture) {
  {
    auto store = fixture.open();
    connect(*store, a_connection());
    CAF_REQUIRE(append_one(
      *store, with_effect(1, "d1", an_effect({{"k1", "{\"n\":"}, {"k2", "{}"}, {"", "[]"}}))));
    CAF_CHECK(unknown_keys(*store, ann_spotify, "recently_played", {"k1", "k2", ""})->empty());
  }
  CAF_CHECK_EQUAL(
    fixture.value_of("SELECT raw_data FROM user_platform_data WHERE item_key = 'k1'"),
    "\"{\\\"n\\\":\"");
}

template <class Fixture>
void unknown_keys_are_told_in_their_order(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  connect(*store, a_connection(bob_github));
  std::vector<polled_item> items;
  std::vector<std::string> keys;
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    auto key = "key-" + std::to_string(i * 7919 % 1000);
    if (i % 3 == 0)
      items.push_back({key, "{}"});
    else
      expected.push_back(key);
    keys.push_back(std::move(key));
  }
  CAF_REQUIRE(append_one(*store, with_effect(1, "d1", an_effect(items))));
  CAF_CHECK(*unknown_keys(*store, ann_spotify, "recently_played", keys) == expected);
  CAF_CHECK(*unknown_keys(*store, bob_github, "recently_played", keys) == keys);
  CAF_CHECK(unknown_keys(*store, ann_spotify, "recently_played", {})->empty());
  // A page may show a thing twice; it is new once.
  const std::vector<std::string> once{"new", "newer"};
  CAF_CHECK(*unknown_keys(*store, ann_spotify, "recently_played", {"new", "newer", "new"})
            == once);
}

template <class Fixture>
void old_items_go_and_the_lasting_and_the_young_stay(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  const auto put = [&](sequence seq, const std::string& type, int count, timestamp when) {
    std::vector<polled_item> items;
    for (int i = 0; i < count; ++i)
      items.push_back({type + std::to_string(seq) + '-' + std::to_string(i), "{}"});
    auto effect = an_effect(std::move(items));
    effect.data_type = type;
    effect.progress.last_poll = when;
    CAF_REQUIRE(append_one(*store, with_effect(seq, "d" + std::to_string(seq), std::move(effect))));
  };
  const auto left = [&](const std::string& type) {
    std::size_t count = 0;
    std::string after;
    do {
      awaited<stored_items> answer;
      store->connections().items(ann_spotify, type, after, 100, answer.callback());
      auto some = value(answer.get(), "items");
      count += some.items.size();
      after = some.next;
    } while (!after.empty());
    return count;
  };
  put(1, "plays", 700, nine(0));
  put(2, "channels", 600, nine(10));
  put(3, "plays", 1, nine(1'000'000'000)); // A clock that was wrong.
  put(4, "plays", 700, nine(20));
  put(5, "plays", 30, nine(5000));
  retention_rule rule;
  CAF_CHECK_EQUAL(store_contract::trim_all(*store, rule), 0u);
  rule.items_before = nine(1000);
  rule.kept_kinds = {{"spotify", "channels"}, {"slack", "plays"}};
  CAF_CHECK_EQUAL(store_contract::trim_all(*store, rule), 1400u);
  CAF_CHECK_EQUAL(left("plays"), 31u);
  CAF_CHECK_EQUAL(left("channels"), 600u);
  // What has become old since goes with the next sweep, and what comes later is found.
  rule.items_before = nine(6000);
  CAF_CHECK_EQUAL(store_contract::trim_all(*store, rule), 30u);
  put(6, "plays", 3, nine(5500));
  CAF_CHECK_EQUAL(store_contract::trim_all(*store, rule), 3u);
  CAF_CHECK_EQUAL(left("plays"), 1u);
}

template <class Fixture>
void items_are_read_newest_first_page_by_page(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  connect(*store, a_connection(bob_github));
  const auto page = [&](const std::string& type, const std::string& after, std::size_t limit,
                        const connection_key& which = ann_spotify) {
    awaited<stored_items> answer;
    store->connections().items(which, type, after, limit, answer.callback());
    return answer.get();
  };
  std::vector<std::string> newest_first;
  for (sequence seq = 1; seq <= 7; ++seq) {
    const auto number = std::to_string(seq);
    auto effect = an_effect({{"a" + number, number}, {"b" + number, "-" + number}});
    if (seq % 2 == 0)
      effect.data_type = "currently_playing";
    CAF_REQUIRE(append_one(*store, with_effect(seq, "d" + number, std::move(effect))));
    newest_first.insert(newest_first.begin(), {"-" + number, number});
  }
  std::vector<std::string> got;
  std::string after;
  do {
    const auto some = page("", after, 4);
    CAF_REQUIRE(some);
    CAF_CHECK(some->items.size() <= 4);
    for (const auto& item : some->items) {
      got.push_back(item.json);
      CAF_CHECK_EQUAL(item.extracted_at, "2026-11-21T09:00:01.123Z");
      CAF_CHECK(!item.id.empty());
    }
    after = some->next;
  } while (!after.empty());
  CAF_CHECK(got == newest_first);
  const auto playing = page("currently_playing", "", 100);
  CAF_REQUIRE(playing);
  CAF_REQUIRE_EQUAL(playing->items.size(), 6u);
  CAF_CHECK_EQUAL(playing->items[0].json, "-6");
  CAF_CHECK_EQUAL(playing->items[0].data_type, "currently_playing");
  CAF_CHECK(playing->next.empty());
  CAF_CHECK(page("", "", 14)->next.empty()); // A page that is full and the last.
  CAF_CHECK(page("", "", 100, bob_github)->items.empty());
  CAF_CHECK(page("other", "", 100)->items.empty());
  for (const char* wrong : {"x", "5x", "-", "99999999999999999999"})
    CAF_CHECK(page("", wrong, 4).error().code == errc::bad_request);
  // Heavy ones come in more pages, none without an item.
  CAF_REQUIRE(append_one(
    *store, with_effect(8, "d8",
                        an_effect({{"x", "\"" + std::string(5'000'000, 'x') + "\""},
                                   {"y", "\"" + std::string(5'000'000, 'y') + "\""}}))));
  const auto heavy = page("", "", 100);
  CAF_REQUIRE(heavy);
  CAF_REQUIRE_EQUAL(heavy->items.size(), 1u);
  CAF_CHECK_EQUAL(page("", heavy->next, 100)->items.size(), 1u);
}

} // namespace lapwing::connection_contract
