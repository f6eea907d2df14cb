// The schema of PostgreSQL: applied once, wholly or not at all, by however many start at once.
#define CAF_SUITE postgres_schema

#include "tests/support/caf_test.hpp"

#include <thread>
#include <vector>

#include "config/config.hpp"
#include "storage/open_store.hpp"
#include "storage/postgres/postgres_store.hpp"
#include "storage/postgres/schema.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;

struct database {
  postgres::connection_settings settings(const std::string& url = {}) {
    return {*postgres::connection_parameters(url.empty() ? scratch.url() : url),
            postgres::session_preparation(std::chrono::seconds{5})};
  }
  std::vector<schema_file> files() const {
    return {postgres_schema_files().begin(), postgres_schema_files().end()};
  }
  std::vector<schema_file> files_and(const char* name, const char* sql) const {
    auto more = files();
    more.push_back({static_cast<int>(more.size()) + 1, name, sql});
    return more;
  }

  scratch_database scratch;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_schema_cases, database)

CAF_TEST(a new database gets the whole schema and a current one nothing) {
  CAF_CHECK(postgres::check_schema(settings()).error().code == errc::not_configured);
  const auto first = postgres::migrate(settings());
  CAF_REQUIRE(first);
  CAF_CHECK_EQUAL(first->applied.size(), postgres_schema_files().size());
  CAF_CHECK_EQUAL(first->applied.at(0), "0001_init");
  const auto second = postgres::migrate(settings());
  CAF_REQUIRE(second);
  CAF_CHECK(second->applied.empty());
  CAF_CHECK_EQUAL(second->version, static_cast<int>(postgres_schema_files().size()));
  CAF_CHECK(postgres::check_schema(settings()));
  for (const char* table : {"events", "users", "accounts", "logs", "platform_connections",
                            "user_platform_data", "poll_progress", "platform_webhooks",
                            "push_subscriptions", "oauth_states", "outbox", "nodes",
                            "node_leases", "schema_migrations"})
    CAF_CHECK(!scratch.value_of("SELECT count(*) FROM " + std::string{table}).empty());
}

CAF_TEST(schema files are numbered without a gap) {
  int expected = 1;
  for (const auto& file : postgres_schema_files())
    CAF_CHECK_EQUAL(file.version, expected++);
  CAF_CHECK(expected > 2);
}

CAF_TEST(of many that start at once each file is applied by one) {
  std::vector<std::thread> threads;
  std::vector<result<migration_report>> reports(8, error{});
  for (auto& report : reports)
    threads.emplace_back([&] { report = postgres::migrate(settings()); });
  for (auto& thread : threads)
    thread.join();
  std::size_t applied = 0;
  for (const auto& report : reports) {
    CAF_REQUIRE(report);
    applied += report->applied.size();
    CAF_CHECK_EQUAL(report->version, static_cast<int>(postgres_schema_files().size()));
  }
  CAF_CHECK_EQUAL(applied, postgres_schema_files().size());
}

CAF_TEST(a later file is applied to an older database and keeps its rows) {
  CAF_REQUIRE(postgres::migrate(settings()));
  scratch.execute("INSERT INTO users (id) VALUES ('ann')");
  const auto more = files_and(
    "0099_more", "ALTER TABLE users ADD COLUMN name text; CREATE TABLE more (id integer);");
  CAF_CHECK(postgres::check_schema(settings(), more).error().code == errc::not_configured);
  const auto report = postgres::migrate(settings(), more);
  CAF_REQUIRE(report);
  CAF_CHECK(report->applied == std::vector<std::string>{"0099_more"});
  CAF_CHECK_EQUAL(scratch.value_of("SELECT count(*) FROM users WHERE name IS NULL"), "1");
}

CAF_TEST(a file that fails half way is not applied at all) {
  CAF_REQUIRE(postgres::migrate(settings()));
  const auto broken = files_and(
    "0099_broken", "CREATE TABLE half (id integer); CREATE TABLE users (id integer);");
  CAF_CHECK(!postgres::migrate(settings(), broken));
  CAF_CHECK_EQUAL(scratch.value_of("SELECT to_regclass('half') IS NULL"), "t");
  CAF_CHECK(postgres::check_schema(settings()));
}

CAF_TEST(a newer schema is refused and not touched) {
  CAF_REQUIRE(postgres::migrate(settings(), files_and("0099_more", "CREATE TABLE more ();")));
  for (const auto& refused : {postgres::migrate(settings()), postgres::check_schema(settings())}) {
    CAF_REQUIRE(!refused);
    CAF_CHECK(refused.error().code == errc::not_configured);
    CAF_CHECK(refused.error().detail.find("newer") != std::string::npos);
  }
  postgres_options options;
  options.url = scratch.url();
  CAF_CHECK(postgres_store::open_url(options).error().code == errc::not_configured);
}

CAF_TEST(an edited file is noticed) {
  auto edited = files();
  CAF_REQUIRE(postgres::migrate(settings(), edited));
  const std::string sql = std::string{edited[0].sql} + "\n-- Later thought.\n";
  edited[0].sql = sql;
  CAF_CHECK(postgres::migrate(settings(), edited).error().code == errc::not_configured);
}

CAF_TEST(tables of another program are refused and not touched) {
  scratch.execute("CREATE TABLE events (somebody text)");
  CAF_CHECK(postgres::migrate(settings()).error().code == errc::not_configured);
  CAF_CHECK_EQUAL(scratch.value_of("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
                  "1");
}

CAF_TEST(without migration an empty database is refused) {
  postgres_options options;
  options.url = scratch.url();
  options.migrate = false;
  CAF_CHECK(postgres_store::open_url(options).error().code == errc::not_configured);
  CAF_REQUIRE(migrate_url(options.url));
  CAF_CHECK(postgres_store::open_url(options));
}

CAF_TEST(the configuration names the store) {
  config settings;
  settings.node.database_url = scratch.url();
  const auto report = migrate_store(settings);
  CAF_REQUIRE(report);
  CAF_CHECK_EQUAL(report->applied.size(), postgres_schema_files().size());
  CAF_CHECK(open_store(settings, {"n1", "127.0.0.1:3001", "test"}));
  CAF_CHECK_EQUAL(scratch.value_of("SELECT state FROM nodes WHERE id = 'n1'"), "live");
}

CAF_TEST(a server that refuses says why and not with what) {
  const auto absent = with_database(test_server_url(), "no_such_database");
  const auto refused = postgres::migrate(settings(absent));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().detail.find("no_such_database") != std::string::npos);
  CAF_CHECK(!postgres::connection_parameters("postgresql://ann:hunter2@[h/db"));
  CAF_CHECK(postgres::connection_parameters("postgresql://ann:hunter2@[h/db").error().detail.find(
              "hunter2")
            == std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
