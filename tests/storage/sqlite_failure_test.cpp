// What the SQLite store does when the disk, another process or the machine lets it down.
#define CAF_SUITE sqlite_failure

#include "tests/support/caf_test.hpp"

#include <cstdio>
#include <fstream>
#include <set>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/sqlite.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/storage/event_store_contract.hpp"
#include "tests/storage/fault_vfs.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::store_contract;

struct failing_disk {
  failing_disk() { fault_vfs::instance().set(disk_fault::none); }
  ~failing_disk() { fault_vfs::instance().set(disk_fault::none); }

  result<std::unique_ptr<sqlite_store>> try_open() {
    sqlite_options options;
    options.path = directory.file("lapwing.db");
    options.lock_wait = {};
    options.read_bytes_max = 1'000'000;
    return sqlite_store::open_file(options);
  }
  std::unique_ptr<sqlite_store> open() {
    auto store = try_open();
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }

  void a_fault_is_survived(disk_fault fault) {
    auto store = open();
    auto& disk = fault_vfs::instance();
    CAF_REQUIRE(append_one(*store, a_request(ann, 1, "d1")));
    disk.set(fault);
    // Twice, and a new log in it: what the store remembered of the failed attempt must be gone too.
    for (int attempt = 0; attempt < 2; ++attempt) {
      awaited<std::vector<append_result>> first;
      awaited<std::vector<append_result>> second;
      store->append({a_request(ann, 2, "d2"), a_request(ann, 3, "d3")}, first.callback());
      store->append({a_request(bob, 1, "b1")}, second.callback());
      const auto refused = first.get();
      CAF_REQUIRE(!refused);
      CAF_CHECK(refused.error().code == errc::store_unavailable);
      CAF_CHECK(refused.error().detail.find("lapwing.db") == std::string::npos);
      CAF_CHECK(second.get().error().code == errc::store_unavailable);
      CAF_CHECK(put_user(*store, user_id{"carl"}).error().code == errc::store_unavailable);
      CAF_CHECK(check(*store).error().code == errc::store_unavailable);
    }
    disk.set(disk_fault::none);
    const std::vector<sequence> before{1};
    CAF_CHECK(numbers(*store, ann) == before);
    CAF_CHECK(numbers(*store, bob).empty());
    CAF_CHECK(check(*store));
    // The redelivery is fresh, and its number free.
    CAF_CHECK(append_one(*store, a_request(bob, 1, "b1"))->outcome == append_outcome::stored);
    auto again = append(*store, {a_request(ann, 2, "d2"), a_request(ann, 3, "d3")});
    CAF_REQUIRE(again);
    CAF_CHECK(again->at(0).outcome == append_outcome::stored);
    CAF_CHECK(again->at(1).outcome == append_outcome::stored);
    store.reset();
    store = open();
    const std::vector<sequence> after{1, 2, 3};
    CAF_CHECK(numbers(*store, ann) == after);
    CAF_CHECK(!state_of(*store, log_id::of(user_id{"carl"})).known);
  }

  scratch_directory directory;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_failure_cases, failing_disk)

CAF_TEST(a full disk refuses and leaves no trace and is recovered from) {
  a_fault_is_survived(disk_fault::full);
}
CAF_TEST(a read only disk refuses and leaves no trace and is recovered from) {
  a_fault_is_survived(disk_fault::read_only);
}
CAF_TEST(a failing write refuses and leaves no trace and is recovered from) {
  a_fault_is_survived(disk_fault::write_failure);
}
CAF_TEST(a failing sync refuses and leaves no trace and is recovered from) {
  a_fault_is_survived(disk_fault::sync_failure);
}

CAF_TEST(a failing read is answered and recovered from) {
  {
    auto store = open();
    std::vector<append_request> batch;
    for (sequence seq = 1; seq <= 100; ++seq)
      batch.push_back({an_event(ann, seq, at(1), std::string(5'000, 'x')), "github", {}});
    CAF_REQUIRE(append(*store, std::move(batch)));
  }
  auto store = open(); // With cold caches.
  fault_vfs::instance().set(disk_fault::read_failure);
  auto refused = read(*store, ann);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::store_unavailable);
  fault_vfs::instance().set(disk_fault::none);
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), 100u);
}

CAF_TEST(a queue that is full refuses at once) {
  sqlite_options options;
  options.path = directory.file("lapwing.db");
  options.queue_max = 4;
  auto store = std::move(*sqlite_store::open_file(options));
  std::vector<append_request> batch;
  for (sequence seq = 1; seq <= 5; ++seq)
    batch.push_back(a_request(ann, seq));
  auto refused = append(*store, std::move(batch));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::store_unavailable);
  CAF_CHECK(append(*store, {a_request(ann, 1), a_request(ann, 2)}));
}

CAF_TEST(a lock held by another program is answered and recovered from) {
  auto store = open();
  sqlite_connection other{directory.file("lapwing.db"), open_mode::create};
  other.execute("BEGIN IMMEDIATE");
  auto refused = append_one(*store, a_request(ann, 1));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::store_unavailable);
  other.execute("COMMIT");
  CAF_CHECK(append_one(*store, a_request(ann, 1)));
}

CAF_TEST(two nodes cannot use one data directory) {
  auto store = open();
  auto second = try_open();
  CAF_REQUIRE(!second);
  CAF_CHECK(second.error().code == errc::store_unavailable);
  store.reset();
  CAF_CHECK(try_open());
}

CAF_TEST(a damaged file is refused with a clear word) {
  {
    std::ofstream file{directory.file("lapwing.db")};
    file << std::string(100'000, 'x');
  }
  auto refused = try_open();
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::store_unavailable);
  CAF_CHECK_EQUAL(refused.error().detail, "the file is not a SQLite database, or is damaged");
}

CAF_TEST(an answer that would not fit in memory is refused in words) {
  auto store = open();
  for (sequence seq = 1; seq <= 11; ++seq) {
    const std::string large(seq == 11 ? 1'200'000 : 100'000, 'x');
    CAF_REQUIRE(append_one(*store, {an_event(ann, seq, at(1), large), "github", {}}));
  }
  auto refused = read(*store, ann);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::payload_too_large);
  CAF_CHECK_EQUAL(read(*store, ann, 0, 4)->size(), 4u);
  CAF_CHECK_EQUAL(read(*store, ann, 10, 4)->size(), 1u);
}

CAF_TEST(a damaged payload is told and the others can be read) {
  {
    auto store = open();
    for (sequence seq = 1; seq <= 3; ++seq)
      CAF_REQUIRE(append_one(
        *store, {an_event(ann, seq, at(1), std::string(5'000, 'x')), "github", {}, {}}));
  }
  {
    sqlite_connection other{directory.file("lapwing.db"), open_mode::create};
    sqlite_statement statement{other, "SELECT typeof(payload), length(payload) < 500 FROM events"};
    CAF_REQUIRE(statement.step());
    CAF_CHECK_EQUAL(statement.text(0), "blob");
    CAF_CHECK_EQUAL(statement.integer(1), 1);
    statement.reset();
    other.execute("UPDATE events SET payload ="
                  " CAST(substr(payload, 1, length(payload) - 4) || x'00000000' AS BLOB)"
                  " WHERE seq = 2");
  }
  auto store = open();
  CAF_CHECK(find(*store, ann, 2).error().code == errc::internal);
  CAF_CHECK(read(*store, ann).error().code == errc::internal);
  CAF_CHECK((*find(*store, ann, 1))->payload == std::string(5'000, 'x'));
  CAF_CHECK_EQUAL(read(*store, ann, 2)->size(), 1u);
}

CAF_TEST(nothing acknowledged is lost when the process is killed) {
  for (int round = 0; round < 5; ++round) {
    int channel[2];
    CAF_REQUIRE_EQUAL(::pipe(channel), 0);
    const auto first = static_cast<sequence>(round) * 1'000'000 + 1;
    const pid_t child = ::fork();
    CAF_REQUIRE(child >= 0);
    if (child == 0) {
      ::close(channel[0]);
      sqlite_options options;
      options.path = directory.file("lapwing.db");
      auto opened = sqlite_store::open_file(options);
      if (!opened)
        ::_exit(1);
      for (sequence seq = first;; ++seq) {
        // Refused ones are not reported: the queue is bounded and the loop is not.
        (*opened)->append({a_request(ann, seq, "d" + std::to_string(seq))},
                          [seq, out = channel[1]](const auto& answer) {
                            if (answer && ::write(out, &seq, sizeof seq) != sizeof seq)
                              ::_exit(1);
                          });
      }
    }
    ::close(channel[1]);
    std::vector<sequence> acknowledged;
    sequence seq = 0;
    const std::size_t enough = 500 + 700 * static_cast<std::size_t>(round);
    while (::read(channel[0], &seq, sizeof seq) == sizeof seq) {
      acknowledged.push_back(seq);
      if (acknowledged.size() == enough)
        ::kill(child, SIGKILL);
    }
    ::close(channel[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CAF_CHECK(WIFSIGNALED(status));
    CAF_CHECK(acknowledged.size() >= enough);
    auto store = open();
    const auto kept = numbers(*store, ann, first - 1);
    const std::set<sequence> stored(kept.begin(), kept.end());
    CAF_CHECK_EQUAL(stored.size(), kept.size());
    std::size_t lost = 0;
    for (const auto each : acknowledged)
      lost += stored.count(each) == 0 ? 1u : 0u;
    CAF_CHECK_EQUAL(lost, 0u);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
