// The promises of core/store.hpp, kept by the PostgreSQL store.
#define CAF_SUITE postgres_contract

#include "tests/support/caf_test.hpp"

#include "storage/postgres/postgres_store.hpp"
#include "tests/storage/event_store_contract.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::store_contract;

struct postgres_fixture {
  std::unique_ptr<event_store> open() {
    postgres_options options;
    options.url = database.url();
    options.queue_max = 20000;
    options.take_over_as = node_identity{"n1", "127.0.0.1:3001", "test"};
    auto store = postgres_store::open_url(options);
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }

  scratch_database database;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_contract_cases, postgres_fixture)

#include "tests/storage/event_store_cases.inc"

CAF_TEST_FIXTURE_SCOPE_END()
