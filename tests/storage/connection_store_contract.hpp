// What every connection_store promises (core/connection_store.hpp), as cases over a factory: a
// store's test file calls each of them, so that SQLite and PostgreSQL are held to the same words.
//
// A fixture is:
//   struct fixture {
//     // A store over the fixture's one empty database, which is there again when opened after the
//     // last was closed, with these encryption keys (newest first).
//     std::unique_ptr<node_store> open(std::vector<std::string> keys = {first_key});
//     // The bytes of the database where it is kept, all of them; no store is open.
//     std::string raw_bytes();
//     // One number or text of the database; no store is open.
//     std::string value_of(const std::string& sql);
//   };
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/storage/connection_calls.hpp"

namespace lapwing::connection_contract {

template <class Fixture>
void what_was_connected_is_there_after_a_restart(Fixture& fixture) {
  {
    auto store = fixture.open();
    CAF_CHECK_EQUAL(connect(*store, a_connection()), 1u);
    CAF_CHECK(*save_progress(*store, ann_spotify, some_progress(), nine(1'801'000)));
    CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
    // The user exists now, and their log may be opened (CONTRACT 3).
    CAF_CHECK(store_contract::state_of(*store, ann).known);
  }
  auto store = fixture.open();
  const auto loaded = load(*store);
  CAF_CHECK_EQUAL(loaded.at.user.str(), "ann");
  CAF_CHECK_EQUAL(loaded.at.platform.str(), "spotify");
  CAF_CHECK_EQUAL(loaded.at.account, "ann@example.com");
  CAF_CHECK(same_tokens(loaded.at.tokens, a_connection().tokens));
  CAF_CHECK_EQUAL(loaded.at.token_version, 1u);
  CAF_CHECK(loaded.at.status == connection_status::connected);
  CAF_CHECK(loaded.at.cause.empty());
  CAF_CHECK(loaded.at.message.empty());
  CAF_CHECK(loaded.at.granted_at == nine());
  CAF_CHECK(loaded.at.last_sync == nine(1000));
  CAF_CHECK(!loaded.at.refresh_began);
  CAF_REQUIRE_EQUAL(loaded.polls.size(), 1u);
  const auto& poll = loaded.polls[0];
  CAF_CHECK_EQUAL(poll.endpoint, "recently_played");
  CAF_CHECK_EQUAL(poll.cursor, "1795251600000");
  CAF_CHECK_EQUAL(poll.etag, "\"etag\"");
  CAF_CHECK(poll.last_poll == nine(1000));
  CAF_CHECK(poll.due == nine(1'801'000));
  CAF_CHECK_EQUAL(poll.failure_count, 0u);
  CAF_REQUIRE_EQUAL(loaded.registrations.size(), 1u);
  const auto& hook = loaded.registrations[0];
  CAF_CHECK_EQUAL(hook.resource, "octo/repo");
  CAF_CHECK_EQUAL(hook.external_id, "hook-1");
  CAF_CHECK_EQUAL(hook.secret, "plain-hook-secret");
  CAF_CHECK_EQUAL(hook.status, "active");
  CAF_CHECK_EQUAL(hook.details, "{\"a\":1}");
  CAF_CHECK(hook.expires_at == nine(86'400'000));
  CAF_CHECK(hook.renew_at == nine(80'000'000));
  CAF_CHECK(hook.last_delivery == nine(5000));
  CAF_CHECK(!*try_load(*store, bob_github));
}

template <class Fixture>
void what_is_empty_stays_empty(Fixture& fixture) {
  auto store = fixture.open();
  connection bare;
  bare.user = bob_github.user;
  bare.platform = bob_github.platform;
  bare.tokens.access_token = "plain-access-token-1";
  connect(*store, bare);
  auto odd = some_progress("");
  odd.cursor.clear();
  odd.last_poll.reset();
  CAF_CHECK(*save_progress(*store, bob_github, odd, nine()));
  registration empty;
  empty.status = "pending";
  CAF_CHECK(*save_registration(*store, bob_github, empty));
  const auto loaded = load(*store, bob_github);
  CAF_CHECK(same_tokens(loaded.at.tokens, bare.tokens));
  CAF_CHECK(loaded.at.account.empty());
  CAF_CHECK(!loaded.at.last_sync);
  CAF_CHECK(loaded.polls.at(0).cursor.empty());
  CAF_CHECK(!loaded.polls.at(0).last_poll);
  CAF_CHECK(loaded.registrations.at(0).external_id.empty());
  CAF_CHECK(loaded.registrations.at(0).secret.empty());
  CAF_CHECK(!loaded.registrations.at(0).expires_at);
}

template <class Fixture>
void connecting_again_renews_and_keeps_what_was_read(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  CAF_CHECK(*save_progress(*store, ann_spotify, some_progress(), nine(1'801'000)));
  CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
  CAF_CHECK(*note_refresh(*store, ann_spotify, {1, {}, nine(2000), "it failed"}));
  CAF_CHECK(*save_status(*store, ann_spotify, connection_status::needs_reauth, "invalid_grant",
                         "Connect Spotify again."));
  auto fresh = a_connection();
  fresh.tokens = {"plain-access-token-3", "", std::nullopt, std::nullopt, "one"};
  fresh.granted_at = nine(9'000'000);
  CAF_CHECK_EQUAL(connect(*store, fresh, nine(9'100'000)), 2u);
  const auto loaded = load(*store);
  CAF_CHECK(same_tokens(loaded.at.tokens, fresh.tokens));
  CAF_CHECK_EQUAL(loaded.at.account, "ann@example.com");
  CAF_CHECK_EQUAL(loaded.at.token_version, 2u);
  CAF_CHECK(loaded.at.status == connection_status::connected);
  CAF_CHECK(loaded.at.cause.empty());
  CAF_CHECK(loaded.at.message.empty());
  CAF_CHECK(loaded.at.granted_at == nine(9'000'000));
  CAF_CHECK(!loaded.at.refresh_began);
  CAF_CHECK_EQUAL(loaded.at.refresh_memory, "");
  CAF_CHECK(loaded.at.last_sync == nine(1000));
  CAF_CHECK_EQUAL(loaded.polls.size(), 1u);
  CAF_CHECK_EQUAL(loaded.registrations.size(), 1u);
  CAF_CHECK(due(*store, nine(9'099'999)).empty());
  CAF_CHECK_EQUAL(due(*store, nine(9'100'000)).size(), 1u);
}

template <class Fixture>
void connecting_another_account_begins_anew_and_keeps_the_items(Fixture& fixture) {
  auto store = fixture.open();
  auto fresh = a_connection();
  fresh.account = ""; // The platform has not said whose it is.
  connect(*store, fresh);
  CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
  CAF_REQUIRE(append_one(*store, with_effect(1, "d1", an_effect())));
  const auto kept = [&](std::size_t count) {
    const auto loaded = load(*store);
    CAF_CHECK_EQUAL(loaded.polls.size(), count);
    CAF_CHECK_EQUAL(loaded.registrations.size(), count);
  };
  // A name that was or is not known proves nothing.
  for (const char* account : {"ann@example.com", "ann@example.com", "", "ann@example.com"}) {
    fresh.account = account;
    connect(*store, fresh);
    kept(1);
  }
  fresh.account = "ann@example.org";
  connect(*store, fresh);
  kept(0);
  CAF_CHECK_EQUAL(load(*store).at.account, "ann@example.org");
  CAF_CHECK(unknown_keys(*store, ann_spotify, "recently_played", {"k1"})->empty());
  // Of nobody else.
  CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
  connect(*store, a_connection(bob_github));
  fresh = a_connection(bob_github);
  fresh.account = "bob@example.org";
  connect(*store, fresh);
  CAF_CHECK_EQUAL(load(*store).registrations.size(), 1u);
}

template <class Fixture>
void of_several_who_would_refresh_one_may(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  const auto note = [&](refresh_note what) { return *note_refresh(*store, ann_spotify, what); };
  CAF_CHECK(note({1, {}, nine(10), "first"}));
  CAF_CHECK(!note({1, {}, nine(10), "second"}));
  CAF_CHECK(!note({1, nine(9), nine(11), "third"}));
  CAF_CHECK(!note({2, nine(10), nine(11), "other tokens"}));
  CAF_CHECK_EQUAL(load(*store).at.refresh_memory, "first");
  CAF_CHECK(load(*store).at.refresh_began == nine(10));
  // Who saw the last note goes on, or says that it is over.
  CAF_CHECK(note({1, nine(10), nine(11), "again"}));
  CAF_CHECK(note({1, nine(11), {}, "failed"}));
  CAF_CHECK(!load(*store).at.refresh_began);
  CAF_CHECK_EQUAL(load(*store).at.refresh_memory, "failed");
  CAF_CHECK_EQUAL(list(*store, user_id{"ann"}).at(0).at.refresh_memory, "failed");
  CAF_CHECK(note({1, {}, nine(12), "once more"}));
  CAF_CHECK(*save_tokens(*store, ann_spotify, 1, other_tokens()));
  CAF_CHECK_EQUAL(load(*store).at.refresh_memory, "once more");
  // Nobody refreshes what is over.
  CAF_CHECK(*save_status(*store, ann_spotify, connection_status::needs_reauth, "a", "b"));
  CAF_CHECK(!note({2, {}, nine(13), ""}));
  CAF_CHECK(*save_status(*store, ann_spotify, connection_status::degraded, "a", "b"));
  CAF_CHECK(note({2, {}, nine(13), ""}));
}

template <class Fixture>
void a_list_shows_all_of_a_user_and_no_secret(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  connect(*store, a_connection({user_id{"ann"}, platform_id{"github"}}));
  connect(*store, a_connection(bob_github));
  CAF_CHECK(*save_registration(*store, {user_id{"ann"}, platform_id{"github"}}, a_registration()));
  CAF_CHECK(*save_progress(*store, ann_spotify, some_progress(), nine(2000)));
  CAF_CHECK(*save_progress(*store, ann_spotify, some_progress("currently_playing"), nine(2000)));
  const auto all = list(*store, user_id{"ann"});
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0].at.platform.str(), "github");
  CAF_CHECK_EQUAL(all[1].at.platform.str(), "spotify");
  for (const auto& each : all) {
    CAF_CHECK(each.at.tokens.access_token.empty());
    CAF_CHECK(each.at.tokens.refresh_token.empty());
    CAF_CHECK(each.at.tokens.expires_at == nine(3'600'000));
    for (const auto& hook : each.registrations)
      CAF_CHECK(hook.secret.empty());
  }
  CAF_CHECK_EQUAL(all[0].registrations.size(), 1u);
  CAF_CHECK_EQUAL(all[1].polls.size(), 2u);
  CAF_CHECK(list(*store, user_id{"nobody"}).empty());
}

template <class Fixture>
void tokens_are_swapped_only_by_who_saw_the_last_ones(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  CAF_CHECK(!*note_refresh(*store, ann_spotify, 7, nine(10)));
  CAF_CHECK(!load(*store).at.refresh_began);
  CAF_CHECK(*note_refresh(*store, ann_spotify, 1, nine(10)));
  CAF_CHECK(load(*store).at.refresh_began == nine(10));
  CAF_CHECK(!*save_tokens(*store, ann_spotify, 7, other_tokens()));
  CAF_CHECK(load(*store).at.refresh_began == nine(10));
  CAF_CHECK(*save_tokens(*store, ann_spotify, 1, other_tokens()));
  auto loaded = load(*store);
  CAF_CHECK(same_tokens(loaded.at.tokens, other_tokens()));
  CAF_CHECK_EQUAL(loaded.at.token_version, 2u);
  CAF_CHECK(!loaded.at.refresh_began);
  CAF_CHECK_EQUAL(due(*store, nine(70'000)).size(), 1u);
  CAF_CHECK(due(*store, nine(69'999)).empty());
  CAF_CHECK(!*save_tokens(*store, ann_spotify, 1, a_connection().tokens));
  // What an answer leaves out stays; but no time of expiry means that there is none.
  CAF_CHECK(*save_tokens(*store, ann_spotify, 2, {"plain-access-token-3", "", {}, {}, ""}));
  auto expected = other_tokens();
  expected.access_token = "plain-access-token-3";
  expected.expires_at.reset();
  loaded = load(*store);
  CAF_CHECK(same_tokens(loaded.at.tokens, expected));
  CAF_CHECK_EQUAL(loaded.at.token_version, 3u);
}

/// Threads offer new tokens for every version they see: each version is replaced by one of them.
template <class Fixture>
void of_many_who_swap_at_once_one_wins(Fixture& fixture) {
  constexpr std::uint64_t rounds = 50;
  constexpr int thread_count = 6;
  auto store = fixture.open();
  connect(*store, a_connection());
  std::atomic<std::uint64_t> won{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t version = 1; version <= rounds; ++version) {
        token_set tokens = other_tokens();
        tokens.refresh_token = std::to_string(t) + "/" + std::to_string(version);
        const auto swapped = save_tokens(*store, ann_spotify, version, std::move(tokens));
        if (!swapped)
          ++failed;
        else if (*swapped)
          ++won;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CAF_CHECK_EQUAL(failed.load(), 0);
  CAF_CHECK_EQUAL(won.load(), rounds);
  CAF_CHECK_EQUAL(load(*store).at.token_version, rounds + 1);
}

template <class Fixture>
void a_status_says_why_and_the_row_shows_it(Fixture& fixture) {
  {
    auto store = fixture.open();
    connect(*store, a_connection());
    for (const auto status : {connection_status::degraded, connection_status::needs_reauth}) {
      CAF_CHECK(*save_status(*store, ann_spotify, status, "invalid_grant", "Connect it again."));
      const auto loaded = load(*store);
      CAF_CHECK(loaded.at.status == status);
      CAF_CHECK_EQUAL(loaded.at.cause, "invalid_grant");
      CAF_CHECK_EQUAL(loaded.at.message, "Connect it again.");
    }
  }
  CAF_CHECK_EQUAL(fixture.value_of("SELECT status FROM platform_connections"), "needs_reauth");
  CAF_CHECK_EQUAL(fixture.value_of("SELECT error_message FROM platform_connections"),
                  "Connect it again.");
  auto store = fixture.open();
  CAF_CHECK(*save_status(*store, ann_spotify, connection_status::connected));
  CAF_CHECK(load(*store).at.message.empty());
}

template <class Fixture>
void progress_is_kept_for_each_endpoint(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  CAF_CHECK(*save_progress(*store, ann_spotify, some_progress(), nine(500)));
  auto failed = some_progress("currently_playing");
  failed.cursor.clear();
  failed.etag.clear();
  failed.last_poll = nine(9000);
  failed.failure_count = 3;
  CAF_CHECK(*save_progress(*store, ann_spotify, failed, nine(400)));
  auto loaded = load(*store);
  CAF_REQUIRE_EQUAL(loaded.polls.size(), 2u);
  CAF_CHECK_EQUAL(loaded.polls[0].endpoint, "currently_playing");
  CAF_CHECK_EQUAL(loaded.polls[0].failure_count, 3u);
  CAF_CHECK(loaded.at.last_sync == nine(1000)); // A poll that failed is no sync.
  CAF_CHECK_EQUAL(due(*store, nine(400)).size(), 1u);
  auto moved = some_progress();
  moved.cursor = "later";
  moved.last_poll.reset();
  CAF_CHECK(*save_progress(*store, ann_spotify, moved, nine(600)));
  loaded = load(*store);
  CAF_REQUIRE_EQUAL(loaded.polls.size(), 2u);
  CAF_CHECK_EQUAL(loaded.polls[1].cursor, "later");
  CAF_CHECK(!loaded.polls[1].last_poll);
  CAF_CHECK(loaded.at.last_sync == nine(1000));
}

template <class Fixture>
void what_is_due_comes_soonest_first_and_no_more_than_asked_for(Fixture& fixture) {
  auto store = fixture.open();
  constexpr int count = 30;
  // 7 and 30 have no common factor: every due time once, out of order.
  for (int i = 0; i < count; ++i)
    connect(*store, a_connection({user_id{"u" + std::to_string(i)}, platform_id{"spotify"}}),
            nine(1000 * (i * 7 % count)));
  const auto key = [](int place) {
    for (int i = 0;; ++i) {
      if (i * 7 % count == place)
        return connection_key{user_id{"u" + std::to_string(i)}, platform_id{"spotify"}};
    }
  };
  auto some = due(*store, nine(19'000), 5);
  CAF_REQUIRE_EQUAL(some.size(), 5u);
  for (int place = 0; place < 5; ++place)
    CAF_CHECK(some[static_cast<std::size_t>(place)] == key(place));
  CAF_CHECK_EQUAL(due(*store, nine(19'000)).size(), 20u);
  CAF_CHECK(due(*store, nine(-1)).empty());
  CAF_CHECK(due(*store, nine(19'000), 0).empty());
  // Each platform is asked for alone.
  const connection_key other{user_id{"u0"}, platform_id{"github"}};
  connect(*store, a_connection(other), nine(-5000));
  CAF_CHECK_EQUAL(due(*store, nine(19'000)).size(), 20u);
  const auto others = due(*store, nine(19'000), 100, other.platform);
  CAF_REQUIRE_EQUAL(others.size(), 1u);
  CAF_CHECK(others[0] == other);
  CAF_CHECK(*set_due(*store, key(0), nine(100'000)));
  CAF_CHECK(due(*store, nine(19'000), 1).at(0) == key(1));
  // Who can do nothing is not asked for; who is only limping is.
  CAF_CHECK(*save_status(*store, key(1), connection_status::needs_reauth, "x", "y"));
  CAF_CHECK(*save_status(*store, key(2), connection_status::degraded, "x", "y"));
  CAF_CHECK(*disconnect(*store, key(3)));
  some = due(*store, nine(19'000), 2);
  CAF_REQUIRE_EQUAL(some.size(), 2u);
  CAF_CHECK(some[0] == key(2));
  CAF_CHECK(some[1] == key(4));
  // The timer of one that comes back is still there.
  CAF_CHECK(*save_status(*store, key(1), connection_status::connected));
  CAF_CHECK(due(*store, nine(19'000), 1).at(0) == key(1));
}

template <class Fixture>
void what_is_due_in_years_is_found_at_once(Fixture& fixture) {
  auto store = fixture.open();
  constexpr auto horizon = std::chrono::milliseconds{connection_store::due_horizon}.count();
  const auto first = connection_key{user_id{"ann"}, platform_id{"spotify"}};
  const auto second = connection_key{user_id{"bob"}, platform_id{"spotify"}};
  connect(*store, a_connection(first), nine(0));
  connect(*store, a_connection(second), nine(1000 * horizon));
  auto found = due(*store, nine(0));
  CAF_REQUIRE_EQUAL(found.size(), 2u);
  CAF_CHECK(found[0] == first);
  CAF_CHECK(found[1] == second);
  CAF_CHECK_EQUAL(due(*store, nine(0), 1).size(), 1u);
  CAF_CHECK(*set_due(*store, second, nine(horizon)));
  CAF_CHECK_EQUAL(due(*store, nine(0)).size(), 1u);
  CAF_CHECK(*set_due(*store, second, nine(horizon + 1)));
  CAF_CHECK_EQUAL(due(*store, nine(0)).size(), 2u);
}

template <class Fixture>
void registrations_are_kept_and_removed(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  connect(*store, a_connection(bob_github));
  CAF_CHECK(*save_registration(*store, bob_github, a_registration(), nine(50)));
  CAF_CHECK_EQUAL(due(*store, nine(50), 100, bob_github.platform).size(), 1u);
  registration only;
  only.status = "pending";
  CAF_CHECK(*save_registration(*store, ann_spotify, only));
  auto changed = a_registration();
  changed.external_id = "hook-2";
  changed.secret = "plain-hook-secret-2";
  changed.status = "failed";
  changed.cause = "refused";
  changed.expires_at.reset();
  changed.renew_at.reset();
  changed.last_delivery.reset();
  CAF_CHECK(*save_registration(*store, bob_github, changed));
  CAF_CHECK(*save_registration(*store, bob_github, a_registration("octo/other")));
  const auto loaded = load(*store, bob_github);
  CAF_REQUIRE_EQUAL(loaded.registrations.size(), 2u);
  CAF_CHECK_EQUAL(loaded.registrations[0].resource, "octo/other");
  const auto& hook = loaded.registrations[1];
  CAF_CHECK_EQUAL(hook.external_id, "hook-2");
  CAF_CHECK_EQUAL(hook.secret, "plain-hook-secret-2");
  CAF_CHECK_EQUAL(hook.status, "failed");
  CAF_CHECK_EQUAL(hook.cause, "refused");
  CAF_CHECK(!hook.expires_at);
  CAF_CHECK(!hook.renew_at);
  CAF_CHECK(!hook.last_delivery);
  CAF_CHECK(load(*store).registrations.at(0).secret.empty());
  CAF_CHECK(*remove_registration(*store, bob_github, "octo/other"));
  CAF_CHECK(!*remove_registration(*store, bob_github, "octo/other"));
  CAF_CHECK_EQUAL(load(*store, bob_github).registrations.size(), 1u);
}

template <class Fixture>
void a_state_that_is_none_of_ours_is_refused_alone(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  auto odd = a_registration();
  odd.status = "on fire";
  awaited<bool> before;
  awaited<bool> wrong;
  awaited<bool> after;
  auto& connections = store->connections();
  connections.set_due(ann_spotify, nine(1), before.callback());
  connections.save_registration(ann_spotify, odd, nine(2), wrong.callback());
  connections.save_progress(ann_spotify, some_progress(), nine(3), after.callback());
  CAF_CHECK(before.get());
  const auto refused = wrong.get();
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::internal);
  CAF_CHECK(after.get());
  const auto loaded = load(*store);
  CAF_CHECK(loaded.registrations.empty());
  CAF_CHECK_EQUAL(loaded.polls.size(), 1u);
}

template <class Fixture>
void what_is_not_there_is_not_found(Fixture& fixture) {
  auto store = fixture.open();
  connect(*store, a_connection());
  const auto not_found = [](const auto& answer) {
    return !answer && answer.error().code == errc::not_found;
  };
  CAF_CHECK(not_found(note_refresh(*store, nobody, 1, nine())));
  CAF_CHECK(not_found(save_tokens(*store, nobody, 1, other_tokens())));
  CAF_CHECK(not_found(save_status(*store, nobody, connection_status::degraded)));
  CAF_CHECK(not_found(save_progress(*store, nobody, some_progress(), nine())));
  CAF_CHECK(not_found(unknown_keys(*store, nobody, "x", {"k"})));
  CAF_CHECK(not_found(save_registration(*store, nobody, a_registration())));
  CAF_CHECK(not_found(remove_registration(*store, nobody, "octo/repo")));
  CAF_CHECK(not_found(disconnect(*store, nobody)));
  CAF_CHECK(not_found(set_due(*store, nobody, nine())));
  CAF_CHECK(!*try_load(*store, nobody));
  CAF_CHECK_EQUAL(load(*store).at.token_version, 1u);
}

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

template <class Fixture>
void disconnecting_forgets_all_but_the_history(Fixture& fixture) {
  {
    auto store = fixture.open();
    connect(*store, a_connection());
    CAF_CHECK(*save_registration(*store, ann_spotify, a_registration()));
    CAF_CHECK(*note_refresh(*store, ann_spotify, {1, {}, nine(), "it failed"}));
    CAF_REQUIRE(append_one(*store, with_effect(1, "d1", an_effect())));
    CAF_CHECK(*disconnect(*store, ann_spotify));
    CAF_CHECK(*disconnect(*store, ann_spotify));
    const auto loaded = load(*store);
    CAF_CHECK(loaded.at.status == connection_status::disconnected);
    CAF_CHECK(same_tokens(loaded.at.tokens, token_set{}));
    CAF_CHECK(loaded.polls.empty());
    CAF_CHECK(loaded.registrations.empty());
    CAF_CHECK(!loaded.at.refresh_began);
    CAF_CHECK_EQUAL(loaded.at.refresh_memory, "");
    CAF_CHECK(loaded.at.last_sync == nine(1000));
    CAF_CHECK(loaded.at.token_version > 1u);
    // Whoever was at work when it happened changes nothing any more.
    const auto version = loaded.at.token_version;
    CAF_CHECK(!*save_tokens(*store, ann_spotify, 1, other_tokens()));
    CAF_CHECK(!*save_tokens(*store, ann_spotify, version, other_tokens()));
    CAF_CHECK(!*note_refresh(*store, ann_spotify, 1, nine()));
    CAF_CHECK(!*note_refresh(*store, ann_spotify, version, nine()));
    CAF_CHECK(!*save_status(*store, ann_spotify, connection_status::connected));
    CAF_CHECK(!*save_progress(*store, ann_spotify, some_progress(), nine()));
    CAF_CHECK(!*save_registration(*store, ann_spotify, a_registration()));
    CAF_CHECK(!*set_due(*store, ann_spotify, nine()));
    CAF_CHECK(load(*store).at.status == connection_status::disconnected);
    CAF_CHECK(load(*store).registrations.empty());
    CAF_CHECK(due(*store, nine(1'000'000'000)).empty());
    CAF_CHECK(unknown_keys(*store, ann_spotify, "recently_played", {"k1"})->empty());
  }
  for (const char* column : {"access_token", "refresh_token"})
    CAF_CHECK_EQUAL(fixture.value_of("SELECT count(" + std::string{column}
                                     + ") FROM platform_connections"),
                    "0");
  CAF_CHECK_EQUAL(fixture.value_of("SELECT count(*) FROM platform_webhooks"), "0");
  CAF_CHECK_EQUAL(fixture.value_of("SELECT count(*) FROM poll_progress"), "0");
  auto store = fixture.open();
  CAF_CHECK(connect(*store, a_connection()) > 2u);
  CAF_CHECK(same_tokens(load(*store).at.tokens, a_connection().tokens));
  CAF_CHECK(*save_status(*store, ann_spotify, connection_status::disconnected, "by_operator",
                         "Switched off."));
  const auto loaded = load(*store);
  CAF_CHECK(loaded.at.tokens.access_token.empty());
  CAF_CHECK_EQUAL(loaded.at.cause, "by_operator");
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

template <class Fixture>
void every_call_is_answered_once_also_when_the_connections_close(Fixture& fixture) {
  std::atomic<int> asked{0};
  std::atomic<int> answered{0};
  const auto count = [&](const auto&) { ++answered; };
  {
    auto store = fixture.open({second_key, first_key});
    auto& connections = store->connections();
    for (int i = 0; i < 500; ++i) {
      asked += 17;
      const connection_key key{user_id{"u" + std::to_string(i % 20)}, platform_id{"spotify"}};
      const auto state = "s" + std::to_string(i);
      connections.put_oauth_state(a_state(state), count);
      connections.take_oauth_state(state, nine(), count);
      connections.connect(a_connection(key), nine(), count);
      connections.load(key, count);
      connections.list(key.user, count);
      connections.note_refresh(key, {1, {}, nine(), ""}, count);
      connections.save_tokens(key, 1, other_tokens(), nine(), count);
      connections.save_status(key, connection_status::degraded, "a", "b", count);
      connections.save_progress(key, some_progress(), nine(), count);
      connections.unknown_keys(key, "x", {"a", "b"}, count);
      connections.save_registration(key, a_registration(), nine(), count);
      connections.remove_registration(key, "octo/repo", count);
      connections.due(platform_id{"spotify"}, nine(), 10, count);
      connections.set_due(key, nine(), count);
      connections.items(key, "", "", 10, count);
      connections.reencrypt(5, count);
      connections.disconnect(key, count);
    }
  }
  CAF_CHECK_EQUAL(answered.load(), asked.load());
}

} // namespace lapwing::connection_contract
