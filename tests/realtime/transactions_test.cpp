// From messages to the changes of committed transactions.
#define CAF_SUITE realtime_transactions
#include "tests/support/caf_test.hpp"

#include <random>

#include "realtime/transactions.hpp"
#include "tests/realtime/pgoutput_writer.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace lapwing::test;

namespace {

struct feed {
  transaction_assembler assembler;
  std::vector<transaction_part> parts;

  explicit feed(transaction_limits limits = {}) : assembler(limits) {}

  bool take(std::initializer_list<std::string> messages) {
    for (const auto& message : messages)
      if (!assembler.take(message, parts))
        return false;
    return true;
  }
};

const std::vector<column_def> columns = {{"id", 20, true}, {"body", 25}};

std::string stream_start(std::uint32_t xid, bool first = true) {
  return wire{}.c('S').u32(xid).u8(first);
}
std::string stream_stop() {
  return wire{}.c('E');
}
std::string stream_commit(std::uint32_t xid) {
  return wire{}.c('c').u32(xid).u8(0).u64(200).u64(208).u64(commit_time);
}

} // namespace

CAF_TEST(a transaction comes out whole and once) {
  feed in;
  CAF_REQUIRE(in.take({begin_bytes(), relation_bytes(columns), insert_bytes({"1", "a"}),
                       insert_bytes({"2", "b"})}));
  CAF_CHECK(in.parts.empty());
  CAF_CHECK(in.assembler.inside());
  CAF_REQUIRE(in.take({commit_bytes(100, 108)}));
  CAF_CHECK(!in.assembler.inside());
  CAF_REQUIRE_EQUAL(in.parts.size(), 1U);
  const auto& part = in.parts[0];
  CAF_CHECK(part.last);
  CAF_CHECK_EQUAL(part.commit_lsn, 100U);
  CAF_CHECK_EQUAL(part.end_lsn, 108U);
  CAF_CHECK_EQUAL(to_rfc3339(part.time), "2026-11-21T09:00:00.123Z");
  CAF_REQUIRE_EQUAL(part.changes.size(), 2U);
  CAF_CHECK_EQUAL(part.changes[1].row[1].value, "b");
  CAF_CHECK_EQUAL(part.changes[1].of->columns[1].type, "text");
}

CAF_TEST(a long transaction comes in parts of which only the last may be acknowledged) {
  feed in{{10, 1 << 20}};
  CAF_REQUIRE(in.take({begin_bytes(), relation_bytes(columns)}));
  for (int i = 0; i < 25; ++i)
    CAF_REQUIRE(in.take({insert_bytes({std::to_string(i), "x"})}));
  CAF_REQUIRE(in.take({commit_bytes()}));
  CAF_REQUIRE_EQUAL(in.parts.size(), 3U);
  CAF_CHECK(!in.parts[0].last);
  CAF_CHECK_EQUAL(in.parts[0].end_lsn, 0U);
  CAF_CHECK(in.parts[2].last);
  CAF_CHECK_EQUAL(in.parts[2].changes.size(), 5U);
  CAF_CHECK_EQUAL(to_rfc3339(in.parts[1].time), to_rfc3339(in.parts[2].time));
  CAF_CHECK_EQUAL(in.parts[1].commit_lsn, 100U);
}

CAF_TEST(an unchanged value is filled in from a whole old row) {
  feed in;
  CAF_REQUIRE(in.take({begin_bytes(), relation_bytes(columns, 'f'),
                       update_bytes({"1", "~"}, {"1", "long"}, 'O'),
                       update_bytes({"2", "~"}, {"1", std::nullopt}, 'K'), commit_bytes()}));
  const auto& changes = in.parts.at(0).changes;
  CAF_CHECK_EQUAL(changes[0].row[1].value, "long");
  CAF_CHECK(changes[1].row[1].kind == cell_kind::unchanged);
  CAF_CHECK(changes[1].old_is_key);
}

CAF_TEST(an altered table is a new one for later rows only) {
  feed in;
  CAF_REQUIRE(in.take({begin_bytes(), relation_bytes(columns), insert_bytes({"1", "a"}),
                       relation_bytes({{"id", 20, true}, {"body", 25}, {"more", 16}}),
                       insert_bytes({"2", "b", "t"}), commit_bytes()}));
  CAF_CHECK_EQUAL(in.parts[0].changes[0].of->columns.size(), 2U);
  CAF_CHECK_EQUAL(in.parts[0].changes[1].of->columns.size(), 3U);
}

CAF_TEST(types that are not built in have the name that the stream tells) {
  feed in;
  CAF_REQUIRE(in.take({begin_bytes(), std::string{wire{}.c('Y').u32(99'000).text("public").text("mood")},
                       relation_bytes({{"id", 20, true}, {"how", 99'000}, {"odd", 99'001}}),
                       insert_bytes({"1", "glad", "?"}), commit_bytes()}));
  const auto& of = *in.parts.at(0).changes.at(0).of;
  CAF_CHECK_EQUAL(of.columns[1].type, "mood");
  CAF_CHECK_EQUAL(of.columns[2].type, "unknown");
}

CAF_TEST(a truncate is a change of each table) {
  feed in;
  CAF_REQUIRE(in.take({begin_bytes(), relation_bytes(columns),
                       std::string{wire{}.c('T').u32(1).u8(0).u32(16384)}, commit_bytes()}));
  CAF_CHECK(in.parts.at(0).changes.at(0).kind == change_kind::truncate);
}

CAF_TEST(streamed transactions come out at their commits and aborted ones never) {
  feed in;
  CAF_REQUIRE(in.take({stream_start(700), relation_bytes(columns, 'd', 16384, 700),
                       insert_bytes({"1", "a"}, 16384, 700), stream_stop(), // Two at a time.
                       stream_start(800), insert_bytes({"9", "z"}, 16384, 800), stream_stop(),
                       stream_start(700, false), insert_bytes({"2", "b"}, 16384, 700),
                       insert_bytes({"3", "c"}, 16384, 701), stream_stop()}));
  CAF_CHECK(in.parts.empty());
  CAF_CHECK(!in.assembler.inside());
  CAF_CHECK_EQUAL(in.assembler.pending(), 2U);
  CAF_REQUIRE(in.take({std::string{wire{}.c('A').u32(700).u32(701)}})); // A savepoint rolled back.
  CAF_REQUIRE(in.take({std::string{wire{}.c('A').u32(800).u32(800)}})); // All of it.
  CAF_REQUIRE(in.take({stream_commit(700)}));
  CAF_REQUIRE_EQUAL(in.parts.size(), 1U);
  CAF_REQUIRE_EQUAL(in.parts[0].changes.size(), 2U);
  CAF_CHECK_EQUAL(in.parts[0].changes[1].row[0].value, "2");
  CAF_CHECK_EQUAL(in.parts[0].end_lsn, 208U);
  CAF_CHECK_EQUAL(in.assembler.pending(), 0U);
}

CAF_TEST(a streamed transaction beyond the bound is lost visibly and frees its memory) {
  feed in{{1000, 4096}};
  CAF_REQUIRE(in.take({stream_start(700), relation_bytes(columns, 'd', 16384, 700)}));
  for (int i = 0; i < 40; ++i)
    CAF_REQUIRE(in.take({insert_bytes({"1", std::string(500, 'x')}, 16384, 700)}));
  CAF_REQUIRE(in.take({stream_stop(), stream_commit(700)}));
  CAF_REQUIRE_EQUAL(in.parts.size(), 1U);
  CAF_CHECK(in.parts[0].lost);
  CAF_CHECK(in.parts[0].changes.empty());
  // There is room for the next one.
  CAF_REQUIRE(in.take({stream_start(701), insert_bytes({"1", "x"}, 16384, 701), stream_stop(),
                       stream_commit(701)}));
  CAF_CHECK(!in.parts[1].lost);
  CAF_CHECK_EQUAL(in.parts[1].changes.size(), 1U);
}

CAF_TEST(streams that make no sense are errors) {
  auto broken = [](std::initializer_list<std::string> messages) { return !feed{}.take(messages); };
  CAF_CHECK(broken({commit_bytes()}));
  CAF_CHECK(broken({begin_bytes(), begin_bytes()}));
  CAF_CHECK(broken({begin_bytes(), insert_bytes({"1", "a"})}));
  CAF_CHECK(broken({relation_bytes(columns), insert_bytes({"1", "a"})}));
  CAF_CHECK(broken({begin_bytes(), relation_bytes(columns), insert_bytes({"1"})}));
  CAF_CHECK(broken({begin_bytes(), relation_bytes(columns), delete_bytes({"1", "2", "3"})}));
  CAF_CHECK(broken({begin_bytes(), stream_start(7)}));
  CAF_CHECK(broken({stream_start(0)}));
  CAF_CHECK(broken({stream_stop()}));
  CAF_CHECK(broken({stream_start(7), stream_commit(7)}));
}

CAF_TEST(random sequences of messages never do harm) {
  std::mt19937 random{4};
  const std::vector<std::string> messages = {
    begin_bytes(), commit_bytes(), relation_bytes(columns), insert_bytes({"1", "a"}),
    update_bytes({"1", "~"}, {"1", "b"}, 'O'), delete_bytes({"1", std::nullopt}),
    stream_start(700), stream_stop(), stream_commit(700), insert_bytes({"1", "a"}, 16384, 700),
    std::string{wire{}.c('A').u32(700).u32(700)}, relation_bytes(columns, 'd', 16384, 700)};
  std::size_t changes = 0;
  for (int round = 0; round < 2'000; ++round) {
    feed in{{3, 600}};
    for (int i = 0; i < 40; ++i)
      if (!in.take({messages[random() % messages.size()]}))
        break;
    for (const auto& part : in.parts)
      changes += part.changes.size();
  }
  CAF_CHECK(changes > 0U);
}
