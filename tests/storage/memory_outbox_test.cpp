// The promises of core/outbox.hpp, kept by the outbox in memory that tests of the mailer use.
#define CAF_SUITE memory_outbox

#include "tests/support/caf_test.hpp"

#include "tests/storage/outbox_contract.hpp"
#include "tests/support/memory_store.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::outbox_contract;

struct memory_node {
  test::memory_store events;

  memory_node() { events.immediate = true; }
  void append(std::vector<append_request> batch,
              event_store::callback<std::vector<append_result>> done) {
    events.append(std::move(batch), std::move(done));
  }
  outbox_store& outbox() noexcept { return events.outgoing; }
};

struct memory_fixture {
  memory_node* open() { return &node; }
  memory_node node;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(memory_outbox_contract, memory_fixture)

#include "tests/storage/outbox_cases.inc"

CAF_TEST_FIXTURE_SCOPE_END()
