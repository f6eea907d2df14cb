// Database changes on their way to clients: desks with a feed that the test writes.
#define CAF_SUITE realtime_change_desk
#include "tests/support/caf_test.hpp"

#include <nlohmann/json.hpp>

#include "actors/realtime/change_desk.hpp"
#include "actors/runtime/metered.hpp"
#include "realtime/answers.hpp"
#include "tests/support/actor_fixture.hpp"

using namespace lapwing;
using namespace lapwing::realtime;
using namespace std::chrono_literals;
using json = nlohmann::json;

namespace {

/// One table, `docs(id, owner)`. Its rule: a row is for the subject whose claims name its owner.
struct fake_feed final : change_feed {
  table_ptr shape;
  bool down = false;
  bool late = false; ///< Answers wait for `answer_one`.
  std::vector<std::function<void()>> waiting;
  std::size_t looks = 0;

  fake_feed() {
    auto made = std::make_shared<table>();
    made->id = 1;
    made->schema = "public";
    made->name = "docs";
    made->replica_identity = 'f';
    made->columns = {{"id", "int4", true}, {"owner", "text", true}};
    shape = made;
  }
  void keep_keys_only() {
    auto made = std::make_shared<table>(*shape);
    made->replica_identity = 'd';
    made->columns[1].key = false;
    shape = made;
  }
  void start(std::vector<listener>) override {}
  void stop() override {}
  void describe(std::string, std::function<void(result<std::vector<table_facts>>)> done) override {
    if (down)
      return done(error{errc::store_unavailable, "down"});
    done(std::vector<table_facts>{{shape, {true, false}}});
  }
  void look(sight_question what, std::function<void(result<sights>)> done) override {
    ++looks;
    auto answer = [this, what = std::move(what), done = std::move(done)] {
      if (down)
        return done(error{errc::store_unavailable, "down"});
      sights made;
      auto& table = made.tables.emplace_back();
      auto count = what.changes.size();
      table.rules = {true, {"id"}};
      table.places.resize(count);
      for (std::size_t i = 0; i < count; ++i)
        made.of.emplace_back(0, static_cast<std::uint32_t>(i));
      for (const auto& who : what.subjects) {
        made.role_of.push_back(static_cast<std::uint32_t>(table.roles.size()));
        auto& role = table.roles.emplace_back();
        role.readable = std::make_shared<const std::vector<std::string>>(
          std::vector<std::string>{"id", "owner"});
        role.records.resize(count);
        auto& seen = table.subjects.emplace_back();
        seen.exact = true;
        seen.images.resize(2 * count + 1);
        for (std::size_t i = 0; i < count; ++i) {
          const auto& change = *what.changes[i];
          if (!change.row.empty() && change.row[1].value == who.claims) {
            seen.images[i + 1] = true;
            role.records[i]
              = R"({"id":)" + change.row[0].value + R"(,"owner":")" + who.claims + "\"}";
          }
          seen.images[count + i + 1] = change.old.size() > 1 && change.old[1].value == who.claims;
        }
      }
      done(std::move(made));
    };
    if (late)
      waiting.push_back(std::move(answer));
    else
      answer();
  }
  void answer_one() {
    auto first = std::move(waiting.front());
    waiting.erase(waiting.begin());
    first();
  }

  row_change change(change_kind kind, int id, const std::string& owner, const std::string& old = {}) {
    row_change made{kind, shape, {}, {}, false};
    cell number{cell_kind::text, std::to_string(id)};
    if (kind != change_kind::remove)
      made.row = {number, {cell_kind::text, owner}};
    if (kind != change_kind::insert)
      made.old = {number, {cell_kind::text, kind == change_kind::remove ? owner : old}};
    return made;
  }
};

struct fake_socket final : socket {
  std::vector<json> frames;
  bool text(std::string_view frame) override {
    frames.push_back(json::parse(frame));
    return true;
  }
  bool binary(std::string_view) override { return true; }
  std::size_t waiting_bytes() const noexcept override { return 0; }
  void check_token(std::uint64_t, std::string) override {}
  void end(std::uint16_t, std::string_view) override {}
  std::chrono::steady_clock::time_point heard_at() const noexcept override { return {}; }
};

struct client {
  follower_ptr who;
  std::shared_ptr<fake_socket> out = std::make_shared<fake_socket>();

  /// "INSERT 1", ...; "reset" for a system message.
  std::string told() const {
    std::string all;
    for (const auto& frame : out->frames) {
      all += all.empty() ? "" : ", ";
      if (frame[3] == "system") {
        all += frame[4]["message"].get<std::string>();
        continue;
      }
      const auto& data = frame[4]["data"];
      const auto& row = data.contains("record") ? data["record"] : data["old_record"];
      all += data["type"].get<std::string>() + ' ' + row["id"].dump();
    }
    return all;
  }
};

struct world : test::actor_fixture<> {
  fake_feed feed;
  departures gone{2min};
  desk_context env{&feed, &gone, {}};
  change_desk_actor desk;
  std::vector<change_notice> notices;
  change_listener_actor session;
  std::uint64_t batches = 0;
  lsn at = 1000;
  member_id next_id = 1;

  world() {
    session = sys.spawn([this]() -> change_listener_actor::behavior_type {
      return {[this](const change_notice& notice) { notices.push_back(notice); }};
    });
    open_desk();
    publish({}); // The feed is there.
  }
  ~world() {
    for (auto* actor : {&desk})
      caf::anon_send_exit(*actor, caf::exit_reason::kill);
    caf::anon_send_exit(session, caf::exit_reason::kill);
    settle();
    desk = nullptr;
    session = nullptr;
  }
  void open_desk() {
    desk = spawn_change_desk(sys, 0, env);
    settle();
  }
  /// One transaction.
  void publish(std::vector<row_change> changes, lsn history = 0, lsn resume_at = 0,
               bool lost = false) {
    auto batch = std::make_shared<change_batch>();
    at += 10;
    batch->number = ++batches;
    batch->reached = at;
    batch->history = history;
    batch->resume_at = resume_at;
    batch->lost = lost;
    if (!changes.empty())
      batch->parts.push_back({std::move(changes), 0, {}, at - 1, at, true, false});
    caf::anon_send(desk, change_news{std::move(batch), nullptr});
    settle();
  }
  void stream_elsewhere() {
    auto batch = std::make_shared<change_batch>();
    batch->number = ++batches;
    batch->elsewhere = true;
    caf::anon_send(desk, change_news{std::move(batch), nullptr});
    settle();
  }
  void insert(int id, const std::string& owner = "ann") {
    publish({feed.change(change_kind::insert, id, owner)});
  }
  client follow(const std::string& owner = "ann",
                const std::string& entry = R"({"schema":"public","table":"docs"})") {
    client made;
    made.who = std::make_shared<change_follower>();
    made.who->id = next_id++;
    made.who->topic = "realtime:room1";
    made.who->spoken = protocol::v2;
    made.who->entries.push_back(read_change_entry(entry));
    number_entries(made.who->entries);
    made.who->resume_key = owner + entry;
    made.who->out = made.out;
    made.who->who = {"authenticated", owner};
    caf::anon_send(desk, change_follow{made.who, false}, session);
    settle();
    return made;
  }
  void unfollow(const client& who, bool ended) {
    who.who->gone = true;
    caf::anon_send(desk, change_unfollow{who.who, ended});
    settle();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(realtime_change_desk_tests, world)

CAF_TEST(changes reach those that may see them and are asked for once) {
  auto ann = follow("ann");
  auto again = follow("ann");
  auto ben = follow("ben");
  CAF_CHECK_EQUAL(notices.size(), 3U);
  CAF_CHECK(notices[0].ok);
  publish({feed.change(change_kind::insert, 1, "ann"), feed.change(change_kind::insert, 2, "ben")});
  CAF_CHECK_EQUAL(ann.told(), "INSERT 1");
  CAF_CHECK_EQUAL(again.told(), "INSERT 1");
  CAF_CHECK_EQUAL(ben.told(), "INSERT 2");
  CAF_CHECK_EQUAL(feed.looks, 1U);
  CAF_CHECK(ann.out->frames[0][4]["ids"][0] == ann.who->entries[0].id);
}

CAF_TEST(a row that moves is gone for one and there for the other and so is its delete) {
  auto ann = follow("ann");
  auto ben = follow("ben");
  insert(1);
  publish({feed.change(change_kind::update, 1, "ben", "ann")});
  publish({feed.change(change_kind::remove, 1, "ben")});
  CAF_CHECK_EQUAL(ann.told(), "INSERT 1");
  CAF_CHECK_EQUAL(ben.told(), "UPDATE 1, DELETE 1");
}

CAF_TEST(nobody asks for what nobody wants) {
  auto ann = follow("ann", R"({"schema":"public","table":"docs","filter":"id=gt.5"})");
  insert(1);
  CAF_CHECK_EQUAL(feed.looks, 0U);
  insert(6);
  CAF_CHECK_EQUAL(ann.told(), "INSERT 6");
}

CAF_TEST(batches are told in order however late the answers come) {
  auto ann = follow();
  feed.late = true;
  insert(1);
  insert(2);
  CAF_CHECK_EQUAL(feed.waiting.size(), 1U);
  feed.answer_one();
  settle();
  feed.answer_one();
  settle();
  CAF_CHECK_EQUAL(ann.told(), "INSERT 1, INSERT 2");
}

CAF_TEST(what has come meanwhile is asked about together) {
  auto ann = follow();
  auto ben = follow("ben");
  feed.late = true;
  for (int id = 1; id <= 5; ++id)
    insert(id, id % 2 == 0 ? "ben" : "ann");
  feed.answer_one();
  settle();
  CAF_CHECK_EQUAL(feed.looks, 2U);
  auto cid = follow("ben"); // Too late for those.
  feed.answer_one();
  settle();
  CAF_CHECK_EQUAL(ann.told(), "INSERT 1, INSERT 3, INSERT 5");
  CAF_CHECK_EQUAL(ben.told(), "INSERT 2, INSERT 4");
  CAF_CHECK_EQUAL(cid.told(), "");
}

CAF_TEST(the delete of a row whose old self cannot be asked about goes to those that were shown it) {
  feed.keep_keys_only();
  auto ann = follow("ann");
  auto ben = follow("ben");
  insert(1);
  publish({feed.change(change_kind::remove, 1, "")});
  publish({feed.change(change_kind::remove, 1, "")});
  CAF_CHECK_EQUAL(ann.told(), "INSERT 1, DELETE 1");
  CAF_CHECK_EQUAL(ben.told(), "");
}

CAF_TEST(where old rows can be asked about having been shown one is no right to its delete) {
  auto ann = follow("ann");
  insert(1);
  publish({feed.change(change_kind::remove, 1, "nobody")}); // Her right ended in between.
  CAF_CHECK_EQUAL(ann.told(), "INSERT 1");
}

CAF_TEST(whoever left hears nothing of what is under way) {
  auto ann = follow();
  feed.late = true;
  insert(1);
  unfollow(ann, false);
  feed.answer_one();
  settle();
  CAF_CHECK_EQUAL(ann.told(), "");
}

CAF_TEST(what was missed comes first and only to those whose socket broke) {
  auto ann = follow();
  insert(1);
  unfollow(ann, true);
  insert(2);
  insert(3);
  auto back = follow();
  insert(4);
  CAF_CHECK_EQUAL(back.told(), "INSERT 2, INSERT 3, INSERT 4");
  auto fresh = follow("ann", R"({"schema":"public"})");
  CAF_CHECK_EQUAL(fresh.told(), "");
  unfollow(fresh, false);
  insert(5);
  CAF_CHECK_EQUAL(follow("ann", R"({"schema":"public"})").told(), "");
}

CAF_TEST(after the window there is nothing to come back to) {
  auto ann = follow();
  unfollow(ann, true);
  insert(1);
  advance(3min);
  CAF_CHECK_EQUAL(follow().told(), "");
}

CAF_TEST(what is kept no more is told by a reset) {
  env.settings.kept_bytes = 1;
  auto ann = follow();
  unfollow(ann, true);
  insert(1);
  insert(2);
  CAF_CHECK(follow().told().starts_with("reset"));
}

CAF_TEST(after a crash of the node before everybody gets what came since) {
  caf::anon_send_exit(desk, caf::exit_reason::kill);
  settle();
  open_desk();
  batches = 0;
  // The slot is read again from long before: 1 was told by the other node, 2 was not.
  at = 1000;
  publish({feed.change(change_kind::insert, 1, "ann")}, 1030, 1010);
  auto early = follow(); // Has to wait until history is read.
  CAF_CHECK(notices.empty());
  publish({feed.change(change_kind::insert, 2, "ann")}, 1030);
  CAF_CHECK(notices.empty());
  publish({}, 1030);
  CAF_CHECK_EQUAL(notices.size(), 1U);
  CAF_CHECK_EQUAL(early.told(), "INSERT 2");
  publish({feed.change(change_kind::insert, 3, "ann")}, 1030);
  CAF_CHECK_EQUAL(early.told(), "INSERT 2, INSERT 3");
  advance(3min);
  publish({}, 1030);
  CAF_CHECK_EQUAL(follow().told(), "");
}

CAF_TEST(lost changes are told by a reset to all) {
  auto ann = follow();
  publish({}, 0, 0, true);
  CAF_CHECK_EQUAL(ann.told(), "reset");
}

CAF_TEST(while another node has the stream clients are told so until it comes here) {
  auto live = follow();
  stream_elsewhere();
  stream_elsewhere();
  CAF_CHECK_EQUAL(live.told(), std::string{streamed_elsewhere});
  auto late = follow("ben");
  insert(1);
  CAF_CHECK_EQUAL(live.told(), std::string{streamed_elsewhere} + ", " + std::string{subscribed}
                                 + ", INSERT 1");
  caf::anon_send_exit(desk, caf::exit_reason::kill);
  settle();
  open_desk(); // Of a node that has never had the stream.
  notices.clear();
  auto waiting = follow();
  stream_elsewhere();
  auto more = follow("ben");
  CAF_REQUIRE_EQUAL(notices.size(), 2U);
  CAF_CHECK(!notices[0].ok && !notices[1].ok);
  CAF_CHECK_EQUAL(notices[0].text, std::string{streamed_elsewhere});
  publish({});
  CAF_REQUIRE_EQUAL(notices.size(), 4U);
  CAF_CHECK(notices[2].ok && notices[3].ok);
  insert(2, "ben");
  CAF_CHECK_EQUAL(more.told(), "INSERT 2");
}

CAF_TEST(a database that does not answer is told and followed by better times) {
  auto ann = follow();
  feed.down = true;
  insert(1);
  CAF_CHECK_EQUAL(ann.told(), "reset");
  feed.down = false;
  insert(2);
  CAF_CHECK_EQUAL(ann.told(), "reset, INSERT 2");
}

CAF_TEST(entries that name no table or do not fit it are refused) {
  follow("ann", R"({"schema":"public","table":"nobody"})");
  follow("ann", R"({"schema":"public","table":"docs","filter":"id=eq.x"})");
  follow("ann", R"({"schema":"public","table":"docs","select":["nothing"]})");
  auto odd = follow("ann", R"({"filter":"id=eq.1"})");
  CAF_REQUIRE_EQUAL(notices.size(), 4U);
  for (const auto& notice : notices)
    CAF_CHECK(!notice.ok);
  CAF_CHECK(notices[1].text.find("invalid input syntax for type int4: \"x\"") != std::string::npos);
  CAF_CHECK(notices[2].text.find("invalid column for select nothing") != std::string::npos);
  insert(1);
  CAF_CHECK_EQUAL(odd.told(), "");
  CAF_CHECK(faults.empty());
}

CAF_TEST(a new token is another subject from the next change on) {
  auto ann = follow();
  ann.who->who = {"authenticated", "ben"};
  caf::anon_send(desk, change_follow{ann.who, true}, session);
  settle();
  CAF_CHECK_EQUAL(notices.size(), 2U);
  publish({feed.change(change_kind::insert, 1, "ann"), feed.change(change_kind::insert, 2, "ben")});
  CAF_CHECK_EQUAL(ann.told(), "INSERT 2");
}

CAF_TEST_FIXTURE_SCOPE_END()
