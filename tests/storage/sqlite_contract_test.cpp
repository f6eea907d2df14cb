// The promises of core/store.hpp, kept by the SQLite store.
#define CAF_SUITE sqlite_contract

#include "tests/support/caf_test.hpp"

#include "storage/sqlite_store.hpp"
#include "tests/storage/event_store_contract.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::store_contract;

struct sqlite_fixture {
  std::unique_ptr<event_store> open() {
    sqlite_options options;
    options.path = directory.file("lapwing.db");
    options.queue_max = 20000;
    auto store = sqlite_store::open_file(options);
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }

  scratch_directory directory;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_contract_cases, sqlite_fixture)

#include "tests/storage/event_store_cases.inc"

CAF_TEST_FIXTURE_SCOPE_END()
