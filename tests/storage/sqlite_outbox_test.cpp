// The promises of core/outbox.hpp, kept by the SQLite store, and what only SQLite has to show.
#define CAF_SUITE sqlite_outbox

#include "tests/support/caf_test.hpp"

#include "storage/sqlite.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/storage/outbox_contract.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::outbox_contract;

struct sqlite_outbox_fixture {
  std::unique_ptr<sqlite_store> open() {
    sqlite_options options;
    options.path = directory.file("lapwing.db");
    auto store = sqlite_store::open_file(std::move(options));
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }
  std::string value_of(const std::string& sql) {
    sqlite_connection connection{directory.file("lapwing.db"), open_mode::read_only};
    sqlite_statement statement{connection, sql};
    return statement.step() ? std::string{statement.text(0)} : std::string{};
  }

  scratch_directory directory;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_outbox_contract, sqlite_outbox_fixture)

#include "tests/storage/outbox_cases.inc"

CAF_TEST(an event that is refused leaves no message) {
  an_event_that_is_refused_leaves_no_message(*this);
}
CAF_TEST(of many who claim at once nobody gets the same) {
  of_many_who_claim_at_once_nobody_gets_the_same(*this);
}

CAF_TEST(what was sent says nothing of its content) {
  {
    auto store = open();
    put(*store, 1);
    CAF_CHECK(settle(*store, claim(*store, 5000, 9000).entries.at(0), sent()));
  }
  CAF_CHECK_EQUAL(value_of("SELECT body || state FROM outbox"), "{}sent");
}

CAF_TEST(a look into an outbox of many ended messages reads none of them) {
  open();
  sqlite_connection connection{directory.file("lapwing.db"), open_mode::read_only};
  sqlite_statement plan{connection, "EXPLAIN QUERY PLAN SELECT id, dedup_key, body, attempt_count,"
                                    " claim_count, queued_at FROM outbox WHERE kind = ?1"
                                    " AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3"};
  CAF_REQUIRE(plan.step());
  CAF_CHECK_EQUAL(plan.text(3), "SEARCH outbox USING INDEX outbox_by_due (kind=? AND due_at<?)");
  CAF_CHECK(!plan.step());
}

CAF_TEST_FIXTURE_SCOPE_END()
