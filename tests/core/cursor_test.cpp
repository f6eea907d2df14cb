#define CAF_SUITE cursor
#include "tests/support/caf_test.hpp"

#include "core/cursor.hpp"

using namespace lapwing;

namespace {

const log_id ann = log_id::of(user_id{"ann"});
const log_id admin = log_id::of(room_id{"admin"});
const log_id everybody = log_id::broadcast();

stream_cursor standing() {
  stream_cursor at;
  at.set(ann, 42);
  at.set(everybody, 7);
  at.set(admin, 17);
  return at;
}

/// CAF_CHECK_EQUAL keeps a reference: a value must not die with its optional.
sequence standing_at(std::optional<sequence> at) { return at.value_or(0); }

std::string text_of(const stream_cursor& at, const log_id& first) {
  std::string out;
  at.append_text(out, first);
  return out;
}

} // namespace

CAF_TEST(a cursor names the log of its event first) {
  CAF_CHECK_EQUAL(text_of(standing(), ann), "u42,b7,r17:admin");
  CAF_CHECK_EQUAL(text_of(standing(), everybody), "b7,u42,r17:admin");
  CAF_CHECK_EQUAL(text_of(standing(), admin), "r17:admin,u42,b7");
}

CAF_TEST(a cursor comes back from its text whatever stands first) {
  for (const log_id& first : {ann, everybody, admin}) {
    auto back = stream_cursor::parse(text_of(standing(), first));
    CAF_REQUIRE(back.has_value());
    CAF_CHECK_EQUAL(standing_at(back->position(ann)), 42u);
    CAF_CHECK_EQUAL(standing_at(back->position(everybody)), 7u);
    CAF_CHECK_EQUAL(standing_at(back->position(admin)), 17u);
    CAF_CHECK(!back->position(log_id::of(room_id{"other"})));
  }
}

CAF_TEST(a cursor moves only forward and only in logs it follows) {
  auto at = standing();
  CAF_CHECK(!at.advance(ann, 42));
  CAF_CHECK(!at.advance(ann, 41));
  CAF_CHECK(at.advance(ann, 50));
  CAF_CHECK(!at.advance(log_id::of(room_id{"other"}), 1));
  CAF_CHECK_EQUAL(standing_at(at.position(ann)), 50u);
}

CAF_TEST(what is not a cursor is refused) {
  for (const char* text :
       {"", "u", "42", "x1", "u-1", "u1,", ",u1", "u1,,b2", "u1,u2", "b1,b1", "r1", "r1:", "r1:a/b",
        "u18446744073709551616", "u9223372036854775808", "u01", "u1 ", " u1", "r1:a,r2:a", "u1\nb2",
        "u1,b2,r3:ad min"})
    CAF_CHECK(!stream_cursor::parse(text));
  std::string many = "u1";
  for (int i = 0; i < 40; ++i)
    many += ",r1:room" + std::to_string(i);
  CAF_CHECK(!stream_cursor::parse(many));
}

CAF_TEST(an id leads to its event) {
  auto found = stream_cursor::event_of("r17:admin,u42,b7", user_id{"ann"});
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->first == admin);
  CAF_CHECK_EQUAL(found->second, 17u);
  found = stream_cursor::event_of("u42", user_id{"ann"});
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->first == ann);
  CAF_CHECK(!stream_cursor::event_of("u0,b3", user_id{"ann"}));
}

CAF_TEST(a room that is left is gone from the cursor) {
  auto at = standing();
  at.forget(admin);
  CAF_CHECK_EQUAL(at.text(), "u42,b7");
}
