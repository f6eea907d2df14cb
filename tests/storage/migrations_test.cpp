// The schema: applied once, wholly or not at all, and never over a newer one.
#define CAF_SUITE migrations

#include "tests/support/caf_test.hpp"

#include "config/config.hpp"
#include "storage/migrations.hpp"
#include "storage/node_identity.hpp"
#include "storage/open_store.hpp"
#include "storage/sqlite.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/storage/scratch_directory.hpp"

namespace {

using namespace lapwing;

std::int64_t number(sqlite_connection& connection, std::string_view sql) {
  sqlite_statement statement{connection, sql};
  reset_at_end ends{statement};
  return statement.step() ? statement.integer(0) : -1;
}

struct database {
  sqlite_connection connect() { return {directory.file("lapwing.db"), open_mode::create}; }
  scratch_directory directory;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(migration_cases, database)

CAF_TEST(a new database gets the whole schema and a current one nothing) {
  auto connection = connect();
  auto first = migrate(connection);
  CAF_REQUIRE(first);
  CAF_CHECK_EQUAL(first->applied.size(), schema_files().size());
  CAF_CHECK_EQUAL(first->applied.at(0), "0001_init");
  CAF_CHECK_EQUAL(first->version, static_cast<int>(schema_files().size()));
  auto second = migrate(connection);
  CAF_REQUIRE(second);
  CAF_CHECK(second->applied.empty());
  CAF_CHECK_EQUAL(second->version, first->version);
  for (const char* table : {"events", "users", "accounts", "logs", "platform_connections",
                            "user_platform_data", "poll_progress", "platform_webhooks", "push_subscriptions",
                            "oauth_states", "outbox", "nodes", "schema_migrations"})
    CAF_CHECK(number(connection, "SELECT count(*) FROM " + std::string{table}) >= 0);
}

CAF_TEST(schema files are numbered without a gap) {
  int expected = 1;
  for (const auto& file : schema_files())
    CAF_CHECK_EQUAL(file.version, expected++);
  CAF_CHECK(expected > 1);
}

CAF_TEST(a later file is applied to an older database and keeps its rows) {
  auto connection = connect();
  CAF_REQUIRE(migrate(connection));
  connection.execute("INSERT INTO users (id) VALUES ('ann')");
  std::vector<schema_file> files(schema_files().begin(), schema_files().end());
  files.push_back({static_cast<int>(files.size()) + 1, "0099_more",
                   "ALTER TABLE users ADD COLUMN name TEXT; CREATE TABLE more (id INTEGER);"});
  CAF_CHECK(check_schema(connection, files).error().code == errc::not_configured);
  auto report = migrate(connection, files);
  CAF_REQUIRE(report);
  const std::vector<std::string> expected{"0099_more"};
  CAF_CHECK(report->applied == expected);
  CAF_CHECK_EQUAL(number(connection, "SELECT count(*) FROM users WHERE name IS NULL"), 1);
}

CAF_TEST(a file that fails half way is not applied at all) {
  auto connection = connect();
  CAF_REQUIRE(migrate(connection));
  std::vector<schema_file> files(schema_files().begin(), schema_files().end());
  files.push_back({static_cast<int>(files.size()) + 1, "0099_broken",
                   "CREATE TABLE half (id INTEGER); CREATE TABLE users (id INTEGER);"});
  CAF_CHECK(!migrate(connection, files));
  CAF_CHECK_EQUAL(number(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
  CAF_CHECK(!connection.in_transaction());
  CAF_CHECK(check_schema(connection));
}

CAF_TEST(a newer schema is refused and not touched) {
  auto connection = connect();
  std::vector<schema_file> files(schema_files().begin(), schema_files().end());
  files.push_back({static_cast<int>(files.size()) + 1, "0099_more", "CREATE TABLE more (id INTEGER);"});
  CAF_REQUIRE(migrate(connection, files));
  for (const auto& refused : {migrate(connection), check_schema(connection)}) {
    CAF_REQUIRE(!refused);
    CAF_CHECK(refused.error().code == errc::not_configured);
    CAF_CHECK(refused.error().detail.find("newer") != std::string::npos);
  }
  sqlite_options options;
  options.path = directory.file("lapwing.db");
  CAF_CHECK(sqlite_store::open_file(options).error().code == errc::not_configured);
}

CAF_TEST(an edited file is noticed) {
  auto connection = connect();
  std::vector<schema_file> files(schema_files().begin(), schema_files().end());
  CAF_REQUIRE(migrate(connection, files));
  const std::string edited = std::string{files[0].sql} + "\n-- Later thought.\n";
  files[0].sql = edited;
  CAF_CHECK(migrate(connection, files).error().code == errc::not_configured);
}

CAF_TEST(a database of another program is refused and not touched) {
  auto connection = connect();
  connection.execute("CREATE TABLE users (somebody TEXT)");
  CAF_CHECK(migrate(connection).error().code == errc::not_configured);
  CAF_CHECK_EQUAL(number(connection, "SELECT count(*) FROM sqlite_schema"), 1);
}

CAF_TEST(without migration an empty database is refused) {
  sqlite_options options;
  options.path = directory.file("lapwing.db");
  options.migrate = false;
  CAF_CHECK(sqlite_store::open_file(options).error().code == errc::not_configured);
  CAF_REQUIRE(migrate_file(options.path));
  CAF_CHECK(sqlite_store::open_file(options));
}

CAF_TEST(the queries of the monitoring guide work as written) {
  auto connection = connect();
  CAF_REQUIRE(migrate(connection));
  connection.execute(
    "INSERT INTO users (id) VALUES ('your-user-id');"
    "INSERT INTO platform_connections (id, user_id, platform, access_token, refresh_token,"
    " token_expires_at, last_sync, status, error_message, created_at, updated_at) VALUES"
    " ('7b1f', 'your-user-id', 'spotify', x'01', x'02', '2026-11-21T10:00:00.000Z',"
    " '2026-11-21T09:00:00.000Z', 'connected', NULL, '2026-11-21T08:00:00.000Z',"
    " '2026-11-21T09:00:00.000Z');"
    "INSERT INTO user_platform_data (id, user_id, platform, data_type, raw_data, extracted_at)"
    " VALUES ('1', 'your-user-id', 'spotify', 'recently_played', '{}', '2026-11-21T09:00:00.000Z'),"
    " ('2', 'your-user-id', 'spotify', 'recently_played', '{}', '2026-11-21T09:30:00.000Z')");
  sqlite_statement connections{connection, R"(
    SELECT platform, status, last_sync, token_expires_at
    FROM platform_connections
    WHERE user_id = 'your-user-id';)"};
  CAF_REQUIRE(connections.step());
  CAF_CHECK_EQUAL(connections.text(0), "spotify");
  CAF_CHECK_EQUAL(connections.text(1), "connected");
  CAF_CHECK_EQUAL(connections.text(3), "2026-11-21T10:00:00.000Z");
  CAF_CHECK(!connections.step());
  sqlite_statement data{connection, R"(
    SELECT platform, data_type, COUNT(*), MAX(extracted_at)
    FROM user_platform_data
    WHERE user_id = 'your-user-id'
    GROUP BY platform, data_type;)"};
  CAF_REQUIRE(data.step());
  CAF_CHECK_EQUAL(data.text(1), "recently_played");
  CAF_CHECK_EQUAL(data.integer(2), 2);
  CAF_CHECK_EQUAL(data.text(3), "2026-11-21T09:30:00.000Z");
  CAF_CHECK(!data.step());
}

CAF_TEST(the configuration names the store) {
  config settings;
  settings.node.data_dir = directory.file("deep/data");
  const node_identity node{"n1", "127.0.0.1:3001", "test"};
  CAF_CHECK(open_store(settings, node));
  auto report = migrate_store(settings);
  CAF_REQUIRE(report);
  CAF_CHECK(report->applied.empty());
  // An address that is none is shown to nobody, and one where nobody answers is not waited for.
  for (const char* url : {"postgresql://ann:secret@[db/lapwing", "postgresql://ann:secret@db:x/l"}) {
    settings.node.database_url = url;
    for (const auto& why : {open_store(settings, node).error(), migrate_store(settings).error()}) {
      CAF_CHECK(why.detail.find("secret") == std::string::npos);
      CAF_CHECK(why.code == errc::not_configured || why.code == errc::store_unavailable);
    }
  }
  settings.node.database_url = "postgresql://ann:secret@127.0.0.1:1/lapwing";
  const auto nobody_there = open_store(settings, node);
  CAF_REQUIRE(!nobody_there);
  CAF_CHECK(nobody_there.error().code == errc::store_unavailable);
  CAF_CHECK(nobody_there.error().detail.find("secret") == std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
