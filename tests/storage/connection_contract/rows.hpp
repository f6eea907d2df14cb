// Promises of core/connection_store.hpp about the row of a connection, its tokens and its status.
// The fixture is that of connection_store_contract.hpp.
#pragma once

#include <atomic>
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
