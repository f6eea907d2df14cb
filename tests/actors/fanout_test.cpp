#define CAF_SUITE fanout
#include "tests/support/caf_test.hpp"

#include "actors/fanout.hpp"
#include "actors/log_tail.hpp"
#include "tests/support/recording_sink.hpp"

using namespace lapwing;

namespace {

const log_id room = log_id::of(room_id{"r"});

event_ptr event_at(sequence seq, std::string type = "x", std::string payload = {}) {
  event_draft draft;
  draft.type = std::move(type);
  draft.payload = std::move(payload);
  return make_event(room, seq, timestamp{}, std::move(draft));
}

struct member {
  std::shared_ptr<test::recording_sink> sink = std::make_shared<test::recording_sink>();
  outlet_ptr out;
};

struct fixture {
  test::line_codec codec;
  fanout group;
  std::uint64_t next_id = 1;

  member add(stream_filter filter = {}, sequence at = 0) {
    member one;
    one.out = std::make_shared<outlet>(session_id{next_id++}, codec, std::move(filter),
                                       stream_origin{}, one.sink);
    one.out->cursor().set(room, at);
    group.add(one.out);
    return one;
  }
  std::size_t run(std::size_t slice = 100) {
    std::size_t finished = 0;
    std::size_t written = 0;
    while (group.step(slice, finished, written)) {
    }
    return written;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(fanout_tests, fixture)

CAF_TEST(events that are ready together go out in one write) {
  auto a = add();
  auto b = add();
  group.push({event_at(1), event_at(2)});
  group.push({event_at(3)});
  CAF_CHECK_EQUAL(run(), 6u);
  CAF_CHECK_EQUAL(a.sink->writes, 1u);
  CAF_CHECK_EQUAL(b.sink->ids(), (std::vector<std::string>{"r1:r", "r2:r", "r3:r"}));
}

CAF_TEST(a member gets each stored event once however often it is handed out) {
  auto a = add({}, 2);
  group.push({event_at(1), event_at(2), event_at(3)});
  run();
  group.push({event_at(3), event_at(4)});
  run();
  CAF_CHECK_EQUAL(a.sink->ids(), (std::vector<std::string>{"r3:r", "r4:r"}));
}

CAF_TEST(members in different places of other logs get their own cursors) {
  auto a = add();
  auto b = add();
  b.out->cursor().set(log_id::of(user_id{"ann"}), 9);
  group.push({event_at(1)});
  run();
  CAF_CHECK_EQUAL(a.sink->ids(), std::vector<std::string>{"r1:r"});
  CAF_CHECK_EQUAL(b.sink->ids(), std::vector<std::string>{"r1:r,u9"});
}

CAF_TEST(a filter holds back the event but not the cursor) {
  auto all = add();
  auto some = add({{"wanted"}, {}, false});
  group.push({event_at(1, "other"), event_at(2, "wanted"), event_at(3, "other")});
  run();
  CAF_CHECK_EQUAL(all.sink->ids().size(), 3u);
  CAF_CHECK_EQUAL(some.sink->ids(), std::vector<std::string>{"r2:r"});
  CAF_CHECK(some.out->cursor().position(room) == sequence{3u});
}

CAF_TEST(only who asked gets the payload) {
  auto plain = add();
  auto full = add({{}, {}, true});
  group.push({event_at(1, "x", "[7]")});
  run();
  CAF_CHECK_EQUAL(plain.sink->lines.at(0), "event r1:r x");
  CAF_CHECK_EQUAL(full.sink->lines.at(0), "event r1:r x [7]");
}

CAF_TEST(between slices others come and go and nobody is missed or served twice) {
  std::vector<member> members;
  for (int i = 0; i < 10; ++i)
    members.push_back(add());
  group.push({event_at(1)});
  std::size_t finished = 0;
  std::size_t written = 0;
  CAF_CHECK(group.step(4, finished, written));
  group.remove(members[1].out->id()); // Served already: the last served takes its place.
  group.remove(members[7].out->id()); // Not served yet.
  members.push_back(add({}, 1));      // Joined at 1: has nothing to get.
  group.push({event_at(2)});          // The next round.
  while (group.step(4, finished, written)) {
  }
  CAF_CHECK_EQUAL(finished, 2u);
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::vector<std::string> want{"r1:r", "r2:r"};
    if (i == 1)
      want = {"r1:r"};
    else if (i == 7)
      want = {};
    else if (i == 10)
      want = {"r2:r"};
    CAF_CHECK_EQUAL(members[i].sink->ids(), want);
  }
}

CAF_TEST(a member that overflows is closed and gets no more) {
  auto slow = add();
  auto good = add();
  slow.sink->writes_left = 1;
  for (sequence seq = 1; seq <= 3; ++seq) {
    group.push({event_at(seq)});
    run();
  }
  CAF_CHECK(slow.out->closed());
  CAF_CHECK_EQUAL(slow.sink->ids().size(), 1u);
  CAF_CHECK_EQUAL(good.sink->ids().size(), 3u);
  group.member_ended();
  CAF_CHECK_EQUAL(group.size(), 1u);
}

CAF_TEST(a thousand that leave at once cost few passes and the count is right) {
  std::vector<member> members;
  for (int i = 0; i < 1000; ++i)
    members.push_back(add());
  for (int i = 0; i < 999; ++i) {
    members[static_cast<std::size_t>(i)].out->forget_sink();
    group.member_ended();
  }
  CAF_CHECK_EQUAL(group.size(), 1u);
  CAF_CHECK(group.members().size() < 30);
  group.push({event_at(1)});
  CAF_CHECK_EQUAL(run(), 1u);
}

CAF_TEST(an ephemeral event goes to all and has no cursor) {
  auto a = add({}, 5);
  group.push({event_at(0)});
  run();
  CAF_CHECK_EQUAL(a.sink->ids(), std::vector<std::string>{"-"});
  CAF_CHECK(a.out->cursor().position(room) == sequence{5u});
}

CAF_TEST(a tail serves what it has and sends who is further behind to the store) {
  tail_limits limits{3, 1 << 20};
  log_tail tail{limits};
  tail.start(10);
  CAF_CHECK(tail.since(10)->empty());
  CAF_CHECK(tail.since(12)->empty());
  CAF_CHECK(!tail.since(9));
  tail.append(std::vector{event_at(11), event_at(13), event_at(14)});
  CAF_CHECK_EQUAL(tail.since(10)->size(), 3u);
  CAF_CHECK_EQUAL(tail.since(12)->size(), 2u);
  tail.append(std::vector{event_at(15)});
  CAF_CHECK(!tail.since(10));
  CAF_CHECK_EQUAL(tail.since(11)->size(), 3u);
  CAF_CHECK_EQUAL(tail.newest(), 15u);
}

CAF_TEST(a tail is bounded in bytes) {
  tail_limits limits{100, 10'000};
  log_tail tail{limits};
  for (sequence seq = 1; seq <= 20; ++seq)
    tail.append(std::vector{event_at(seq, "x", std::string(3000, '1'))});
  CAF_CHECK(tail.bytes() <= 10'000);
  CAF_CHECK(tail.size() <= 3);
  CAF_CHECK(!tail.since(10));
  CAF_CHECK(tail.since(19));
}

CAF_TEST_FIXTURE_SCOPE_END()
