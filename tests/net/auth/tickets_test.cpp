#define CAF_SUITE auth_tickets
#include "tests/support/caf_test.hpp"

#include <string>

#include "net/auth/tickets.hpp"
#include "tests/net/auth/helpers.hpp"

using namespace lapwing;
using namespace lapwing::testing;

namespace {

/// Counts up: every ticket differs, every run is the same.
struct fixture {
  int drawn = 0;
  random_bytes random = [this](std::size_t count) {
    return std::string(count - 1, 'r') + static_cast<char>(++drawn);
  };

  tickets desk(std::string_view secret, std::size_t used_max = 100) {
    return {secret, std::chrono::seconds{60}, random, used_max};
  }
  static principal ann() {
    principal who;
    who.user = user_id{"ann"};
    who.role = principal_role::admin;
    who.rooms = {"lobby", "team:*"};
    who.expires = at_second(5000);
    return who;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(tickets_tests, fixture)

CAF_TEST(a ticket gives the principal it was bought by once) {
  auto desk = this->desk("secret");
  auto ticket = desk.issue(ann(), at_second(1000));
  auto who = desk.redeem(ticket, at_second(1059));
  CAF_REQUIRE(who);
  CAF_CHECK_EQUAL(who->user.str(), "ann");
  CAF_CHECK(who->role == principal_role::admin);
  CAF_CHECK(who->rooms == ann().rooms);
  CAF_CHECK(who->expires == at_second(5000));
  CAF_CHECK(!who->development);
  CAF_CHECK_EQUAL(code_of(desk.redeem(ticket, at_second(1059))), "invalid_token");
  CAF_CHECK_EQUAL(code_of(desk.redeem(desk.issue(ann(), at_second(1000)), at_second(1059))), "none");
}

CAF_TEST(a ticket ends after its time) {
  auto desk = this->desk("secret");
  auto ticket = desk.issue(ann(), at_second(1000));
  CAF_CHECK_EQUAL(code_of(desk.redeem(ticket, at_second(1060))), "token_expired");
}

CAF_TEST(nodes with one secret redeem tickets of each other and strangers do not) {
  auto here = desk("secret"), there = desk("secret"), stranger = desk("other"), alone = desk("");
  auto ticket = here.issue(ann(), at_second(1000));
  CAF_CHECK_EQUAL(code_of(stranger.redeem(ticket, at_second(1001))), "invalid_token");
  CAF_CHECK_EQUAL(code_of(alone.redeem(ticket, at_second(1001))), "invalid_token");
  CAF_CHECK_EQUAL(code_of(there.redeem(ticket, at_second(1001))), "none");
  CAF_CHECK_EQUAL(code_of(alone.redeem(alone.issue(ann(), at_second(1)), at_second(2))), "none");
}

CAF_TEST(no byte of a ticket can be changed) {
  auto desk = this->desk("secret");
  auto ticket = desk.issue(ann(), at_second(1000));
  for (std::size_t i = 0; i < ticket.size(); ++i) {
    for (int bit : {0x01, 0x20, 0x80}) {
      auto changed = ticket;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      CAF_CHECK_EQUAL(code_of(desk.redeem(changed, at_second(1001))), "invalid_token");
    }
    CAF_CHECK_EQUAL(code_of(desk.redeem(ticket.substr(0, i), at_second(1001))), "invalid_token");
  }
  CAF_CHECK_EQUAL(code_of(desk.redeem(std::string(100'000, 'a'), at_second(1001))),
                  "invalid_token");
  CAF_CHECK_EQUAL(code_of(desk.redeem(ticket, at_second(1001))), "none");
}

CAF_TEST(memory of used tickets is bounded and freed when they expire) {
  auto desk = this->desk("secret", 2);
  for (int i = 0; i < 2; ++i)
    CAF_CHECK_EQUAL(code_of(desk.redeem(desk.issue(ann(), at_second(1000)), at_second(1001))),
                    "none");
  CAF_CHECK_EQUAL(code_of(desk.redeem(desk.issue(ann(), at_second(1000)), at_second(1001))),
                  "rate_limited");
  CAF_CHECK_EQUAL(code_of(desk.redeem(desk.issue(ann(), at_second(1010)), at_second(1061))), "none");
}

CAF_TEST(development identity in a ticket counts only where it was issued) {
  auto here = desk("secret"), there = desk("secret");
  auto who = ann();
  who.development = true;
  auto ticket = here.issue(who, at_second(1000));
  CAF_CHECK_EQUAL(code_of(there.redeem(ticket, at_second(1001))), "invalid_token");
  auto redeemed = here.redeem(ticket, at_second(1001));
  CAF_REQUIRE(redeemed);
  CAF_CHECK(redeemed->development);
}

CAF_TEST_FIXTURE_SCOPE_END()
