// The promises of core/connection_store.hpp, kept by the SQLite store, and what only SQLite has to
// show: its rows' forms and its file.
#define CAF_SUITE sqlite_connections

#include "tests/support/caf_test.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "storage/row_values.hpp"
#include "storage/sqlite.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/storage/connection_store_contract.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::connection_contract;

struct fixed_clock final : wall_clock {
  timestamp now() const override { return nine(); }
};

struct sqlite_connection_fixture {
  std::unique_ptr<node_store> open(std::vector<std::string> keys = {first_key}) {
    sqlite_options options;
    options.path = directory.file("lapwing.db");
    options.encryption_keys = std::move(keys);
    options.clock = &clock;
    options.queue_max = 50'000;
    auto store = sqlite_store::open_file(std::move(options));
    if (!store)
      CAF_FAIL("open failed: " << store.error().detail);
    return std::move(*store);
  }
  std::string raw_bytes() {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator{directory.path()}) {
      std::ifstream file{entry.path(), std::ios::binary};
      bytes.append(std::istreambuf_iterator<char>{file}, {});
    }
    return bytes;
  }
  std::string value_of(const std::string& sql) {
    sqlite_connection connection{directory.file("lapwing.db"), open_mode::create};
    sqlite_statement statement{connection, sql};
    return statement.step() ? std::string{statement.text(0)} : std::string{};
  }

  fixed_clock clock;
  scratch_directory directory;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_connection_contract, sqlite_connection_fixture)

#include "tests/storage/connection_store_cases.inc"

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST_FIXTURE_SCOPE(sqlite_connection_cases, sqlite_connection_fixture)

CAF_TEST(the queries of the monitoring guide show what was connected and read) {
  {
    auto store = open();
    connect(*store, a_connection());
    CAF_REQUIRE(append_one(*store, with_effect(1, "d1", an_effect())));
  }
  sqlite_connection connection{directory.file("lapwing.db"), open_mode::read_only};
  sqlite_statement connections{connection, R"(
    SELECT platform, status, last_sync, token_expires_at
    FROM platform_connections
    WHERE user_id = 'ann';)"};
  CAF_REQUIRE(connections.step());
  CAF_CHECK_EQUAL(connections.text(0), "spotify");
  CAF_CHECK_EQUAL(connections.text(1), "connected");
  CAF_CHECK_EQUAL(connections.text(2), "2026-11-21T09:00:01.123Z");
  CAF_CHECK_EQUAL(connections.text(3), "2026-11-21T10:00:00.123Z");
  CAF_CHECK(!connections.step());
  sqlite_statement data{connection, R"(
    SELECT platform, data_type, COUNT(*), MAX(extracted_at)
    FROM user_platform_data
    WHERE user_id = 'ann'
    GROUP BY platform, data_type;)"};
  CAF_REQUIRE(data.step());
  CAF_CHECK_EQUAL(data.text(0), "spotify");
  CAF_CHECK_EQUAL(data.text(1), "recently_played");
  CAF_CHECK_EQUAL(data.integer(2), 2);
  CAF_CHECK_EQUAL(data.text(3), "2026-11-21T09:00:01.123Z");
  CAF_CHECK(!data.step());
}

CAF_TEST(what is due is found in the index alone) {
  open();
  sqlite_connection connection{directory.file("lapwing.db"), open_mode::read_only};
  sqlite_statement plan{connection,
                        "EXPLAIN QUERY PLAN SELECT user_id FROM platform_connections"
                        " WHERE platform = ?3 AND due_at <= ?1 AND status IN ('connected', 'degraded')"
                        " ORDER BY due_at LIMIT ?2"};
  CAF_REQUIRE(plan.step());
  CAF_CHECK_EQUAL(plan.text(3), "SEARCH platform_connections USING COVERING INDEX"
                                " platform_connections_by_due (platform=? AND due_at<?)");
  CAF_CHECK(!plan.step());
}

CAF_TEST(a sealed token that was replaced or forgotten does not stay in the file) {
  const auto box_of = [this](const char* column) {
    sqlite_connection connection{directory.file("lapwing.db"), open_mode::read_only};
    sqlite_statement statement{connection, "SELECT " + std::string{column}
                                             + " FROM platform_connections"};
    return statement.step() ? std::string{statement.blob(0)} : std::string{};
  };
  {
    auto store = open();
    connect(*store, a_connection());
  }
  const auto first = box_of("refresh_token");
  CAF_REQUIRE(first.size() > secret_box_overhead);
  CAF_CHECK(raw_bytes().find(first) != std::string::npos);
  {
    auto store = open();
    CAF_CHECK(*save_tokens(*store, ann_spotify, 1, other_tokens()));
  }
  const auto second = box_of("refresh_token");
  CAF_CHECK(raw_bytes().find(first) == std::string::npos);
  CAF_CHECK(raw_bytes().find(second) != std::string::npos);
  {
    auto store = open();
    CAF_CHECK(*disconnect(*store, ann_spotify));
  }
  CAF_CHECK(raw_bytes().find(second) == std::string::npos);
}

CAF_TEST(a sealed token that was moved to another row does not open) {
  {
    auto store = open();
    connect(*store, a_connection());
    connect(*store, a_connection(bob_github));
  }
  value_of("UPDATE platform_connections SET access_token = (SELECT access_token FROM"
           " platform_connections WHERE user_id = 'ann') WHERE user_id = 'bob'");
  auto store = open();
  CAF_CHECK(try_load(*store, bob_github).error().code == errc::internal);
  CAF_CHECK(load(*store).at.tokens.access_token == "plain-access-token-1");
}

CAF_TEST(damaged secrets do not keep the others from a new key) {
  {
    auto store = open();
    connect(*store, a_connection());
    connect(*store, a_connection(bob_github));
  }
  value_of("UPDATE platform_connections SET access_token = CAST(substr(access_token, 1, 20)"
           " || x'00000000000000000000000000000000000000' AS BLOB) WHERE user_id = 'ann'");
  auto store = open({second_key, first_key});
  CAF_CHECK_EQUAL(*reencrypt(*store, 100), 4u);
  CAF_CHECK(reencrypt(*store, 100).error().code == errc::internal);
  store.reset();
  store = open({second_key});
  CAF_CHECK(load(*store, bob_github).at.tokens.refresh_token == "plain-refresh-token-1");
}

CAF_TEST(a key that is none keeps the store from opening) {
  sqlite_options options;
  options.path = directory.file("lapwing.db");
  options.encryption_keys = {"hunter2"};
  const auto refused = sqlite_store::open_file(options);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::not_configured);
  CAF_CHECK(refused.error().detail.find("hunter2") == std::string::npos);
}

CAF_TEST(without chance nothing is sealed and nothing is half done) {
  sqlite_options options;
  options.path = directory.file("lapwing.db");
  options.encryption_keys = {first_key};
  options.random = [](std::span<std::uint8_t>) { return false; };
  auto store = std::move(*sqlite_store::open_file(options));
  awaited<std::uint64_t> connected;
  store->connections().connect(a_connection(), nine(), connected.callback());
  CAF_CHECK(connected.get().error().code == errc::internal);
  CAF_CHECK(!*try_load(*store, ann_spotify));
  CAF_CHECK(!store_contract::state_of(*store, ann).known);
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(times in rows are read back as they were written) {
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{1'795'251'600'123},
                                std::int64_t{951'782'399'999}, std::int64_t{253'402'300'799'999}})
    CAF_CHECK(parse_row_time(to_row_time(at(ms))) == at(ms));
  CAF_CHECK_EQUAL(to_row_time(at(-5)), "1970-01-01T00:00:00.000Z");
  CAF_CHECK_EQUAL(to_row_time(at(253'402'300'800'000)), "9999-12-31T23:59:59.999Z");
  for (const char* wrong : {"", "2026-11-21", "2026-11-21T09:00:00Z", "2026-02-30T09:00:00.123Z",
                            "2026-11-21T24:00:00.123Z", "2026-11-21T09:60:00.123Z",
                            "2026-11-21 09:00:00.123Z", "2026-11-21T09:00:0x.123Z",
                            "2026-11-21T09:00:00.123Z "})
    CAF_CHECK(!parse_row_time(wrong));
}

CAF_TEST(row ids are UUIDs that sort as they were made) {
  const auto first = make_uuid(nine(), system_random);
  const auto second = make_uuid(nine(1), system_random);
  CAF_REQUIRE(first);
  CAF_REQUIRE(second);
  CAF_CHECK(*first < *second);
  CAF_CHECK(*first != *make_uuid(nine(), system_random));
  CAF_CHECK_EQUAL(first->size(), 36u);
  CAF_CHECK_EQUAL(first->substr(0, 15), "01a1fd55-7afb-7");
}
