// What the PostgreSQL store does when the server, the network, another node or a caller lets it down.
#define CAF_SUITE postgres_failure

#include "tests/support/caf_test.hpp"

#include <chrono>
#include <future>
#include <thread>

#include "storage/postgres/failure.hpp"
#include "storage/postgres/postgres_store.hpp"
#include "storage/postgres/settings.hpp"
#include "tests/storage/connection_calls.hpp"
#include "tests/storage/postgres/private_server.hpp"

namespace {

using namespace lapwing;
using namespace lapwing::store_contract;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

const node_identity first_node{"n1", "127.0.0.1:3001", "test"};
const node_identity second_node{"n2", "127.0.0.1:3002", "test"};

std::unique_ptr<postgres_store> open_at(const std::string& url,
                                        std::optional<node_identity> as = std::nullopt) {
  postgres_options options;
  options.url = url;
  options.take_over_as = std::move(as);
  options.statement_timeout = 500ms;
  options.writer_connections = 4;
  options.queue_max = 20'000;
  options.read_bytes_max = 1'000'000;
  options.encryption_keys = {connection_contract::first_key};
  auto store = postgres_store::open_url(options);
  if (!store)
    CAF_FAIL("open failed: " << store.error().detail);
  return std::move(*store);
}

bool is_unavailable(const auto& answer) {
  return !answer && answer.error().code == errc::store_unavailable;
}

/// Repeats `call` until it succeeds; the store itself says when to go on.
template <class Call>
void until_it_works(Call call) {
  const auto end = steady::now() + 30s;
  while (!call()) {
    if (steady::now() > end)
      CAF_FAIL("the store did not recover");
    std::this_thread::yield();
  }
}

struct own_server {
  private_server server;
};

struct shared_server {
  std::unique_ptr<postgres_store> open(std::optional<node_identity> as = std::nullopt) {
    return open_at(database.url(), std::move(as));
  }
  scratch_database database;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_crash_cases, own_server)

CAF_TEST(a server that crashes and comes back loses nothing and is found again) {
  auto store = open_at(server.url(), first_node);
  auto& connections = store->connections();
  CAF_REQUIRE(append_one(*store, a_request(ann, 1, "d1")));
  sequence next = 2;
  for (int round = 0; round < 3; ++round) {
    server.crash();
    const auto began = steady::now();
    CAF_CHECK(is_unavailable(append_one(*store, a_request(ann, next, "lost"))));
    CAF_CHECK(is_unavailable(read(*store, ann)));
    CAF_CHECK(is_unavailable(find(*store, ann, 1)));
    CAF_CHECK(is_unavailable(put_user(*store, user_id{"ann"})));
    CAF_CHECK(is_unavailable(check(*store)));
    awaited<std::vector<connection_key>> due;
    connections.due(platform_id{"spotify"}, at(1), 10, due.callback());
    CAF_CHECK(is_unavailable(due.get()));
    CAF_CHECK(steady::now() - began < 10s);
    server.start();
    until_it_works([&] { return bool{check(*store)}; });
    until_it_works([&] { return bool{read(*store, ann)}; });
    until_it_works([&] {
      const auto done = append_one(*store, a_request(ann, next, "d" + std::to_string(next)));
      return bool{done};
    });
    ++next;
  }
  const std::vector<sequence> expected{1, 2, 3, 4};
  CAF_CHECK(numbers(*store, ann) == expected);
  CAF_CHECK(store->counts().failed_commits < 4u); // While it is away nothing is sent.
}

CAF_TEST(a server that stands still is not waited for) {
  auto store = open_at(server.url());
  CAF_REQUIRE(append_one(*store, a_request(ann, 1, "d1")));
  CAF_REQUIRE(read(*store, ann));
  CAF_REQUIRE(check(*store));
  server.freeze();
  const auto began = steady::now();
  CAF_CHECK(is_unavailable(append_one(*store, a_request(ann, 2, "d2"))));
  CAF_CHECK(is_unavailable(check(*store)));
  // Reading is tried once more, on a new connection: connect_timeout is at least two seconds.
  CAF_CHECK(is_unavailable(read(*store, ann)));
  CAF_CHECK(steady::now() - began < 20s);
  server.thaw();
  until_it_works([&] { return bool{append_one(*store, a_request(ann, 2, "d2"))}; });
  until_it_works([&] { return bool{check(*store)}; });
  const std::vector<sequence> expected{1, 2};
  CAF_CHECK(numbers(*store, ann) == expected);
}

CAF_TEST(a store that is closed while its server stands still does close) {
  auto store = open_at(server.url());
  CAF_REQUIRE(append_one(*store, a_request(ann, 1)));
  CAF_REQUIRE(check(*store));
  server.freeze();
  awaited<std::vector<append_result>> appended;
  awaited<bool> checked;
  store->append({a_request(ann, 2)}, appended.callback());
  store->check(checked.callback());
  store.reset();
  CAF_CHECK(is_unavailable(appended.get()));
  CAF_CHECK(is_unavailable(checked.get()));
}

CAF_TEST(the address decides about TLS) {
  const auto plain = server.url();
  const auto base = plain.substr(0, plain.find('?'));
  const auto verified = base + "?sslmode=verify-full&sslrootcert=" + server.certificate();
  {
    auto store = open_at(verified);
    CAF_REQUIRE(append_one(*store, a_request(ann, 1)));
    CAF_REQUIRE(check(*store));
    pqxx::connection connection{plain};
    const auto row = pqxx::nontransaction{connection}.exec1(
      "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity"
      " USING (pid) WHERE application_name = 'lapwing'");
    CAF_CHECK(row[0].as<int>() >= 2);
    CAF_CHECK_EQUAL(row[0].as<int>(), row[1].as<int>());
  }
  postgres_options stranger;
  stranger.url = base + "?sslmode=verify-full&sslrootcert=/nonexistent.crt";
  CAF_CHECK(is_unavailable(postgres_store::open_url(stranger)));
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST_FIXTURE_SCOPE(postgres_failure_cases, shared_server)

CAF_TEST(connections that were cut while idle are replaced before anybody notices) {
  auto store = open();
  for (sequence seq = 1; seq <= 3; ++seq) {
    CAF_CHECK(append_one(*store, a_request(ann, seq, "d" + std::to_string(seq))));
    CAF_CHECK(read(*store, ann));
    CAF_CHECK(check(*store));
    scratch_database::administer("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                 " WHERE datname = '" + database.name() + "'");
  }
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), 3u);
}

CAF_TEST(a statement that takes too long is given up and leaves no trace) {
  auto store = open();
  CAF_REQUIRE(append_one(*store, a_request(ann, 1, "d1")));
  pqxx::connection connection{database.url()};
  {
    pqxx::work lock{connection};
    lock.exec("LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
    CAF_CHECK(is_unavailable(append_one(*store, a_request(ann, 2, "d2"))));
    CAF_CHECK(is_unavailable(read(*store, ann)));
  }
  CAF_CHECK(append_one(*store, a_request(ann, 2, "d2"))->outcome == append_outcome::stored);
  CAF_CHECK_EQUAL(numbers(*store, ann).size(), 2u);
}

CAF_TEST(a node that was replaced writes nothing any more) {
  auto old = open(first_node);
  CAF_REQUIRE(append_one(*old, a_request(ann, 1, "d1")));
  auto fresh = open(second_node);
  CAF_CHECK(fresh->fence().epoch > old->fence().epoch);
  CAF_CHECK(is_unavailable(append_one(*old, a_request(ann, 2, "d2"))));
  CAF_CHECK(is_unavailable(append_one(*old, a_request(ann, 1, "d1")))); // Also step by step.
  CAF_CHECK(is_unavailable(put_user(*old, user_id{"ann"})));
  CAF_CHECK(is_unavailable(check(*old)));
  awaited<retention_step> trimmed;
  old->trim({1, timestamp{}}, trimmed.callback());
  CAF_CHECK(is_unavailable(trimmed.get()));
  CAF_CHECK(is_unavailable(
    connection_contract::note_refresh(*old, connection_contract::nobody, 1, at(1))));
  CAF_CHECK_EQUAL(numbers(*old, ann).size(), 1u);
  CAF_CHECK(append_one(*fresh, a_request(ann, 2, "d2"))->outcome == append_outcome::stored);
  CAF_CHECK_EQUAL(database.value_of("SELECT state FROM nodes WHERE id = 'n1'"), "dead");
  // The same node again is another one: it has a new epoch.
  auto again = open(first_node);
  CAF_CHECK(check(*again));
  CAF_CHECK(is_unavailable(check(*old)));
  CAF_CHECK(is_unavailable(check(*fresh)));
}

CAF_TEST(whoever replaces a node waits for what it is writing) {
  auto old = open(first_node);
  pqxx::connection connection{database.url()};
  pqxx::work writing{connection}; // A transaction of the old node, under way.
  writing.exec_params("SELECT lapwing_hold_fence($1, $2)", "n1", old->fence().epoch);
  auto replaced = std::async(std::launch::async, [&] {
    postgres_options options;
    options.url = database.url();
    options.take_over_as = second_node;
    return postgres_store::open_url(options).has_value();
  });
  until_it_works([&] {
    return database.value_of("SELECT count(*) FROM pg_stat_activity WHERE datname = '"
                             + database.name() + "' AND wait_event_type = 'Lock'")
           == "1";
  });
  writing.exec("INSERT INTO users (id) VALUES ('written')");
  writing.commit();
  CAF_CHECK(replaced.get());
  CAF_CHECK_EQUAL(database.value_of("SELECT count(*) FROM users"), "1");
  CAF_CHECK(is_unavailable(check(*old)));
}

CAF_TEST(numbers of a log appear in their order on however many connections) {
  auto store = open();
  constexpr sequence count = 4000;
  std::atomic<std::size_t> answered{0};
  std::atomic<std::size_t> failed{0};
  for (sequence seq = 1; seq <= count; ++seq) {
    // Batches of others between keep all connections busy.
    for (const auto& log : {ann, log_id::of(user_id{"u" + std::to_string(seq % 10)})}) {
      store->append({a_request(log, seq)}, [&](const auto& done) {
        failed += done ? 0 : 1;
        ++answered;
      });
    }
  }
  std::size_t looks = 0;
  sequence newest = 0;
  while (newest < count) {
    const auto seen = read(*store, ann, newest, 1000);
    CAF_REQUIRE(seen);
    for (const auto& e : *seen) {
      CAF_REQUIRE_EQUAL(e->seq, newest + 1);
      newest = e->seq;
    }
    ++looks;
  }
  CAF_CHECK(looks > 5);
  until_it_works([&] { return answered == 2 * count; });
  CAF_CHECK_EQUAL(failed.load(), 0u);
}

CAF_TEST(delivery ids of any bytes are kept apart) {
  auto store = open();
  const std::vector<std::string> odd{"\xff", "\xfe", std::string{"a\0b", 3}, "a", "\\xff"};
  sequence seq = 0;
  for (const auto& delivery : odd) {
    const auto stored = append_one(*store, a_request(ann, ++seq, delivery));
    CAF_REQUIRE(stored);
    CAF_CHECK_EQUAL(stored->seq, seq);
  }
  for (const auto& delivery : odd) {
    const auto again = append_one(*store, a_request(ann, ++seq, delivery));
    CAF_REQUIRE(again);
    CAF_CHECK(again->outcome == append_outcome::duplicate);
  }
}

CAF_TEST(users of any name have logs of their own) {
  auto store = open();
  std::vector<log_id> logs;
  for (const auto& name : {std::string{"\xff"}, std::string{"a\0b", 3}, std::string{"a"},
                           std::string{"\\xff"}, std::string{"a' OR true --\"{}"}})
    logs.push_back(log_id::of(user_id{name}));
  for (std::size_t i = 0; i < logs.size(); ++i)
    CAF_REQUIRE(append_one(*store, a_request(logs[i], i + 1)));
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const std::vector<sequence> own{i + 1};
    CAF_CHECK(numbers(*store, logs[i]) == own);
    CAF_CHECK_EQUAL(state_of(*store, logs[i]).newest, i + 1);
  }
}

CAF_TEST(what the database cannot hold is refused alone) {
  auto store = open();
  // Beyond what fits into a row of an index, and not to be compressed.
  std::string huge;
  std::mt19937 random{1};
  while (huge.size() < 20'000)
    huge += static_cast<char>('!' + random() % 90);
  awaited<std::vector<append_result>> before, wrong, after;
  store->append({a_request(ann, 1, "d1")}, before.callback());
  store->append({a_request(bob, 1, "b1"), a_request(bob, 2, huge)}, wrong.callback());
  store->append({a_request(ann, 2, "d2")}, after.callback());
  CAF_CHECK(before.get());
  const auto refused = wrong.get();
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::internal);
  CAF_CHECK(refused.error().detail.find(huge.substr(0, 20)) == std::string::npos);
  CAF_CHECK(after.get());
  CAF_CHECK(numbers(*store, bob).empty());
}

CAF_TEST(a read that is too heavy is refused and a smaller one works) {
  auto store = open();
  // What is packed weighs what it is when unpacked; what is not is weighed by the server.
  std::string noise;
  std::mt19937 random{1};
  while (noise.size() < 400'000)
    noise += static_cast<char>('!' + random() % 90);
  for (const auto& log : {ann, bob}) {
    const auto payload = log == ann ? noise : std::string(400'000, 'x');
    for (sequence seq = 1; seq <= 4; ++seq)
      CAF_REQUIRE(append_one(*store, {an_event(log, seq, at(1), payload), "github", ""}));
    CAF_CHECK(read(*store, log, 0, 4).error().code == errc::payload_too_large);
    CAF_CHECK_EQUAL(read(*store, log, 0, 2)->size(), 2u);
    CAF_CHECK((*find(*store, log, 3))->payload == payload);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(a failure is the servers or the statements own) {
  using postgres::fault;
  using postgres::fault_of;
  CAF_CHECK(fault_of("") == fault::connection);
  CAF_CHECK(fault_of("08006") == fault::connection);
  CAF_CHECK(fault_of("57P01") == fault::connection); // admin_shutdown
  CAF_CHECK(fault_of("25006") == fault::connection); // a standby
  CAF_CHECK(fault_of("57014") == fault::database);   // query_canceled: the time limit
  CAF_CHECK(fault_of("53100") == fault::database);   // disk_full
  CAF_CHECK(fault_of("40P01") == fault::database);   // deadlock_detected
  CAF_CHECK(fault_of("42501") == fault::database);   // insufficient_privilege
  CAF_CHECK(fault_of("22021") == fault::statement);  // not UTF-8
  CAF_CHECK(fault_of("23514") == fault::statement);  // check_violation
  CAF_CHECK(fault_of("54000") == fault::statement);  // too large for an index
  CAF_CHECK(fault_of("LW001") == fault::fenced);
}
