// Who sees what in PostgreSQL, table by table (storage/schema/postgres/0002_row_security.sql).
#define CAF_SUITE postgres_row_security

#include "tests/support/caf_test.hpp"

#include <optional>
#include <string>

#include "storage/postgres/schema.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

namespace {

using namespace lapwing;

const std::string denied = "permission denied";

struct database {
  database() {
    postgres::connection_settings settings{
      *postgres::connection_parameters(scratch.url()),
      postgres::session_preparation(std::chrono::seconds{5})};
    const auto migrated = postgres::migrate(settings);
    if (!migrated)
      CAF_FAIL(migrated.error().detail);
    scratch.execute(R"(
      INSERT INTO users (id) VALUES ('ann'), ('bob');
      INSERT INTO accounts (platform, name, user_id)
        VALUES ('gmail', 'ann@example.com', 'ann'), ('gmail', 'bob@example.com', 'bob');
      INSERT INTO events (log, seq, source, time, type, platform, tail, payload, packed)
        SELECT log, 1, '', now(), 't', '', '{}', '', false
        FROM unnest(ARRAY['u:ann', 'u:bob', 'r:admin', 'b:']) AS log;
      INSERT INTO logs (log, trimmed) VALUES ('u:ann', 1), ('u:bob', 1), ('r:admin', 1), ('b:', 1);
      INSERT INTO platform_connections
        (id, user_id, platform, access_token, refresh_token, created_at, updated_at)
        SELECT gen_random_uuid(), id, 'github', '\x01', '\x02', now(), now() FROM users;
      INSERT INTO poll_progress (connection, endpoint, cursor, etag, due_at, failure_count)
        SELECT number, 'e', '', '', now(), 0 FROM platform_connections;
      INSERT INTO user_platform_data
        (id, user_id, platform, data_type, raw_data, extracted_at)
        SELECT gen_random_uuid(), id, 'github', 'd', '{}', now() FROM users;
      INSERT INTO platform_webhooks (id, user_id, platform, webhook_secret, created_at)
        SELECT gen_random_uuid(), id, 'github', '\x03', now() FROM users;
      INSERT INTO push_subscriptions (endpoint, user_id, p256dh, auth_secret, created_at)
        SELECT 'https://push.example/' || id, id, 'p', '\x04', now() FROM users;
      INSERT INTO oauth_states (state, user_id, platform, verifier, expires_at)
        SELECT 's-' || id, id, 'github', '\x05', now() FROM users;
      INSERT INTO outbox (kind, user_id, body, created_at)
        SELECT 'mail', id, '{}', now() FROM users;
      INSERT INTO nodes (id, address, epoch, state, version, started_at)
        VALUES ('n1', '', 1, 'live', '', now());
      INSERT INTO node_leases (node, until) VALUES ('n1', now());
    )");
  }

  /// The first value that `sql` gives to this role with these claims, or why it gives none.
  std::string as(const char* role, const std::string& claims, const std::string& sql) {
    pqxx::connection connection{scratch.url()};
    pqxx::work work{connection};
    work.exec("SET LOCAL ROLE " + std::string{role});
    work.exec_params("SELECT set_config('request.jwt.claims', $1, true)", claims);
    try {
      const auto rows = work.exec(sql);
      return rows.empty() || rows[0][0].is_null() ? std::string{} : rows[0][0].as<std::string>();
    } catch (const pqxx::insufficient_privilege&) {
      return denied;
    } catch (const pqxx::sql_error& refused) {
      return refused.what();
    }
  }
  std::string as_user(const std::string& user, const std::string& sql) {
    return as("authenticated", R"({"role":"authenticated","sub":")" + user + "\"}", sql);
  }
  std::string as_anon(const std::string& sql) { return as("anon", R"({"role":"anon"})", sql); }
  std::string as_service(const std::string& sql) {
    return as("service_role", R"({"role":"service_role"})", sql);
  }

  /// Ann sees what `whose` says of her rows; the service those of all; anonymous ones nothing.
  void a_user_sees_own_rows(const std::string& table, const std::string& whose,
                            const std::string& seen, const std::string& all) {
    const auto select
      = "SELECT string_agg(" + whose + ", ' ' ORDER BY " + whose + ") FROM " + table;
    CAF_CHECK_EQUAL(as_user("ann", select), seen);
    CAF_CHECK_EQUAL(as_user("nobody", select), seen.find("b:") == std::string::npos ? "" : "b:");
    CAF_CHECK_EQUAL(as("authenticated", "", select), "");
    CAF_CHECK_EQUAL(as_anon(select), denied);
    CAF_CHECK_EQUAL(as_service(select), all);
    nobody_writes(table);
  }
  void nobody_writes(const std::string& table) {
    for (const auto& sql : {"DELETE FROM " + table, "INSERT INTO " + table + " DEFAULT VALUES"}) {
      CAF_CHECK_EQUAL(as_user("ann", sql), denied);
      CAF_CHECK_EQUAL(as_anon(sql), denied);
      CAF_CHECK_EQUAL(as_service(sql), denied);
    }
  }
  void is_the_owners_secret(const std::string& table, const std::string& column) {
    const auto select = "SELECT " + column + " FROM " + table;
    CAF_CHECK_EQUAL(as_user("ann", select), denied);
    CAF_CHECK_EQUAL(as_anon(select), denied);
    CAF_CHECK_EQUAL(as_service(select), denied);
    CAF_CHECK(!scratch.value_of(select).empty());
  }

  scratch_database scratch;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_row_security_cases, database)

CAF_TEST(users) {
  a_user_sees_own_rows("users", "id", "ann", "ann bob");
}
CAF_TEST(accounts) {
  a_user_sees_own_rows("accounts", "name", "ann@example.com", "ann@example.com bob@example.com");
}
CAF_TEST(events) {
  a_user_sees_own_rows("events", "log", "b: u:ann", "b: r:admin u:ann u:bob");
}
CAF_TEST(logs) {
  a_user_sees_own_rows("logs", "log", "b: u:ann", "b: r:admin u:ann u:bob");
}
CAF_TEST(platform connections and their tokens) {
  a_user_sees_own_rows("platform_connections", "user_id", "ann", "ann bob");
  is_the_owners_secret("platform_connections", "access_token");
  is_the_owners_secret("platform_connections", "refresh_token");
}
CAF_TEST(poll progress) {
  a_user_sees_own_rows(
    "poll_progress", "(SELECT user_id FROM platform_connections WHERE number = connection)", "ann",
    "ann bob");
}
CAF_TEST(user platform data) {
  a_user_sees_own_rows("user_platform_data", "user_id", "ann", "ann bob");
}
CAF_TEST(platform webhooks and their secrets) {
  a_user_sees_own_rows("platform_webhooks", "user_id", "ann", "ann bob");
  is_the_owners_secret("platform_webhooks", "webhook_secret");
}
CAF_TEST(push subscriptions and their secrets) {
  a_user_sees_own_rows("push_subscriptions", "user_id", "ann", "ann bob");
  is_the_owners_secret("push_subscriptions", "auth_secret");
}
CAF_TEST(oauth states are the owners alone) {
  is_the_owners_secret("oauth_states", "state");
  is_the_owners_secret("oauth_states", "verifier");
  nobody_writes("oauth_states");
}
CAF_TEST(outbox) {
  a_user_sees_own_rows("outbox", "user_id", "ann", "ann bob");
}
CAF_TEST(nodes and leases are not for users) {
  for (const char* table : {"nodes", "node_leases"}) {
    const auto select = "SELECT count(*) FROM " + std::string{table};
    CAF_CHECK_EQUAL(as_user("ann", select), denied);
    CAF_CHECK_EQUAL(as_anon(select), denied);
    CAF_CHECK_EQUAL(as_service(select), "1");
    nobody_writes(table);
  }
}
CAF_TEST(what the node keeps for itself) {
  is_the_owners_secret("write_probe", "count");
  is_the_owners_secret("schema_migrations", "digest");
  for (const char* call :
       {"SELECT lapwing_hold_fence(NULL, 0)", "SELECT lapwing_declare_dead(1)",
        "SELECT lapwing_document('{}')",
        "SELECT lapwing_append(NULL, 0, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',"
        " '{}', '{}')",
        "SELECT nextval('node_epochs')"}) {
    CAF_CHECK_EQUAL(as_user("ann", call), denied);
    CAF_CHECK_EQUAL(as_service(call), denied);
  }
}

CAF_TEST(every table has row security) {
  CAF_CHECK_EQUAL(scratch.value_of("SELECT string_agg(relname, ' ') FROM pg_class"
                                   " WHERE relnamespace = 'public'::regnamespace"
                                   " AND relkind IN ('r', 'p') AND NOT relrowsecurity"),
                  "");
}

CAF_TEST(claims that are none show nothing) {
  const std::string count = "SELECT count(*) FROM events";
  for (const char* claims : {"{}", "null", "\"ann\"", "[\"ann\"]", "{\"sub\":null}",
                             "{\"sub\":\"\"}", "{\"sub\":[\"ann\"]}", "{\"user_id\":\"ann\"}"})
    CAF_CHECK(as("authenticated", claims, count) <= "1"); // At most the broadcast.
  CAF_CHECK_EQUAL(as("authenticated", "", count), "0");
  CAF_CHECK_EQUAL(as_user("ann' OR true --", "SELECT count(*) FROM users"), "0");
}

CAF_TEST(the queries of the monitoring guide work as written for the user whose rows they are) {
  const std::string connections = R"(SELECT platform, status, last_sync, token_expires_at
FROM platform_connections
WHERE user_id = 'ann';)";
  const std::string data = R"(SELECT platform, data_type, COUNT(*), MAX(extracted_at)
FROM user_platform_data
WHERE user_id = 'ann'
GROUP BY platform, data_type;)";
  for (const auto& query : {connections, data}) {
    CAF_CHECK_EQUAL(as_user("ann", query), "github");
    CAF_CHECK_EQUAL(as_service(query), "github");
    CAF_CHECK_EQUAL(as_user("bob", query), "");
    CAF_CHECK_EQUAL(scratch.value_of(query), "github");
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
