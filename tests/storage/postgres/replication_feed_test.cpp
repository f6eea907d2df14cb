// The change feed against a real server: what is committed arrives, and the database says who may
// see it.
#define CAF_SUITE replication_feed
#include "tests/support/caf_test.hpp"

#include <condition_variable>
#include <future>
#include <mutex>

#include "realtime/json_slices.hpp"
#include "storage/postgres/replication_feed.hpp"
#include "tests/storage/postgres/scratch_database.hpp"

using namespace lapwing;
using namespace lapwing::postgres;
using namespace std::chrono_literals;

namespace {

/// Keeps what the feed hands on.
struct collector {
  std::mutex mutex;
  std::condition_variable more;
  std::vector<realtime::change_batch_ptr> batches;

  realtime::change_feed::listener listener() {
    return [this](realtime::change_batch_ptr batch, const std::shared_ptr<void>&) {
      std::lock_guard guard{mutex};
      batches.push_back(std::move(batch));
      more.notify_all();
    };
  }
  std::vector<realtime::row_change> changes() {
    std::vector<realtime::row_change> all;
    for (const auto& batch : batches)
      for (const auto& part : batch->parts)
        all.insert(all.end(), part.changes.begin(), part.changes.end());
    return all;
  }
  std::vector<realtime::row_change> wait_for(std::size_t count) {
    std::unique_lock lock{mutex};
    more.wait_for(lock, 30s, [&] { return changes().size() >= count; });
    return changes();
  }
  void wait_until_live() {
    std::unique_lock lock{mutex};
    more.wait_for(lock, 30s, [&] {
      return !batches.empty() && batches.back()->reached >= batches.back()->history;
    });
  }
};

struct world {
  scratch_database database;
  collector heard;
  std::unique_ptr<replication_feed> feed;

  world() {
    database.execute(R"(
      DO $$ BEGIN
        CREATE ROLE authenticated NOLOGIN NOINHERIT;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
      GRANT authenticated TO current_user;
      CREATE TABLE docs (id int PRIMARY KEY, owner text, body text);
      ALTER TABLE docs REPLICA IDENTITY FULL;
      ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
      GRANT SELECT (id, owner) ON docs TO authenticated;
      CREATE POLICY own ON docs FOR SELECT TO authenticated
        USING (owner = current_setting('request.jwt.claims', true)::jsonb ->> 'sub');
      CREATE PUBLICATION supabase_realtime FOR TABLE docs;)");
    open();
  }
  void open(std::chrono::milliseconds window = 2min) {
    replication_options options;
    options.url = database.url();
    options.resume_window = window;
    feed = std::move(*replication_feed::open(std::move(options)));
    feed->start({heard.listener()});
  }
  result<std::vector<realtime::table_facts>> describe(const std::string& role = "authenticated") {
    std::promise<result<std::vector<realtime::table_facts>>> told;
    feed->describe(role, [&](auto tables) { told.set_value(std::move(tables)); });
    return told.get_future().get();
  }
  std::future<result<realtime::sights>> ask(const std::vector<realtime::row_change>& changes,
                                            std::vector<realtime::subject> subjects,
                                            std::vector<std::uint32_t> transactions = {}) {
    realtime::sight_question question;
    for (const auto& change : changes)
      question.changes.push_back(&change);
    question.subjects = std::move(subjects);
    question.transactions = std::move(transactions);
    auto told = std::make_shared<std::promise<result<realtime::sights>>>();
    feed->look(std::move(question), [told](auto what) { told->set_value(std::move(what)); });
    return told->get_future();
  }
  std::vector<realtime::row_change> moves(const std::string& third = "'a'") {
    database.execute("INSERT INTO docs VALUES (1, 'ann', " + third + "), (2, 'ben', " + third + ")");
    database.execute("UPDATE docs SET owner = 'ben' WHERE id = 1");
    database.execute("DELETE FROM docs WHERE id = 2");
    auto changes = heard.wait_for(4);
    CAF_REQUIRE_EQUAL(changes.size(), 4U);
    return changes;
  }
  realtime::sights look(const std::vector<realtime::row_change>& changes,
                        std::vector<realtime::subject> subjects) {
    return ask(changes, std::move(subjects)).get().value();
  }
};

/// The columns of a record that the role may read, which is what clients are shown of it.
std::string readable_part(const realtime::sights& seen, std::size_t subject, std::size_t change) {
  auto what = seen.look(subject, change);
  std::string out;
  for (const auto& name : *what.readable)
    if (auto value = realtime::json_member(what.record, name))
      out += (out.empty() ? "{\"" : ",\"") + name + "\":" + std::string{*value};
  return out + '}';
}

/// After world::moves: 1 was ann's and is ben's, 2 was ben's and is gone.
void check_moves(const realtime::sights& seen) {
  const std::size_t ann = 0;
  const std::size_t ben = 1;
  CAF_CHECK(seen.look(ann, 0).record.empty()); // It is ben's by now.
  CAF_CHECK_EQUAL(readable_part(seen, ben, 0), R"({"id":1,"owner":"ben"})");
  CAF_CHECK(seen.look(ben, 1).record.empty());
  CAF_CHECK(seen.look(ann, 2).old_shown);
  CAF_CHECK(!seen.look(ben, 2).old_shown);
  CAF_CHECK(!seen.look(ann, 3).old_shown);
  CAF_CHECK(seen.look(ben, 3).old_shown);
}

realtime::subject user(const std::string& name) {
  return {"authenticated", R"({"sub":")" + name + "\"}"};
}

} // namespace

CAF_TEST(nothing is made in the database before somebody asks) {
  world w;
  CAF_CHECK_EQUAL(w.database.value_of("SELECT count(*) FROM pg_replication_slots"
                                      " WHERE database = current_database()"),
                  "0");
  auto tables = w.describe();
  CAF_REQUIRE(tables.has_value());
  CAF_REQUIRE_EQUAL(tables->size(), 1U);
  CAF_CHECK_EQUAL(tables->front().shape->columns.size(), 2U); // `body` is not readable.
  CAF_CHECK(tables->front().primary_key.front());
  w.heard.wait_until_live();
  CAF_CHECK_EQUAL(w.database.value_of("SELECT count(*) FROM pg_replication_slots"
                                      " WHERE database = current_database()"),
                  "1");
  CAF_CHECK(w.describe("nobody")->empty());
}

CAF_TEST(what is committed arrives in order and what is rolled back does not) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  w.database.execute("INSERT INTO docs VALUES (1, 'ann', 'a')");
  w.database.execute("DO $$ BEGIN INSERT INTO docs VALUES (2, 'ann', 'b'); RAISE division_by_zero;"
                     " EXCEPTION WHEN division_by_zero THEN NULL; END $$");
  w.database.execute("UPDATE docs SET owner = 'ben'; DELETE FROM docs;");
  auto changes = w.heard.wait_for(3);
  CAF_REQUIRE_EQUAL(changes.size(), 3U);
  CAF_CHECK(changes[0].kind == realtime::change_kind::insert);
  CAF_CHECK(changes[1].kind == realtime::change_kind::update);
  CAF_CHECK_EQUAL(changes[1].old[1].value, "ann");
  CAF_CHECK(changes[2].kind == realtime::change_kind::remove);
}

CAF_TEST(the policies decide on rows as they are and on old ones as they were) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  auto changes = w.moves();
  auto seen = w.look(changes, {user("ann"), user("ben"), {"no such role", "{}"},
                               {"authenticated", "not even JSON"}});
  CAF_CHECK(seen.rules(0).row_security);
  CAF_CHECK_EQUAL(seen.rules(0).primary_key.front(), "id");
  check_moves(seen);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t stranger : {2, 3}) {
      CAF_CHECK(seen.look(stranger, i).record.empty());
      CAF_CHECK(!seen.look(stranger, i).old_shown);
    }
}

CAF_TEST(a table that the node itself may not read past its policies is asked row by row) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  auto changes = w.moves();
  w.database.execute("ALTER TABLE docs FORCE ROW LEVEL SECURITY");
  auto seen = w.look(changes, {user("ann"), user("ben"), user("ben")});
  check_moves(seen);
  CAF_CHECK_EQUAL(seen.look(2, 0).record, R"({"id": 1, "owner": "ben"})");
}

CAF_TEST(policies that look at whole rows or call what only some may are obeyed) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  auto changes = w.moves();
  w.database.execute(R"(
    DROP POLICY own ON docs;
    CREATE POLICY own ON docs FOR SELECT TO authenticated
      USING (to_jsonb(docs.*) ->> 'owner' = current_setting('request.jwt.claims', true)::jsonb ->> 'sub');
    GRANT SELECT ON docs TO authenticated;)");
  auto seen = w.look(changes, {user("ann"), user("ben")});
  CAF_CHECK(seen.look(0, 0).record.empty());
  CAF_CHECK_EQUAL(readable_part(seen, 1, 0), R"({"id":1,"owner":"ben","body":"a"})");
  CAF_CHECK(seen.look(0, 2).old_shown);
  // A policy that fails for some: only they see nothing.
  w.database.execute(R"(
    DROP POLICY own ON docs;
    CREATE POLICY own ON docs FOR SELECT TO authenticated
      USING (1 / (current_setting('request.jwt.claims', true)::jsonb ->> 'n')::int = 1);)");
  seen = w.look(changes, {{"authenticated", R"({"n":0})"}, {"authenticated", R"({"n":1})"}});
  CAF_CHECK(seen.look(0, 0).record.empty());
  CAF_CHECK(!seen.look(1, 0).record.empty());
}

CAF_TEST(restrictive policies and roles that no policy binds are what they are for the table) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  w.database.execute("ALTER TABLE docs DROP COLUMN body; ALTER TABLE docs ADD COLUMN \"odd name\" text");
  auto changes = w.moves("NULL");
  w.database.execute("CREATE POLICY not_one ON docs AS RESTRICTIVE FOR SELECT USING (id <> 1)");
  auto seen = w.look(changes, {user("ben"), {w.database.value_of("SELECT current_user"), "{}"}});
  CAF_CHECK(seen.look(0, 0).record.empty());
  CAF_CHECK(seen.look(0, 3).old_shown);
  CAF_CHECK_EQUAL(seen.look(1, 0).record, R"({"id": 1, "owner": "ben", "odd name": null})");
  CAF_CHECK(seen.look(1, 2).old_shown);
}

CAF_TEST(a right that is taken away counts from the next question on) {
  world w;
  w.database.execute("CREATE TABLE teams (who text); GRANT SELECT ON teams TO authenticated;"
                     "INSERT INTO teams VALUES ('ann'); DROP POLICY own ON docs;"
                     "CREATE POLICY team ON docs FOR SELECT TO authenticated USING (EXISTS ("
                     "  SELECT FROM teams WHERE who = current_setting('request.jwt.claims')::jsonb ->> 'sub'))");
  w.describe();
  w.heard.wait_until_live();
  auto changes = w.moves();
  CAF_CHECK(!w.look(changes, {user("ann")}).look(0, 0).record.empty());
  CAF_CHECK(w.look(changes, {user("ann")}).look(0, 3).old_shown);
  w.database.execute("DELETE FROM teams");
  CAF_CHECK(w.look(changes, {user("ann")}).look(0, 0).record.empty());
  CAF_CHECK(!w.look(changes, {user("ann")}).look(0, 3).old_shown);
  w.database.execute("INSERT INTO teams VALUES ('ann'); REVOKE SELECT (id, owner) ON docs FROM authenticated");
  CAF_CHECK(w.look(changes, {user("ann")}).look(0, 0).forbidden);
}

CAF_TEST(a question waits for transactions that others do not see yet) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  w.database.execute("INSERT INTO docs VALUES (1, 'ann', 'a')");
  auto changes = w.heard.wait_for(1);
  pqxx::connection other{w.database.url()};
  pqxx::work open{other};
  auto number = open.exec("SELECT pg_current_xact_id()::text")[0][0].as<std::uint32_t>();
  auto answer = w.ask(changes, {user("ann")}, {number});
  CAF_CHECK(answer.wait_for(50ms) == std::future_status::timeout);
  open.commit();
  CAF_CHECK(!answer.get().value().look(0, 0).record.empty());
}

CAF_TEST(after a stop that was none of ours the next feed says where the last one was) {
  world w;
  w.describe();
  w.heard.wait_until_live();
  w.database.execute("INSERT INTO docs VALUES (1, 'ann', 'a')");
  w.heard.wait_for(1);
  w.feed.reset(); // In good order.
  w.database.execute("UPDATE lapwing_realtime.state SET clean = false");
  w.heard.batches.clear();
  w.open();
  w.heard.wait_until_live();
  CAF_CHECK(w.heard.batches.front()->resume_at != 0U);
  // The slot is confirmed far behind, so the insert comes again, as history.
  auto again = w.heard.wait_for(1);
  CAF_REQUIRE_EQUAL(again.size(), 1U);
  w.database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                     " WHERE database = current_database()");
  w.database.execute("INSERT INTO docs VALUES (2, 'ann', 'b')");
  CAF_CHECK_EQUAL(w.heard.wait_for(2).size(), 2U); // Nothing twice, nothing lost.
}
