// One connection's tokens, step by step.
#define CAF_SUITE oauth_keeper

#include "tests/support/caf_test.hpp"

#include "platforms/oauth/token_keeper.hpp"

using namespace lapwing;
using namespace std::chrono_literals;
using enum token_failure_kind;
using phase = token_keeper::phase;
using verdict = token_keeper::verdict;

namespace {

constexpr auto day = 24h;

struct fixture {
  platform_spec spec;
  token_keeper keeper{spec};
  timestamp start{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  timestamp now = start;
  double chance = 0;
  connection row;

  fixture() {
    spec.title = "Example";
    row.token_version = 7;
    row.granted_at = now;
    row.tokens = {"a1", "r1", now + 1h, {}, "read"};
  }

  auto load() { return keeper.loaded(row, now, chance); }
  auto tick() { return without_notes(keeper.tick(now)); }
  auto need(token_keeper::decisions* out = nullptr) {
    token_keeper::decisions ignored;
    return keeper.need(now, out ? *out : ignored);
  }
  auto noted(std::uint64_t step, result<bool> outcome = true) {
    return keeper.noted(step, outcome, now, chance);
  }
  auto saved(std::uint64_t step, result<bool> outcome = true) {
    auto out = keeper.saved(step, outcome, now, chance);
    if (find<token_keeper::refreshed>(out) != nullptr) {
      row.token_version = keeper.version();
      row.refresh_began.reset();
    }
    return without_notes(std::move(out));
  }
  auto answer(std::uint64_t step, token_set tokens) {
    return keeper.answered(step, token_answer{std::move(tokens), ""}, now, chance);
  }
  auto fail(std::uint64_t step, token_failure_kind kind, std::string code,
            std::optional<std::chrono::milliseconds> retry_after = {}) {
    return without_notes(
      keeper.answered(step, token_failure{kind, std::move(code), retry_after}, now, chance));
  }
  /// A note that the store takes, and the request that follows.
  token_keeper::ask take(const token_keeper::note& note) {
    CAF_CHECK(write(note.what));
    return only<token_keeper::ask>(noted(note.step));
  }

  /// The only decision; what is to be remembered is written into the row.
  template <class T>
  T only(const token_keeper::decisions& from) {
    const auto rest = without_notes(from);
    CAF_REQUIRE(rest.size() == 1);
    CAF_REQUIRE(std::holds_alternative<T>(rest.front()));
    return std::get<T>(rest.front());
  }

  token_keeper::decisions without_notes(token_keeper::decisions from) {
    for (const auto& decision : from)
      if (const auto* remember = std::get_if<token_keeper::remember>(&decision))
        write(remember->what);
    std::erase_if(from, [](const auto& decision) {
      return std::holds_alternative<token_keeper::remember>(decision);
    });
    return from;
  }

  bool write(const refresh_note& what) {
    if (what.version != row.token_version || what.seen != row.refresh_began)
      return false;
    row.refresh_began = what.began;
    row.refresh_memory = what.memory;
    return true;
  }

  template <class T>
  static const T* find(const token_keeper::decisions& from) {
    for (const auto& decision : from)
      if (const auto* found = std::get_if<T>(&decision))
        return found;
    return nullptr;
  }

  /// From idle to asking.
  std::uint64_t begin() {
    now = *keeper.due();
    return take(only<token_keeper::note>(tick())).step;
  }

  /// A whole refresh.
  void refresh(token_set tokens) {
    const auto save = only<token_keeper::save>(answer(begin(), std::move(tokens)));
    CAF_CHECK(find<token_keeper::refreshed>(saved(save.step)) != nullptr);
  }

  /// Ends with that cause, when the store still has the same tokens.
  void ends(const token_keeper::decisions& from, std::string_view cause) {
    only<token_keeper::reload>(from);
    const auto end = only<token_keeper::end>(load());
    CAF_CHECK_EQUAL(end.cause, cause);
    CAF_CHECK(end.message.find("Example") != end.message.npos);
    CAF_CHECK(keeper.state() == phase::over);
    CAF_CHECK(!keeper.due().has_value());
    CAF_CHECK(need().what == verdict::never);
    // Said once.
    now += 30 * day;
    CAF_CHECK(tick().empty());
    CAF_CHECK(keeper.rejected(row.token_version, now).empty());
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(keeper_tests, fixture)

CAF_TEST(a refresh happens between ten and five minutes ahead) {
  CAF_CHECK(load().empty());
  CAF_CHECK(keeper.due() == now + 50min);
  chance = 0.999999;
  row.token_version = 8;
  CAF_CHECK(load().empty());
  CAF_CHECK(*keeper.due() > now + 54min);
  CAF_CHECK(*keeper.due() <= now + 55min);
  now += 49min;
  CAF_CHECK(tick().empty());
  CAF_CHECK(need().what == verdict::use);
  now += 1min;
  // Somebody who looks from outside needs no jitter.
  CAF_CHECK(tick().empty());
  only<token_keeper::note>(keeper.look(now));
}

CAF_TEST(the note is stored before the request and the tokens before their use) {
  load();
  now += 50min;
  const auto note = only<token_keeper::note>(tick());
  CAF_CHECK_EQUAL(note.what.version, 7u);
  CAF_CHECK(note.what.began == now);
  CAF_CHECK(!note.what.seen.has_value());
  CAF_CHECK_EQUAL(need().access_token, "a1");
  const auto ask = only<token_keeper::ask>(noted(note.step));
  CAF_CHECK_EQUAL(ask.refresh_token, "r1");
  CAF_CHECK_EQUAL(need().access_token, "a1");
  const auto save = only<token_keeper::save>(answer(ask.step, {"a2", "r2", now + 1h, {}, ""}));
  CAF_CHECK_EQUAL(save.expected, 7u);
  CAF_CHECK_EQUAL(save.tokens.access_token, "a2");
  CAF_CHECK_EQUAL(save.tokens.refresh_token, "r2");
  CAF_CHECK_EQUAL(save.tokens.scopes, "read");
  CAF_CHECK(save.due == now + 50min);
  CAF_CHECK(need().what == verdict::wait);
  CAF_CHECK_EQUAL(only<token_keeper::refreshed>(saved(save.step)).version, 8u);
  CAF_CHECK_EQUAL(need().access_token, "a2");
  CAF_CHECK_EQUAL(need().version, 8u);
}

CAF_TEST(fifty needs for a token make one refresh) {
  now += 2h;
  load();
  token_keeper::decisions out;
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(need(&out).what == verdict::wait);
  const auto note = only<token_keeper::note>(out);
  out = noted(note.step);
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(need(&out).what == verdict::wait);
  const auto ask = only<token_keeper::ask>(out);
  out = answer(ask.step, {"a2", "", now + 1h, {}, ""});
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(need(&out).what == verdict::wait);
  out = saved(only<token_keeper::save>(out).step);
  for (int i = 0; i < 50; ++i)
    CAF_CHECK_EQUAL(need(&out).access_token, "a2");
  only<token_keeper::refreshed>(out);
}

CAF_TEST(an answer without a refresh token keeps the old one) {
  load();
  refresh({"a2", "", now + 2h, {}, ""});
  CAF_CHECK_EQUAL(keeper.tokens().refresh_token, "r1");
  const auto step = begin();
  CAF_CHECK_EQUAL(only<token_keeper::save>(answer(step, {"a3", "", now + 1h, {}, ""}))
                      .tokens.refresh_token,
                  "r1");
}

CAF_TEST(no known end never means expired) {
  row.tokens.expires_at.reset();
  CAF_CHECK(load().empty());
  CAF_CHECK(!keeper.due().has_value());
  now += 3650 * day;
  CAF_CHECK(tick().empty());
  CAF_CHECK(keeper.look(now).empty());
  CAF_CHECK(need().what == verdict::use);
}

CAF_TEST(short tokens are refreshed halfway) {
  load();
  refresh({"a2", "r2", now + 50min + 5min, {}, ""});
  CAF_CHECK(keeper.due() == now + 150s);
  chance = 0.999999;
  refresh({"a3", "r3", now + 150s + 5min, {}, ""});
  CAF_CHECK(*keeper.due() >= now + 150s);
  CAF_CHECK(*keeper.due() <= now + 180s);
  // Of an unknown age: at once when ten minutes are left.
  row.token_version = 20;
  row.tokens.expires_at = now + 4min;
  CAF_CHECK(load().empty());
  CAF_CHECK(keeper.due() == now);
}

CAF_TEST(a token is not given out in its last seconds) {
  load();
  now += 1h - 16s;
  CAF_CHECK_EQUAL(need().access_token, "a1");
  now += 2s;
  CAF_CHECK(need().what == verdict::wait);
}

CAF_TEST(failures for now are retried ever more slowly) {
  load();
  auto step = begin();
  std::chrono::milliseconds waits[12];
  for (auto& wait : waits) {
    CAF_CHECK(fail(step, transient, "http_503").empty());
    CAF_CHECK(keeper.state() == phase::resting);
    CAF_CHECK_EQUAL(keeper.trouble()->code, "http_503");
    CAF_CHECK(tick().empty());
    wait = *keeper.due() - now;
    now = *keeper.due();
    const auto ask = take(only<token_keeper::note>(tick()));
    CAF_CHECK_EQUAL(ask.refresh_token, "r1");
    step = ask.step;
  }
  CAF_CHECK(waits[0] == 2500ms);
  CAF_CHECK(waits[1] == 5s);
  CAF_CHECK(waits[2] == 10s);
  CAF_CHECK(waits[11] == 7min + 30s);
  CAF_CHECK(need().what == verdict::wait);
  only<token_keeper::save>(answer(step, {"a2", "r2", now + 1h, {}, ""}));
  CAF_CHECK(!keeper.trouble().has_value());
}

CAF_TEST(whoever needs a token during an outage gets the old one or a time) {
  load();
  const auto step = begin();
  fail(step, transient, "unreachable", 30min);
  CAF_CHECK(keeper.due() == now + 30min);
  CAF_CHECK(need().what == verdict::use);
  now += 10min;
  token_keeper::decisions out;
  const auto answer = need(&out);
  CAF_CHECK(answer.what == verdict::later);
  CAF_CHECK(answer.retry_at == *keeper.due());
  CAF_CHECK(out.empty());
}

CAF_TEST(Retry-After is kept and spread) {
  chance = 0.5;
  load();
  const auto step = begin();
  fail(step, transient, "http_429", 100s);
  CAF_CHECK(keeper.due() == now + 105s);
}

CAF_TEST(a refusal ends the connection once) {
  load();
  ends(fail(begin(), reauthorise, "invalid_grant"), "grant_ended");
}

CAF_TEST(a refusal of a token that was replaced meanwhile is no refusal) {
  load();
  only<token_keeper::reload>(fail(begin(), reauthorise, "bad_refresh_token"));
  row.token_version = 8;
  row.tokens = {"a9", "r9", now + 1h, {}, ""};
  CAF_CHECK(load().empty());
  CAF_CHECK_EQUAL(need().access_token, "a9");
  CAF_CHECK(!keeper.trouble().has_value());
}

CAF_TEST(our configuration never marks a person) {
  load();
  auto step = begin();
  for (int i = 0; i < 100; ++i) {
    CAF_CHECK(fail(step, configuration, "invalid_client").empty());
    CAF_CHECK(*keeper.due() - now >= 30s);
    CAF_CHECK(*keeper.due() - now <= 15min);
    step = begin();
  }
  only<token_keeper::save>(answer(step, {"a2", "r2", now + 1h, {}, ""}));
}

CAF_TEST(an unknown refusal is tried three times over a quarter of an hour) {
  load();
  auto step = begin();
  const auto first = now;
  for (int i = 0; i < 2; ++i) {
    CAF_CHECK(fail(step, unknown, "http_403").empty());
    step = begin();
  }
  CAF_CHECK(now - first >= 8min);
  ends(fail(step, unknown, "http_403"), "grant_refused");
}

CAF_TEST(other failures between break a row of unknown refusals) {
  load();
  auto step = begin();
  for (int i = 0; i < 20; ++i) {
    CAF_CHECK(fail(step, i % 2 ? transient : unknown, "x").empty());
    step = begin();
  }
}

CAF_TEST(after a crash the same refresh token is tried once more) {
  row.refresh_began = now - 5min;
  const auto note = only<token_keeper::note>(load());
  CAF_CHECK(note.what.seen == now - 5min);
  const auto ask = take(note);
  CAF_CHECK_EQUAL(ask.refresh_token, "r1");
  CAF_CHECK_EQUAL(need().access_token, "a1");
  ends(fail(ask.step, reauthorise, "bad_refresh_token"), "grant_ended");
}

CAF_TEST(after a crash the answer that may still come is waited for) {
  row.refresh_began = now - 3s;
  CAF_CHECK(load().empty());
  CAF_CHECK(keeper.due() == now + 17s);
  CAF_CHECK_EQUAL(need().access_token, "a1");
  CAF_CHECK(!keeper.trouble().has_value());
  now += 16s;
  CAF_CHECK(tick().empty());
  now += 1s;
  take(only<token_keeper::note>(tick()));
}

CAF_TEST(a note from a future that is no future is not waited for) {
  row.refresh_began = now + 5h;
  take(only<token_keeper::note>(load()));
}

CAF_TEST(of two keepers that begin together one asks and the other gets what came) {
  load();
  token_keeper other{spec};
  other.loaded(row, now, 0);
  now += 50min;
  const auto first = only<token_keeper::note>(tick());
  const auto second = only<token_keeper::note>(other.tick(now));
  const auto ask = take(first);
  CAF_CHECK(!write(second.what));
  only<token_keeper::reload>(other.noted(second.step, false, now, 0));
  CAF_CHECK(other.loaded(row, now, 0).empty());
  CAF_CHECK(other.due() == now + 20s);
  const auto save = only<token_keeper::save>(answer(ask.step, {"a2", "r2", now + 1h, {}, ""}));
  row.tokens = save.tokens;
  row.token_version = 8;
  row.refresh_began.reset();
  only<token_keeper::refreshed>(saved(save.step));
  now += 20s;
  const auto late = only<token_keeper::note>(other.tick(now));
  CAF_CHECK(!write(late.what));
  only<token_keeper::reload>(other.noted(late.step, false, now, 0));
  CAF_CHECK(other.loaded(row, now, 0).empty());
  token_keeper::decisions out;
  CAF_CHECK_EQUAL(other.need(now, out).access_token, "a2");
}

CAF_TEST(who is refused while another keeper asks leaves the word to that one) {
  load();
  only<token_keeper::reload>(fail(begin(), reauthorise, "invalid_grant"));
  row.refresh_began = now + 1s; // Not ours.
  now += 2s;
  CAF_CHECK(load().empty());
  CAF_CHECK(keeper.state() == phase::resting);
  CAF_CHECK(*keeper.due() >= now + 19s);
}

CAF_TEST(an endpoint that is not to be asked is a rest and no failure) {
  load();
  now += 50min;
  const auto note = only<token_keeper::note>(tick());
  chance = 1;
  keeper.held(note.step, now + 5min, now, chance);
  CAF_CHECK(keeper.due() == now + 5min + 30s);
  CAF_CHECK(!keeper.trouble().has_value());
  CAF_CHECK_EQUAL(need().access_token, "a1");
  now += 10min;
  const auto again = only<token_keeper::note>(tick());
  keeper.held(note.step, now + 9h, now, chance); // An earlier step.
  CAF_CHECK(keeper.state() == phase::noting);
  keeper.held(again.step, now + 9h, now, chance);
  CAF_CHECK(*keeper.due() <= now + 17min);
}

CAF_TEST(after a crash before the request the grant lives on) {
  row.refresh_began = now - 21s;
  const auto ask = take(only<token_keeper::note>(load()));
  const auto save = only<token_keeper::save>(answer(ask.step, {"a2", "r2", now + 1h, {}, ""}));
  only<token_keeper::refreshed>(saved(save.step));
  CAF_CHECK_EQUAL(need().access_token, "a2");
}

CAF_TEST(new tokens stay in hand while the store is away) {
  load();
  const auto step = begin();
  auto save = only<token_keeper::save>(answer(step, {"a2", "r2", now + 1h, {}, ""}));
  for (int i = 0; i < 50; ++i) {
    CAF_CHECK(saved(save.step, error{errc::store_unavailable, ""}).empty());
    CAF_CHECK(need().what == verdict::later);
    CAF_CHECK(*keeper.due() - now >= 500ms);
    CAF_CHECK(*keeper.due() - now <= 30s);
    now = *keeper.due();
    save = only<token_keeper::save>(tick());
    CAF_CHECK_EQUAL(save.tokens.refresh_token, "r2");
    CAF_CHECK_EQUAL(save.expected, 7u);
  }
  only<token_keeper::refreshed>(saved(save.step));
  CAF_CHECK_EQUAL(need().access_token, "a2");
}

CAF_TEST(a commit whose answer was lost is found again) {
  load();
  auto save = only<token_keeper::save>(answer(begin(), {"a2", "r2", now + 1h, {}, ""}));
  saved(save.step, error{errc::store_unavailable, ""});
  now = *keeper.due();
  save = only<token_keeper::save>(tick());
  only<token_keeper::reload>(saved(save.step, false));
  CAF_CHECK(need().what == verdict::wait);
  row.token_version = 8;
  row.tokens = save.tokens;
  CAF_CHECK(load().empty());
  CAF_CHECK_EQUAL(need().access_token, "a2");
  CAF_CHECK_EQUAL(keeper.tokens().refresh_token, "r2");
}

CAF_TEST(a store that contradicts itself is asked again but not in a hurry) {
  load();
  const auto save = only<token_keeper::save>(answer(begin(), {"a2", "r2", now + 1h, {}, ""}));
  only<token_keeper::reload>(saved(save.step, false));
  CAF_CHECK(load().empty());
  CAF_CHECK(*keeper.due() > now + 2s);
  now = *keeper.due();
  CAF_CHECK_EQUAL(only<token_keeper::save>(tick()).tokens.refresh_token, "r2");
}

CAF_TEST(nothing is sent when the store does not take the note) {
  load();
  now += 50min;
  auto note = only<token_keeper::note>(tick());
  CAF_CHECK(noted(note.step, error{errc::store_unavailable, ""}).empty());
  CAF_CHECK(keeper.state() == phase::resting);
  CAF_CHECK(need().what == verdict::use);
  now = *keeper.due();
  note = only<token_keeper::note>(tick());
  only<token_keeper::reload>(noted(note.step, false));
  CAF_CHECK(keeper.load_failed(99, now, 0).empty());
  CAF_CHECK(keeper.state() == phase::reloading);
}

CAF_TEST(a load that fails is tried again) {
  load();
  auto reload = only<token_keeper::reload>(fail(begin(), reauthorise, "invalid_grant"));
  CAF_CHECK(keeper.load_failed(reload.step, now, 0).empty());
  CAF_CHECK(need().what == verdict::later);
  now = *keeper.due();
  reload = only<token_keeper::reload>(tick());
  CAF_CHECK_EQUAL(only<token_keeper::end>(load()).cause, "grant_ended");
}

CAF_TEST(a 401 makes one refresh however many report it) {
  load();
  const auto note = only<token_keeper::note>(keeper.rejected(7, now));
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(keeper.rejected(7, now).empty());
  CAF_CHECK(need().what == verdict::wait);
  const auto ask = only<token_keeper::ask>(noted(note.step));
  const auto save = only<token_keeper::save>(answer(ask.step, {"a2", "r2", now + 1h, {}, ""}));
  only<token_keeper::refreshed>(saved(save.step));
  // Late reports of the old token change nothing.
  CAF_CHECK(keeper.rejected(7, now).empty());
  CAF_CHECK_EQUAL(need().access_token, "a2");
  // The refreshed one refused at once: no third try.
  now += 5s;
  row.token_version = 8;
  ends(keeper.rejected(8, now), "token_rejected");
}

CAF_TEST(a 401 long after the last one refreshes again) {
  load();
  for (std::uint64_t version = 7; version < 12; ++version) {
    const auto note = only<token_keeper::note>(keeper.rejected(version, now));
    const auto ask = only<token_keeper::ask>(noted(note.step));
    const auto save = only<token_keeper::save>(answer(ask.step, {"a", "r", now + 9h, {}, ""}));
    only<token_keeper::refreshed>(saved(save.step));
    now += 1h;
  }
}

CAF_TEST(a 401 during a refresh or an outage waits for its end) {
  load();
  const auto step = begin();
  CAF_CHECK(keeper.rejected(7, now).empty());
  CAF_CHECK(need().what == verdict::wait);
  fail(step, transient, "unreachable");
  CAF_CHECK(keeper.rejected(7, now).empty());
  CAF_CHECK(need().what == verdict::later);
  now = *keeper.due();
  const auto ask = take(only<token_keeper::note>(tick()));
  const auto save = only<token_keeper::save>(answer(ask.step, {"a2", "r2", now + 1h, {}, ""}));
  saved(save.step);
  CAF_CHECK(need().what == verdict::use);
}

CAF_TEST(a 401 to a token that cannot be refreshed ends the connection) {
  row.tokens.refresh_token.clear();
  row.tokens.expires_at.reset();
  load();
  ends(keeper.rejected(7, now), "token_rejected");
}

CAF_TEST(a token without a refresh token ends when it ends after three warnings) {
  row.tokens.refresh_token.clear();
  row.tokens.expires_at = now + 60 * day;
  CAF_CHECK(load().empty());
  std::string keys;
  for (const int days : {14, 3, 1}) {
    CAF_CHECK(*keeper.due() == *row.tokens.expires_at - days * day);
    now = *keeper.due() - 1s;
    CAF_CHECK(tick().empty());
    now += 1s;
    const auto warn = only<token_keeper::warn>(tick());
    CAF_CHECK_EQUAL(warn.days, days);
    CAF_CHECK(warn.ends_at == *row.tokens.expires_at);
    CAF_CHECK(keys.find(warn.key + " ") == keys.npos);
    keys += warn.key + " ";
    CAF_CHECK(tick().empty());
  }
  CAF_CHECK(*keeper.due() == *row.tokens.expires_at);
  CAF_CHECK(need().what == verdict::use);
  now = *keeper.due();
  ends(tick(), "token_expired");
}

CAF_TEST(refreshing does not move the end that a platform documents) {
  spec.oauth.grant_lifetime = 180 * day;
  row.granted_at = now - 170 * day;
  const auto warn = only<token_keeper::warn>(load());
  CAF_CHECK_EQUAL(warn.days, 14);
  for (int i = 0; i < 20; ++i)
    refresh({"a", "", *keeper.due() + 1h, {}, ""});
  // A keeper that knows nothing says it again under the same key.
  token_keeper other{spec};
  row.tokens.expires_at = now + 1h;
  row.refresh_memory.clear();
  const auto again = only<token_keeper::warn>(other.loaded(row, now, 0));
  CAF_CHECK_EQUAL(again.key, warn.key);
}

CAF_TEST(an end told by the answer moves with each refresh and warns when it stands still) {
  load();
  for (int i = 0; i < 5; ++i) {
    const auto step = begin();
    const auto save = only<token_keeper::save>(
        answer(step, {"a", "r", now + 8h, now + 180 * day, ""}));
    only<token_keeper::refreshed>(saved(save.step));
  }
  // "Remaining seconds" make the same end move a little.
  const auto end = now + 5 * day;
  for (int i = 0; i < 5; ++i) {
    const auto step = begin();
    const auto save = only<token_keeper::save>(
        answer(step, {"a", "r", now + 1h, end + std::chrono::seconds{i}, ""}));
    const auto out = saved(save.step);
    CAF_CHECK_EQUAL(find<token_keeper::warn>(out) != nullptr, i == 0);
    CAF_CHECK(*keeper.due() > now);
  }
}

CAF_TEST(an end that has passed makes no warning and no busy loop) {
  spec.oauth.grant_lifetime = 1 * day;
  row.granted_at = now - 10 * day;
  CAF_CHECK(load().empty());
  CAF_CHECK(keeper.due() == now + 50min);
}

CAF_TEST(an idle grant is kept alive) {
  spec.oauth.keep_alive = 90 * day;
  row.tokens.expires_at.reset();
  row.granted_at = now - 100 * day;
  CAF_CHECK(load().empty());
  CAF_CHECK(keeper.due() == row.granted_at + 180 * day);
  CAF_CHECK(need().what == verdict::use);
  const auto step = begin();
  const auto save = only<token_keeper::save>(answer(step, {"a2", "", {}, {}, ""}));
  CAF_CHECK(save.due == now + 90 * day);
  only<token_keeper::refreshed>(saved(save.step));
  CAF_CHECK(keeper.due() == now + 90 * day);
}

CAF_TEST(a platform that refreshes nothing is left alone) {
  spec.oauth.refreshable = false;
  row.tokens.expires_at.reset();
  CAF_CHECK(load().empty());
  now += 1000 * day;
  CAF_CHECK(tick().empty());
  CAF_CHECK(need().what == verdict::use);
}

CAF_TEST(a person who connects again replaces what was under way) {
  load();
  const auto step = begin();
  row.token_version = 8;
  row.tokens = {"b1", "s1", now + 1h, {}, ""};
  CAF_CHECK(load().empty());
  CAF_CHECK_EQUAL(need().access_token, "b1");
  CAF_CHECK(answer(step, {"a2", "r2", now + 1h, {}, ""}).empty());
  CAF_CHECK_EQUAL(keeper.tokens().refresh_token, "s1");
}

CAF_TEST(a person who connects again after the end is back) {
  load();
  only<token_keeper::reload>(fail(begin(), reauthorise, "invalid_grant"));
  only<token_keeper::end>(load());
  row.token_version = 8;
  row.tokens = {"b1", "s1", now + 1h, {}, ""};
  CAF_CHECK(load().empty());
  CAF_CHECK_EQUAL(need().access_token, "b1");
}

CAF_TEST(a row that is no news does not disturb a refresh) {
  load();
  const auto step = begin();
  CAF_CHECK(load().empty());
  only<token_keeper::save>(answer(step, {"a2", "r2", now + 1h, {}, ""}));
}

CAF_TEST(a connection that is gone is left alone) {
  load();
  const auto step = begin();
  keeper.gone();
  CAF_CHECK(answer(step, {"a2", "r2", now + 1h, {}, ""}).empty());
  CAF_CHECK(need().what == verdict::never);
  CAF_CHECK(!keeper.due().has_value());
  for (const auto status : {connection_status::needs_reauth, connection_status::disconnected}) {
    row.status = status;
    token_keeper other{spec};
    CAF_CHECK(other.loaded(row, now, 0).empty());
    CAF_CHECK(other.state() == phase::over);
  }
  token_keeper other{spec};
  row.status = connection_status::degraded;
  row.refresh_began.reset();
  other.loaded(row, now, 0);
  CAF_CHECK(other.state() == phase::idle);
  other.tick(now + 50min);
  other.noted(2, result<bool>{error{errc::not_found, ""}}, now, 0);
  CAF_CHECK(other.state() == phase::over);
}

CAF_TEST(late and foreign steps change nothing) {
  load();
  const auto step = begin();
  CAF_CHECK(noted(step - 1).empty());
  CAF_CHECK(saved(step).empty());
  CAF_CHECK(answer(step + 1, {"x", "x", {}, {}, ""}).empty());
  CAF_CHECK(keeper.load_failed(step, now, 0).empty());
  CAF_CHECK(keeper.state() == phase::asking);
  CAF_CHECK(fail(step, transient, "unreachable").empty());
  CAF_CHECK(answer(step, {"x", "x", {}, {}, ""}).empty());
  CAF_CHECK_EQUAL(need().access_token, "a1");
}

CAF_TEST(a clock put back does not make a rest longer) {
  load();
  fail(begin(), transient, "http_503", 1h);
  now -= 5h;
  only<token_keeper::note>(tick());
}

CAF_TEST(a keeper that takes over goes on where the last one was) {
  load();
  CAF_CHECK(fail(begin(), unknown, "http_403").empty());
  CAF_CHECK(fail(begin(), unknown, "http_403", 2h).empty());
  const auto due = *keeper.due();
  CAF_CHECK(!row.refresh_began.has_value());

  token_keeper next{spec};
  now += 1s;
  CAF_CHECK(next.loaded(row, now, 0).empty());
  CAF_CHECK(next.due() == due);
  CAF_CHECK_EQUAL(next.trouble()->code, "http_403");
  now = due;
  const auto ask = only<token_keeper::ask>(
    next.noted(only<token_keeper::note>(next.tick(now)).step, true, now, 0));
  only<token_keeper::reload>(
      next.answered(ask.step, token_failure{unknown, "http_403", {}}, now, 0));

  // Of tokens that were replaced nothing is remembered.
  token_keeper other{spec};
  row.token_version = 8;
  row.refresh_began.reset();
  row.tokens.expires_at = now + 1h;
  CAF_CHECK(other.loaded(row, now, 0).empty());
  CAF_CHECK(other.state() == phase::idle);
  CAF_CHECK(!other.trouble().has_value());
}

CAF_TEST(a 401 straight after a refresh is definite for the next keeper too) {
  load();
  const auto ask = take(only<token_keeper::note>(keeper.rejected(7, now)));
  const auto save = only<token_keeper::save>(answer(ask.step, {"a2", "r2", now + 1h, {}, ""}));
  row.tokens = save.tokens;
  row.token_version = 8;
  row.refresh_began.reset();
  only<token_keeper::refreshed>(saved(save.step));
  token_keeper next{spec};
  now += 5min;
  next.loaded(row, now, 0);
  only<token_keeper::reload>(next.rejected(8, now));
}

CAF_TEST(a warning is not said again by the next keeper) {
  row.tokens.refresh_token.clear();
  row.tokens.expires_at = now + 10 * day;
  only<token_keeper::warn>(load());
  token_keeper next{spec};
  CAF_CHECK(next.loaded(row, now, 0).empty());
  CAF_CHECK(next.due() == *row.tokens.expires_at - 3 * day);
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(what a keeper remembers is text and back) {
  token_memory memory;
  memory.version = 7;
  CAF_CHECK_EQUAL(to_text(memory), "");
  memory.failure = token_failure{configuration, "invalid_client", 9s};
  memory.failure_count = 12;
  memory.unknown_count = 2;
  memory.trouble_since = timestamp{1795251600123ms};
  memory.rest_began = timestamp{1795251700000ms};
  memory.retry_at = timestamp{1795252600000ms};
  memory.refreshed_for_rejection = timestamp{1795251600000ms};
  memory.warned_days = 3;
  memory.warned_end = timestamp{1796251600000ms};
  const auto text = to_text(memory);
  const auto back = parse_token_memory(text);
  CAF_CHECK_EQUAL(to_text(back), text);
  CAF_CHECK_EQUAL(back.version, 7u);
  CAF_CHECK_EQUAL(back.failure->code, "invalid_client");
  CAF_CHECK(back.failure->kind == configuration);
  CAF_CHECK_EQUAL(back.failure_count, 12u);
  CAF_CHECK_EQUAL(back.unknown_count, 2u);
  CAF_CHECK(back.trouble_since == memory.trouble_since);
  CAF_CHECK(back.rest_began == memory.rest_began);
  CAF_CHECK(back.retry_at == memory.retry_at);
  CAF_CHECK(back.refreshed_for_rejection == memory.refreshed_for_rejection);
  CAF_CHECK_EQUAL(back.warned_days, 3);
  CAF_CHECK(back.warned_end == memory.warned_end);
  // What a later version added does no harm; what is damaged is nothing.
  CAF_CHECK_EQUAL(to_text(parse_token_memory(text + " colour=blue")), text);
  for (const char* bad : {"x", "version=7 kind=9 code=a", "version=-1", "failed=1e9 code=a",
                          "code=a\tb kind=0", "retry=99999999999999999999 code=a kind=0",
                          "warned=15", "=", "version=7 kind=2 code="})
    CAF_CHECK_EQUAL(to_text(parse_token_memory(bad)), "");
  for (std::size_t end = 0; end < text.size(); ++end)
    parse_token_memory(text.substr(0, end));
}
