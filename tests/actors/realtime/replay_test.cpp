// Broadcasts of private channels that are kept, and told again to those who join later.
#define CAF_SUITE realtime_kept_channels
#include "tests/support/caf_test.hpp"

#include "tests/actors/realtime/channel_world.hpp"

namespace {

/// Keeps and reads at once; what it found is told when the test says so.
struct fake_archive final : broadcast_archive {
  std::vector<kept_broadcast> kept;
  timestamp now{};
  bool down = false;
  bool late = false;
  bool late_keep = false;
  std::vector<std::function<void()>> waiting;

  void later(std::function<void()> what) {
    if (late)
      waiting.push_back(std::move(what));
    else
      what();
  }
  void answer_one() {
    auto first = std::move(waiting.front());
    waiting.erase(waiting.begin());
    first();
  }
  void keep(const std::string&, const broadcast_content& what,
            callback<std::uint64_t> done) override {
    if (down)
      return done(error{errc::store_unavailable, "down"});
    kept.push_back({kept.size() + 1, now, what});
    if (late_keep)
      waiting.push_back([done = std::move(done), number = kept.size()] { done(number); });
    else
      done(kept.size());
  }
  void extent(const std::string&, callback<kept_extent> done) override {
    if (down)
      return done(error{errc::store_unavailable, "down"});
    done(kept_extent{kept.size(), 0});
  }
  void read(const std::string&, std::uint64_t after, std::size_t limit,
            callback<kept_page> done) override {
    kept_page page;
    for (auto n = after; n < kept.size() && page.broadcasts.size() < limit; ++n)
      page.broadcasts.push_back(kept[n]);
    later([this, page = std::move(page), done = std::move(done)]() mutable {
      if (down)
        return done(error{errc::store_unavailable, "down"});
      done(std::move(page));
    });
  }
};

/// With an archive, and clients that may use the private channel "a".
struct keeping : world {
  fake_archive archive;

  keeping() { env.archive = &archive; }

  socket_ptr member(const std::string& broadcast = "{}", std::size_t home = 0,
                    protocol spoken = protocol::v2) {
    auto made = connect(home, spoken);
    made->rooms = {"*"};
    auto asked = R"({"private":true,"broadcast":)" + broadcast + '}';
    if (spoken == protocol::v2)
      join(made, "a", asked);
    else
      say(made, R"({"topic":"realtime:a","event":"phx_join","payload":{"config":)" + asked
                  + R"(},"ref":"1","join_ref":"1"})");
    return made;
  }
  /// "1 2r": ids of the broadcasts it got; r: replayed.
  static std::string heard(const socket_ptr& who) {
    std::string all;
    for (const auto& frame : who->of("broadcast")) {
      const auto& meta = frame[4]["meta"];
      all += (all.empty() ? "" : " ") + meta["id"].get<std::string>();
      all += meta.contains("replayed") ? "r" : "";
    }
    return all;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(realtime_replay_tests, keeping)

CAF_TEST(broadcasts of private channels are kept and carry their id) {
  auto ann = member(R"({"ack":true})");
  auto ben = member("{}", 1);
  say(ann, broadcast("a", R"({"x":1})"));
  CAF_REQUIRE_EQUAL(archive.kept.size(), 1U);
  CAF_CHECK_EQUAL(archive.kept[0].what.payload,
                  R"({"type":"broadcast","event":"e","payload":{"x":1}})");
  CAF_CHECK_EQUAL(heard(ben), "1");
  CAF_CHECK_EQUAL(ann->of("phx_reply").back()[4]["status"], "ok");
  auto stranger = connect();
  join(stranger, "a"); // The public channel of that name is another one.
  say(stranger, broadcast("a"));
  CAF_CHECK_EQUAL(archive.kept.size(), 1U);
  CAF_CHECK_EQUAL(heard(ben), "1");
}

CAF_TEST(what cannot be kept is not said and its sender is told) {
  auto ann = member(R"({"ack":true})");
  auto ben = member("{}", 1);
  archive.down = true;
  say(ann, broadcast("a"));
  CAF_CHECK_EQUAL(heard(ben), "");
  CAF_CHECK_EQUAL(ann->of("phx_reply").back()[4]["response"]["reason"], not_kept);
  auto late = member(R"({"replay":{"since":0}})");
  CAF_CHECK_EQUAL(late->of("phx_reply").back()[4]["response"]["reason"], refusal::replay_failed);
}

CAF_TEST(a newcomer is told what was said before in order and then what is said now) {
  auto ann = member();
  for (int i = 0; i < 150; ++i)
    say(ann, broadcast("a"));
  for (std::size_t home : {0, 1}) {
    auto ben = member(R"({"replay":{"after":"147"}})", home);
    CAF_CHECK_EQUAL(heard(ben), "148r 149r 150r");
    CAF_CHECK_EQUAL(ben->of("phx_reply").front()[4]["status"], "ok");
    auto all = member(R"({"replay":{"since":0}})", home);
    CAF_CHECK_EQUAL(all->of("broadcast").size(), 150U);
  }
  auto ben = member(R"({"replay":{"since":0,"limit":1}})", 1);
  say(ann, broadcast("a"));
  CAF_CHECK_EQUAL(heard(ben), "150r 151");
}

CAF_TEST(what is said while the past is told comes once and in its place) {
  auto ann = member();
  for (int i = 0; i < 70; ++i) // More than a page.
    say(ann, broadcast("a"));
  for (std::size_t home : {0, 1}) {
    archive.late = true;
    auto ben = member(R"({"replay":{"after":"0"}})", home);
    auto before = archive.kept.size();
    while (!archive.waiting.empty()) {
      if (archive.kept.size() < before + 4) { // Between the pages, and behind the last one.
        say(ann, broadcast("a"));
        say(ann, broadcast("a"));
      }
      archive.answer_one();
      settle();
    }
    archive.late = false;
    say(ann, broadcast("a"));
    auto got = ben->of("broadcast");
    CAF_REQUIRE_EQUAL(got.size(), archive.kept.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      CAF_CHECK_EQUAL(got[i][4]["meta"]["id"], std::to_string(i + 1));
    CAF_CHECK(!got.back()[4]["meta"].contains("replayed"));
  }
}

CAF_TEST(what is in the past already is not told again when its live message comes) {
  auto ann = member();
  archive.late_keep = true;
  say(ann, broadcast("a"));
  archive.late_keep = false;
  auto ben = member(R"({"replay":{"after":0}})", 1);
  auto carl = member("{}", 1);
  CAF_CHECK_EQUAL(heard(ben), "1r");
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(heard(ben), "1r");
  CAF_CHECK_EQUAL(heard(carl), "1");
}

CAF_TEST(a client that leaves while the past is told hears no more of it) {
  auto ann = member();
  say(ann, broadcast("a"));
  archive.late = true;
  auto ben = member(R"({"replay":{"after":0}})");
  say(ben, R"(["1","2","realtime:a","phx_leave",{}])");
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(heard(ben), "");
  auto gone = member(R"({"replay":{"after":0}})");
  hang_up(gone);
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(heard(gone), "");
}

CAF_TEST(an archive that fails midway has the client join again) {
  auto ann = member();
  say(ann, broadcast("a"));
  archive.late = true;
  auto ben = member(R"({"replay":{"after":0}})");
  archive.down = true;
  archive.answer_one();
  settle();
  CAF_CHECK_EQUAL(ben->of("phx_error").size(), 1U);
  CAF_CHECK_EQUAL(ben->of("phx_close").size(), 0U);
}

CAF_TEST(a slow client is told the past as it takes it) {
  auto ann = member();
  for (int i = 0; i < 200; ++i)
    say(ann, broadcast("a"));
  auto ben = connect(1);
  ben->rooms = {"*"};
  ben->waiting = 1'000'000;
  join(ben, "a", R"({"private":true,"broadcast":{"replay":{"after":0}}})");
  CAF_CHECK_EQUAL(ben->of("broadcast").size(), 64U);
  say(ann, broadcast("a"));
  CAF_CHECK_EQUAL(ben->of("broadcast").size(), 64U);
  ben->waiting = 0;
  caf::anon_send(ben->session, atom::drained_v);
  settle();
  CAF_CHECK_EQUAL(ben->of("broadcast").size(), 201U);
}

CAF_TEST_FIXTURE_SCOPE_END()
