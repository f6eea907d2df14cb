// Logical replication messages, whole, broken and random.
#define CAF_SUITE realtime_pgoutput
#include "tests/support/caf_test.hpp"

#include <random>

#include "realtime/pgoutput.hpp"
#include "tests/realtime/pgoutput_writer.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace lapwing::test;

namespace {

std::vector<std::string> every_kind() {
  return {
    begin_bytes(),
    commit_bytes(),
    wire{}.c('O').u64(5).text("other"),
    relation_bytes({{"id", 20, true}, {"body", 25}}),
    wire{}.c('Y').u32(99'000).text("public").text("mood"),
    insert_bytes({"1", std::nullopt, "x"}),
    update_bytes({"1", "~"}, {"0", std::nullopt}),
    update_bytes({"1", "~"}, {"1", "old"}, 'O'),
    update_bytes({"1", "b"}),
    delete_bytes({"1", std::nullopt}),
    delete_bytes({"1", "b"}, 'O'),
    wire{}.c('T').u32(2).u8(3).u32(16384).u32(16385),
    wire{}.c('M').u8(1).u64(77).text("prefix").u32(3).raw("abc"),
    wire{}.c('S').u32(700).u8(1),
    wire{}.c('E'),
    wire{}.c('c').u32(700).u8(0).u64(100).u64(108).u64(commit_time),
    wire{}.c('A').u32(700).u32(701),
  };
}

template <class T>
T read(std::string_view bytes, bool streamed = false) {
  auto made = pgoutput::decode(bytes, streamed);
  CAF_REQUIRE(made.has_value());
  auto* what = std::get_if<T>(&made->what);
  CAF_REQUIRE(what != nullptr);
  return *what;
}

} // namespace

CAF_TEST(a transaction begins and ends with its places and its time) {
  auto begin = read<pgoutput::begin>(begin_bytes(0x1600000000ULL, 9));
  CAF_CHECK_EQUAL(to_text(begin.final_lsn), "16/0");
  CAF_CHECK_EQUAL(begin.xid, 9U);
  CAF_CHECK_EQUAL(begin.time_us, 1'795'251'600'123'456LL);
  auto commit = read<pgoutput::commit>(commit_bytes(100, 108));
  CAF_CHECK_EQUAL(commit.commit_lsn, 100U);
  CAF_CHECK_EQUAL(commit.end_lsn, 108U);
}

CAF_TEST(a table is described with its columns and its replica identity) {
  auto made = read<pgoutput::relation>(relation_bytes({{"id", 20, true}, {"body", 25}}, 'f'));
  CAF_CHECK_EQUAL(made.schema, "public");
  CAF_CHECK_EQUAL(made.name, "messages");
  CAF_CHECK_EQUAL(made.replica_identity, 'f');
  CAF_REQUIRE_EQUAL(made.columns.size(), 2U);
  CAF_CHECK(made.columns[0].key);
  CAF_CHECK(!made.columns[1].key);
  CAF_CHECK_EQUAL(made.columns[1].type, 25U);
  CAF_CHECK_EQUAL(made.columns[1].modifier, -1);
}

CAF_TEST(rows keep null apart from empty and from unchanged) {
  auto made = read<pgoutput::insert>(insert_bytes({"", std::nullopt, "~", "x"}));
  CAF_REQUIRE_EQUAL(made.row.size(), 4U);
  CAF_CHECK(made.row[0].kind == cell_kind::text);
  CAF_CHECK_EQUAL(made.row[0].value, "");
  CAF_CHECK(made.row[1].kind == cell_kind::null);
  CAF_CHECK(made.row[2].kind == cell_kind::unchanged);
  CAF_CHECK_EQUAL(made.row[3].value, "x");
}

CAF_TEST(an update has its old key or its old row or neither) {
  auto key = read<pgoutput::update>(update_bytes({"2"}, {"1"}));
  CAF_CHECK(key.old_is_key);
  CAF_CHECK_EQUAL(key.old.value()[0].value, "1");
  auto whole = read<pgoutput::update>(update_bytes({"2"}, {"1"}, 'O'));
  CAF_CHECK(!whole.old_is_key);
  CAF_CHECK(whole.old.has_value());
  CAF_CHECK(!read<pgoutput::update>(update_bytes({"2"})).old.has_value());
}

CAF_TEST(inside of a streamed block every row names its transaction) {
  auto made = pgoutput::decode(insert_bytes({"1"}, 16384, 4711), true);
  CAF_REQUIRE(made.has_value());
  CAF_CHECK_EQUAL(made->xid, 4711U);
  CAF_CHECK(!pgoutput::decode(insert_bytes({"1"}), true).has_value());
}

CAF_TEST(all kinds of messages are read) {
  for (const auto& bytes : every_kind())
    CAF_CHECK(pgoutput::decode(bytes, false).has_value());
  CAF_CHECK_EQUAL(read<pgoutput::message>(every_kind()[12]).content, "abc");
  CAF_CHECK_EQUAL(read<pgoutput::truncate>(every_kind()[11]).relations.size(), 2U);
  CAF_CHECK_EQUAL(read<pgoutput::stream_abort>(every_kind()[16]).subtransaction, 701U);
}

CAF_TEST(a message cut short or drawn out at any byte is an error) {
  for (const auto& bytes : every_kind()) {
    for (std::size_t length = 0; length < bytes.size(); ++length)
      CAF_CHECK(!pgoutput::decode(std::string_view{bytes}.substr(0, length), false).has_value());
    CAF_CHECK(!pgoutput::decode(bytes + 'x', false).has_value());
  }
  CAF_CHECK(!pgoutput::decode("?", false).has_value());
}

CAF_TEST(lengths that lie are errors) {
  CAF_CHECK(!pgoutput::decode(std::string{wire{}.c('I').u32(1).c('N').u16(65535)}, false));
  CAF_CHECK(!pgoutput::decode(
    std::string{wire{}.c('I').u32(1).c('N').u16(1).c('t').u32(0xFFFFFFFFU).raw("abc")}, false));
  CAF_CHECK(!pgoutput::decode(std::string{wire{}.c('T').u32(0xFFFFFFFFU).u8(0).u32(1)}, false));
}

CAF_TEST(random bytes never do harm) {
  std::mt19937 random{20261121};
  auto samples = every_kind();
  std::size_t read_count = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = samples[random() % samples.size()];
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0)
      bytes.resize(random() % (bytes.size() + 1));
    read_count += pgoutput::decode(bytes, random() % 2 == 0).has_value() ? 1 : 0;
  }
  CAF_CHECK(read_count > 0U);
}

CAF_TEST(places are written and read as PostgreSQL does) {
  CAF_CHECK_EQUAL(to_text(0x16B374D848ULL), "16/B374D848");
  CAF_CHECK_EQUAL(parse_lsn("16/B374D848").value(), 0x16B374D848ULL);
  for (auto bad : {"", "/", "1", "1/", "/1", "g/1", "1/100000000", "1/1 "})
    CAF_CHECK(!parse_lsn(bad).has_value());
}
