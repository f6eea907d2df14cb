// Who is present, and what the others hear of it.
#define CAF_SUITE realtime_presence
#include "tests/support/caf_test.hpp"

#include "realtime/presence.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace std::chrono_literals;

CAF_TEST(a member comes and goes) {
  presence here;
  CAF_CHECK_EQUAL(here.json(), "{}");
  CAF_CHECK_EQUAL(here.track(1, "u1", R"({"name":"a"})", "F1", 0).json(),
                  R"({"joins":{"u1":{"metas":[{"name":"a","phx_ref":"F1"}]}},"leaves":{}})");
  CAF_CHECK_EQUAL(here.json(), R"({"u1":{"metas":[{"name":"a","phx_ref":"F1"}]}})");
  CAF_CHECK_EQUAL(here.untrack(1).json(),
                  R"({"joins":{},"leaves":{"u1":{"metas":[{"name":"a","phx_ref":"F1"}]}}})");
  CAF_CHECK_EQUAL(here.json(), "{}");
  CAF_CHECK(here.untrack(1).empty());
}

CAF_TEST(the same payload again changes nothing whatever the order of its members) {
  presence here;
  here.track(1, "u1", R"({"a":1,"b":2})", "F1", 0);
  CAF_CHECK(here.track(1, "u1", R"({ "b":2, "a":1 })", "F2", 0).empty());
}

CAF_TEST(another payload is a join with the earlier ref and a leave) {
  presence here;
  here.track(1, "u1", R"({"a":1})", "F1", 0);
  CAF_CHECK_EQUAL(
    here.track(1, "u1", R"({"a":2,"phx_ref":"forged"})", "F2", 0).json(),
    R"({"joins":{"u1":{"metas":[{"a":2,"phx_ref":"F2","phx_ref_prev":"F1"}]}},)"
    R"("leaves":{"u1":{"metas":[{"a":1,"phx_ref":"F1"}]}}})");
}

CAF_TEST(a key may stand for several members in the order of their coming) {
  presence here;
  here.track(2, "u1", "{}", "F1", 0);
  here.track(1, "u1", "{}", "F2", 0);
  CAF_CHECK_EQUAL(here.json(), R"({"u1":{"metas":[{"phx_ref":"F1"},{"phx_ref":"F2"}]}})");
  here.untrack(2);
  CAF_CHECK_EQUAL(here.json(), R"({"u1":{"metas":[{"phx_ref":"F2"}]}})");
}

CAF_TEST(members whose holder is silent are gone when its lease ends) {
  presence here;
  presence::time start{};
  here.track(1, "u1", "{}", "F1", 10);
  here.track(2, "u2", "{}", "F2", 20);
  here.renew(10, start + 30s);
  here.renew(20, start + 30s);
  here.renew(20, start + 60s);
  CAF_CHECK(here.expire(start + 29s).empty());
  CAF_CHECK_EQUAL(here.expire(start + 30s).json(),
                  R"({"joins":{},"leaves":{"u1":{"metas":[{"phx_ref":"F1"}]}}})");
  CAF_CHECK_EQUAL(here.size(), 1U);
  CAF_CHECK(!here.expire(start + 60s).empty());
  here.track(3, "u3", "{}", "F3", 30); // Who holds no lease keeps what it has.
  CAF_CHECK(here.expire(start + 1h).empty());
}
