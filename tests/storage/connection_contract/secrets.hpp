// Promises of core/connection_store.hpp about what is sealed, and the states of an authorization.
// The fixture is that of connection_store_contract.hpp.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/storage/connection_calls.hpp"

namespace lapwing::connection_contract {

template <class Fixture>
void a_state_is_good_once_and_not_for_long(Fixture& fixture) {
  auto store = fixture.open();
  CAF_CHECK(put_state(*store, a_state()));
  CAF_CHECK(!*take_state(*store, "state-2"));
  const auto taken = *take_state(*store, "state-1");
  CAF_REQUIRE(taken);
  CAF_CHECK_EQUAL(taken->state, "state-1");
  CAF_CHECK(taken->of == ann_spotify);
  CAF_CHECK_EQUAL(taken->verifier, "plain-verifier");
  CAF_CHECK_EQUAL(taken->redirect_to, "/done");
  CAF_CHECK(taken->expires_at == nine(600'000));
  CAF_CHECK(!*take_state(*store, "state-1"));
  CAF_CHECK(put_state(*store, a_state("late")));
  CAF_CHECK(!*take_state(*store, "late", nine(600'000)));
  CAF_CHECK(!*take_state(*store, "late", nine(0)));
  auto bare = a_state("bare");
  bare.verifier.clear();
  bare.redirect_to.clear();
  CAF_CHECK(put_state(*store, bare));
  store.reset();
  store = fixture.open();
  const auto kept = *take_state(*store, "bare", nine(599'999));
  CAF_REQUIRE(kept);
  CAF_CHECK(kept->verifier.empty());
  CAF_CHECK(kept->redirect_to.empty());
}

template <class Fixture>
void of_many_who_take_a_state_one_gets_it(Fixture& fixture) {
  constexpr int state_count = 200;
  constexpr int thread_count = 8;
  auto store = fixture.open();
  for (int i = 0; i < state_count; ++i)
    CAF_REQUIRE(put_state(*store, a_state("s" + std::to_string(i))));
  std::atomic<int> taken{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < state_count; ++i) {
        const auto state = take_state(*store, "s" + std::to_string(i));
        if (!state)
          ++failed;
        else if (*state)
          ++taken;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CAF_CHECK_EQUAL(failed.load(), 0);
  CAF_CHECK_EQUAL(taken.load(), state_count);
}

template <class Fixture>
void states_that_nobody_came_back_for_are_dropped(Fixture& fixture) {
  {
    auto store = fixture.open();
    for (int i = 0; i < 150; ++i)
      CAF_REQUIRE(put_state(*store, a_state("old" + std::to_string(i))));
    for (int i = 0; i < 2; ++i) {
      auto later = a_state("new" + std::to_string(i));
      later.expires_at = nine(600'000 + 24 * 3'600'000 + 1);
      CAF_REQUIRE(put_state(*store, later));
    }
  }
  CAF_CHECK_EQUAL(fixture.value_of("SELECT count(*) FROM oauth_states"), "2");
}

template <class Fixture>
void no_secret_is_readable_where_the_database_is_kept(Fixture& fixture) {
  {
    auto store = fixture.open();
    connect(*store, a_connection());
    CAF_CHECK(*save_tokens(*store, ann_spotify, 1, other_tokens()));
    CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
    CAF_REQUIRE(put_state(*store, a_state()));
  }
  const auto bytes = fixture.raw_bytes();
  CAF_CHECK(bytes.find("ann@example.com") != std::string::npos);
  CAF_CHECK(bytes.find("state-1") != std::string::npos);
  for (const char* secret : {"plain-access-token", "plain-refresh-token", "plain-hook-secret",
                             "plain-verifier"})
    CAF_CHECK(bytes.find(secret) == std::string::npos);
}

template <class Fixture>
void without_keys_all_works_but_what_needs_them(Fixture& fixture) {
  {
    auto store = fixture.open();
    connect(*store, a_connection());
    CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
    CAF_REQUIRE(put_state(*store, a_state()));
  }
  auto store = fixture.open(std::vector<std::string>{});
  const auto not_configured = [](const auto& answer) {
    return !answer && answer.error().code == errc::not_configured;
  };
  awaited<std::uint64_t> connected;
  store->connections().connect(a_connection(bob_github), nine(), connected.callback());
  CAF_CHECK(not_configured(connected.get()));
  CAF_CHECK(not_configured(try_load(*store, ann_spotify)));
  CAF_CHECK(not_configured(save_tokens(*store, ann_spotify, 1, other_tokens())));
  CAF_CHECK(not_configured(save_registration(*store, ann_spotify, a_registration())));
  CAF_CHECK(not_configured(put_state(*store, a_state("state-2"))));
  CAF_CHECK(not_configured(take_state(*store, "state-1")));
  CAF_CHECK(not_configured(reencrypt(*store, 10)));
  CAF_CHECK_EQUAL(list(*store, user_id{"ann"}).size(), 1u);
  CAF_CHECK_EQUAL(due(*store, nine(80'000)).size(), 1u);
  CAF_CHECK(*save_progress(*store, ann_spotify, some_progress(), nine()));
  CAF_CHECK(*save_status(*store, ann_spotify, connection_status::degraded, "no_key", "No key."));
  registration open_hook;
  open_hook.status = "active";
  CAF_CHECK(*save_registration(*store, ann_spotify, open_hook));
  CAF_CHECK(append_one(*store, with_effect(1, "d1", an_effect())));
  CAF_CHECK(store_contract::check(*store));
  // Without secrets nothing has to be opened.
  CAF_CHECK(*disconnect(*store, ann_spotify));
  CAF_CHECK(load(*store).at.status == connection_status::disconnected);
}

template <class Fixture>
void secrets_move_to_the_newest_key(Fixture& fixture) {
  constexpr int count = 25;
  const auto key_of = [](int i) {
    return connection_key{user_id{"u" + std::to_string(i)}, platform_id{"spotify"}};
  };
  {
    auto store = fixture.open({first_key});
    for (int i = 0; i < count; ++i) {
      connect(*store, a_connection(key_of(i)));
      CAF_CHECK(*save_registration(*store, key_of(i), a_registration()));
    }
    CAF_REQUIRE(put_state(*store, a_state()));
    CAF_CHECK_EQUAL(*reencrypt(*store, 100), 0u);
  }
  {
    auto store = fixture.open({second_key, first_key});
    // What is new is sealed with the new key at once, what is old can be read.
    connect(*store, a_connection());
    CAF_CHECK(same_tokens(load(*store, key_of(3)).at.tokens, a_connection().tokens));
    CAF_CHECK_EQUAL(*reencrypt(*store, 0), 3u * count + 1);
    CAF_CHECK_EQUAL(*reencrypt(*store, 30), 3u * count + 1);
    CAF_CHECK_EQUAL(*reencrypt(*store, 30), 3u * count + 1 - 30);
    CAF_CHECK_EQUAL(*reencrypt(*store, 30), 16u);
    CAF_CHECK_EQUAL(*reencrypt(*store, 30), 0u);
    CAF_CHECK_EQUAL(load(*store, key_of(3)).at.token_version, 1u);
  }
  auto store = fixture.open({second_key});
  for (int i = 0; i < count; ++i) {
    const auto loaded = load(*store, key_of(i));
    CAF_CHECK(same_tokens(loaded.at.tokens, a_connection().tokens));
    CAF_CHECK_EQUAL(loaded.registrations.at(0).secret, "plain-hook-secret");
  }
  CAF_CHECK((*take_state(*store, "state-1"))->verifier == "plain-verifier");
  store.reset();
  // A key that is gone makes what it sealed unreadable, and nothing else.
  store = fixture.open({first_key});
  CAF_CHECK(try_load(*store, key_of(3)).error().code == errc::not_configured);
  CAF_CHECK(reencrypt(*store, 30).error().code == errc::not_configured);
  connect(*store, a_connection(key_of(3)));
  CAF_CHECK(*save_registration(*store, key_of(3), a_registration()));
  CAF_CHECK(same_tokens(load(*store, key_of(3)).at.tokens, a_connection().tokens));
}

} // namespace lapwing::connection_contract
