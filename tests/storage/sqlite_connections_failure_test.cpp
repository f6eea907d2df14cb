// What becomes of connections when the disk lets the store down, or the process is killed.
#define CAF_SUITE sqlite_connections_failure

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <cstdint>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/sqlite_store.hpp"
#include "tests/storage/connection_calls.hpp"
#include "tests/storage/fault_vfs.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::connection_contract;

struct failing_disk {
  failing_disk() { fault_vfs::instance().set(disk_fault::none); }
  ~failing_disk() { fault_vfs::instance().set(disk_fault::none); }

  std::unique_ptr<sqlite_store> open() {
    sqlite_options options;
    options.path = directory.file("lapwing.db");
    options.lock_wait = {};
    options.encryption_keys = {second_key, first_key};
    auto store = sqlite_store::open_file(std::move(options));
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }

  void a_fault_leaves_all_as_it_was(disk_fault fault) {
    auto store = open();
    connect(*store, a_connection());
    CAF_REQUIRE(save_registration(*store, ann_spotify, a_registration()));
    CAF_REQUIRE(put_state(*store, a_state()));
    fault_vfs::instance().set(fault);
    const auto unavailable = [](const auto& answer) {
      return !answer && answer.error().code == errc::store_unavailable
             && answer.error().detail.find("lapwing.db") == std::string::npos;
    };
    for (int attempt = 0; attempt < 2; ++attempt) {
      awaited<std::uint64_t> connected;
      store->connections().connect(a_connection(bob_github), nine(), connected.callback());
      CAF_CHECK(unavailable(connected.get()));
      CAF_CHECK(unavailable(note_refresh(*store, ann_spotify, 1, nine())));
      CAF_CHECK(unavailable(save_tokens(*store, ann_spotify, 1, other_tokens())));
      CAF_CHECK(unavailable(
        save_status(*store, ann_spotify, connection_status::needs_reauth, "a", "b")));
      CAF_CHECK(unavailable(save_progress(*store, ann_spotify, some_progress(), nine())));
      CAF_CHECK(unavailable(save_registration(*store, ann_spotify, a_registration("other"))));
      CAF_CHECK(unavailable(remove_registration(*store, ann_spotify, "octo/repo")));
      CAF_CHECK(unavailable(set_due(*store, ann_spotify, nine(1'000'000))));
      CAF_CHECK(unavailable(put_state(*store, a_state("state-2"))));
      CAF_CHECK(unavailable(take_state(*store, "state-1")));
      CAF_CHECK(unavailable(append_one(*store, with_effect(1, "d1", an_effect()))));
      CAF_CHECK(unavailable(disconnect(*store, ann_spotify)));
    }
    fault_vfs::instance().set(disk_fault::none);
    for (int round = 0; round < 2; ++round) {
      const auto loaded = load(*store);
      CAF_CHECK(same_tokens(loaded.at.tokens, a_connection().tokens));
      CAF_CHECK_EQUAL(loaded.at.token_version, 1u);
      CAF_CHECK(loaded.at.status == connection_status::connected);
      CAF_CHECK(!loaded.at.refresh_began);
      CAF_CHECK(!loaded.at.last_sync);
      CAF_CHECK(loaded.polls.empty());
      CAF_REQUIRE_EQUAL(loaded.registrations.size(), 1u);
      CAF_CHECK_EQUAL(loaded.registrations[0].secret, "plain-hook-secret");
      CAF_CHECK(!*try_load(*store, bob_github));
      CAF_CHECK_EQUAL(due(*store, nine(80'000)).size(), 1u);
      CAF_CHECK_EQUAL(unknown_keys(*store, ann_spotify, "recently_played", {"k1"})->size(), 1u);
      CAF_CHECK(store_contract::numbers(*store, ann).empty());
      if (round == 0) {
        store.reset();
        store = open();
      }
    }
    CAF_CHECK(!*take_state(*store, "state-2"));
    CAF_CHECK(*take_state(*store, "state-1"));
    CAF_CHECK(*save_tokens(*store, ann_spotify, 1, other_tokens()));
    const auto stored = append_one(*store, with_effect(1, "d1", an_effect()));
    CAF_REQUIRE(stored);
    CAF_CHECK(stored->outcome == append_outcome::stored);
    CAF_CHECK_EQUAL(load(*store).polls.size(), 1u);
  }

  scratch_directory directory;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_connections_failure_cases, failing_disk)

CAF_TEST(a full disk leaves connections as they were) {
  a_fault_leaves_all_as_it_was(disk_fault::full);
}
CAF_TEST(a read only disk leaves connections as they were) {
  a_fault_leaves_all_as_it_was(disk_fault::read_only);
}
CAF_TEST(a failing write leaves connections as they were) {
  a_fault_leaves_all_as_it_was(disk_fault::write_failure);
}
CAF_TEST(a failing sync leaves connections as they were) {
  a_fault_leaves_all_as_it_was(disk_fault::sync_failure);
}

CAF_TEST(a failing read is answered and loading works again after it) {
  {
    auto store = open();
    for (int i = 0; i < 200; ++i)
      connect(*store, a_connection({user_id{"u" + std::to_string(i)}, platform_id{"spotify"}}));
    connect(*store, a_connection());
  }
  auto store = open(); // With cold caches.
  fault_vfs::instance().set(disk_fault::read_failure);
  CAF_CHECK(try_load(*store, ann_spotify).error().code == errc::store_unavailable);
  fault_vfs::instance().set(disk_fault::none);
  CAF_CHECK(same_tokens(load(*store).at.tokens, a_connection().tokens));
}

/// A child refreshes and polls until it is killed; every answer it got must be found, and an event
/// is there exactly if what it tells of is.
CAF_TEST(no token and no cursor that was acknowledged is lost when the process is killed) {
  for (int round = 0; round < 4; ++round) {
    scratch_directory place;
    const auto open_there = [&place] {
      sqlite_options options;
      options.path = place.file("lapwing.db");
      options.encryption_keys = {first_key};
      return sqlite_store::open_file(std::move(options));
    };
    struct note {
      std::uint64_t version;
      std::uint64_t event;
    };
    int channel[2];
    CAF_REQUIRE_EQUAL(::pipe(channel), 0);
    const pid_t child = ::fork();
    CAF_REQUIRE(child >= 0);
    if (child == 0) {
      ::close(channel[0]);
      auto store = open_there();
      if (!store)
        ::_exit(1);
      const auto tell = [out = channel[1]](note what) {
        if (::write(out, &what, sizeof what) != sizeof what)
          ::_exit(1);
      };
      connect(**store, a_connection());
      for (std::uint64_t n = 1;; ++n) {
        auto tokens = other_tokens();
        tokens.refresh_token = "refresh-" + std::to_string(n + 1);
        (*store)->connections().save_tokens(
          ann_spotify, n, std::move(tokens), nine(), [&tell, n](const auto& swapped) {
            if (swapped && *swapped)
              tell({n + 1, 0});
          });
        auto effect = an_effect({{"k" + std::to_string(n), "{}"}});
        effect.progress.cursor = std::to_string(n);
        awaited<std::vector<append_result>> stored;
        std::vector<append_request> batch;
        batch.push_back(with_effect(n, "d" + std::to_string(n), std::move(effect)));
        (*store)->append(std::move(batch), stored.callback());
        if (stored.get())
          tell({0, n});
      }
    }
    ::close(channel[1]);
    note last{0, 0};
    note got{0, 0};
    for (int count = 0; ::read(channel[0], &got, sizeof got) == sizeof got;) {
      last.version = std::max(last.version, got.version);
      last.event = std::max(last.event, got.event);
      if (++count == 100 + 150 * round)
        ::kill(child, SIGKILL);
    }
    ::close(channel[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CAF_CHECK(WIFSIGNALED(status));
    auto store = std::move(*open_there());
    const auto loaded = load(*store);
    CAF_CHECK(loaded.at.token_version >= last.version);
    CAF_CHECK_EQUAL(loaded.at.tokens.refresh_token,
                    "refresh-" + std::to_string(loaded.at.token_version));
    const auto newest = store_contract::state_of(*store, ann).newest;
    CAF_CHECK(newest >= last.event);
    CAF_CHECK_EQUAL(loaded.polls.at(0).cursor, std::to_string(newest));
    const std::vector<std::string> next{"k" + std::to_string(newest + 1)};
    CAF_CHECK(*unknown_keys(*store, ann_spotify, "recently_played",
                            {"k1", "k" + std::to_string(newest), next[0]})
              == next);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
