#define CAF_SUITE registration_secrets

#include <string>
#include <vector>

#include "tests/support/caf_test.hpp"

#include "app/registration_secrets.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

struct moved_clock final : wall_clock {
  timestamp at{std::chrono::hours{24}};
  timestamp now() const override { return at; }
};

struct fixture {
  using found = std::optional<loaded_connection>;

  /// What a delivery for that user would be checked with; "?" while it waits, "!" refused.
  std::string ask(const std::string& user) {
    auto told = std::make_shared<std::string>("?");
    secrets.find({user_id{user}, platform_id{"github"}}, [told](const result<std::string>& got) {
      *told = got ? *got : "!";
    });
    last = told;
    return *told;
  }
  void answer(const std::string& secret) {
    loaded_connection row;
    row.registrations.emplace_back(); // One that has none yet.
    row.registrations.emplace_back().secret = secret;
    auto waiting = std::move(reads);
    reads.clear();
    for (auto& read : waiting)
      read(found{row});
  }

  moved_clock clock;
  std::vector<connection_store::callback<found>> reads;
  registration_secrets secrets{[this](connection_key, auto done) { reads.push_back(done); }, clock};
  std::shared_ptr<std::string> last;
  connection_key ann{user_id{"ann"}, platform_id{"github"}};
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(registration_secrets_cases, fixture)

CAF_TEST(a secret is read once and kept for half a minute) {
  CAF_CHECK_EQUAL(ask("ann"), "?");
  answer("one");
  CAF_CHECK_EQUAL(*last, "one");
  clock.at += 29s;
  CAF_CHECK_EQUAL(ask("ann"), "one");
  clock.at += 1s;
  CAF_CHECK_EQUAL(ask("ann"), "?");
  answer("two");
  CAF_CHECK_EQUAL(*last, "two");
}

CAF_TEST(one that did not fit is read anew but not within two seconds) {
  ask("ann");
  answer("one");
  clock.at += 1s;
  secrets.doubt(ann);
  CAF_CHECK_EQUAL(ask("ann"), "one");
  clock.at += 1s;
  secrets.doubt(ann);
  CAF_CHECK_EQUAL(ask("ann"), "?");
}

CAF_TEST(a clock that was set back does not keep a secret for ever) {
  ask("ann");
  answer("one");
  clock.at -= 1h;
  CAF_CHECK_EQUAL(ask("ann"), "?");
}

CAF_TEST(who is not connected has no secret and that is kept too) {
  ask("bob");
  reads.front()(found{});
  CAF_CHECK_EQUAL(*last, "");
  CAF_CHECK_EQUAL(ask("bob"), "");
}

CAF_TEST(a store that is away is said and asked again) {
  ask("ann");
  reads.front()(error{errc::store_unavailable, "away"});
  CAF_CHECK_EQUAL(*last, "!");
  CAF_CHECK_EQUAL(ask("ann"), "?");
}

CAF_TEST(strangers cannot fill the queue of the store) {
  for (std::size_t i = 0; i < registration_secrets::reads_max; ++i)
    CAF_CHECK_EQUAL(ask("stranger-" + std::to_string(i)), "?");
  CAF_CHECK_EQUAL(ask("ann"), "!");
  CAF_CHECK_EQUAL(reads.size(), registration_secrets::reads_max);
  answer("one");
  CAF_CHECK_EQUAL(ask("ann"), "?");
}

CAF_TEST(the oldest go when there are too many) {
  for (std::size_t i = 0; i <= registration_secrets::size_max; ++i) {
    ask("user-" + std::to_string(i));
    answer("one");
  }
  CAF_CHECK_EQUAL(ask("user-1"), "one");
  CAF_CHECK_EQUAL(ask("user-0"), "?");
}

CAF_TEST_FIXTURE_SCOPE_END()
