// Promises of core/connection_store.hpp about how far endpoints were read, what is due, and registrations.
// The fixture is that of connection_store_contract.hpp.
#pragma once

#include <chrono>

#include "tests/storage/connection_calls.hpp"

namespace lapwing::connection_contract {

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

} // namespace lapwing::connection_contract
