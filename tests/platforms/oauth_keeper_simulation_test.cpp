// The token keeper between a store and a server that fail at every step: crashes, lost answers,
// late answers, commits whose outcome is unknown. What must always hold is checked after each step.
#define CAF_SUITE oauth_keeper_simulation

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>

#include "platforms/oauth/token_keeper.hpp"

using namespace lapwing;
using namespace std::chrono_literals;

namespace {

using milliseconds = std::chrono::milliseconds;
constexpr auto day = 24h;

/// An authorization server whose refresh tokens are good once. One that comes again ends the
/// family (RFC 9700 4.14.2), unless it comes soon and the server forgives that.
class rotating_server {
public:
  rotating_server(bool rotates, bool forgives, milliseconds token_life)
      : rotates_(rotates), forgives_(forgives), token_life_(token_life) {}

  token_set consent(timestamp now) {
    alive_ = true;
    used_.clear();
    return issue(now, true);
  }

  token_outcome refresh(const std::string& token, timestamp now) {
    if (!alive_)
      return token_failure{token_failure_kind::reauthorise, "invalid_grant", {}};
    if (token != refresh_token_) {
      if (forgives_ && token == last_used_)
        return token_answer{issue(now, rotates_), ""};
      alive_ = false; // Reuse: perhaps a thief.
      ++reuse_count;
      return token_failure{token_failure_kind::reauthorise, "invalid_grant", {}};
    }
    if (rotates_)
      last_used_ = token;
    return token_answer{issue(now, rotates_), ""};
  }

  bool accepts(std::string_view access_token, timestamp now) const {
    return alive_ && access_token == access_token_ && now < expires_at_;
  }

  void revoke() { alive_ = false; }
  void forget_access() { access_token_.clear(); }
  bool alive() const { return alive_; }
  const std::string& live_refresh_token() const { return refresh_token_; }

  int reuse_count = 0;

private:
  token_set issue(timestamp now, bool with_refresh) {
    ++count_;
    access_token_ = "access-" + std::to_string(count_);
    if (with_refresh)
      refresh_token_ = "refresh-" + std::to_string(count_);
    expires_at_ = now + token_life_;
    return {access_token_, with_refresh ? refresh_token_ : "", expires_at_, {}, ""};
  }

  bool rotates_;
  bool forgives_;
  milliseconds token_life_;
  bool alive_ = false;
  int count_ = 0;
  std::string access_token_;
  std::string refresh_token_;
  std::string last_used_;
  std::set<std::string> used_;
  timestamp expires_at_{};
};

struct faults {
  double request_lost = 0;   ///< Before the server.
  double answer_lost = 0;    ///< After it: the rotation took place.
  double unavailable = 0;    ///< 503.
  double store_down = 0;     ///< Not stored.
  double commit_unknown = 0; ///< Stored, and reported as not.
  double crash = 0;          ///< Of the node, between any two steps.
  double rejection = 0;      ///< 401 without a reason.
};

/// A node with one keeper, a durable row and messages under way, in random order.
class world {
public:
  world(std::uint64_t seed, bool rotates, bool forgives, milliseconds token_life, faults with)
      : random_(seed), server(rotates, forgives, token_life), faults_(with) {
    spec_.title = "Example";
    row.tokens = server.consent(now);
    row.token_version = 1;
    row.granted_at = now;
    start();
  }

  void start() {
    ++life_;
    pending_.clear();
    in_flight_ = 0;
    keeper = std::make_unique<token_keeper>(spec_);
    act(keeper->loaded(row, now, chance()));
  }

  void crash() {
    ++crash_count;
    // Answered, and not on disk: as lost as an answer that never came.
    if (fresh_ && row.tokens.refresh_token != *fresh_)
      ++lost_rotation_count;
    fresh_.reset();
    // What is under way at the server may still take effect there: the answer finds nobody.
    auto left = std::move(orphans_);
    orphans_.clear();
    for (auto& orphan : left)
      if (happens(0.5))
        orphan();
    start();
  }

  /// One step of something: an answer arrives, somebody needs a token, time passes.
  void step() {
    if (happens(faults_.crash))
      crash();
    if (!pending_.empty() && happens(0.7)) {
      const auto index = random_() % pending_.size();
      auto action = std::move(pending_[index]);
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(index));
      action();
    } else if (happens(0.3)) {
      use_token();
    } else if (const auto due = keeper->due(); due && pending_.empty()) {
      if (*due > now)
        now = std::min(*due, now + day);
      act(keeper->tick(now));
    } else {
      now += milliseconds{random_() % 2000};
      act(keeper->tick(now));
    }
    check();
  }

  void use_token() {
    token_keeper::decisions out;
    const auto answer = keeper->need(now, out);
    const std::string token{answer.access_token};
    const auto version = answer.version;
    act(std::move(out));
    if (answer.what != token_keeper::verdict::use)
      return;
    ++use_count;
    // Only what is on disk may be used.
    if (token != row.tokens.access_token)
      CAF_ERROR("a token was used before it was stored");
    if (server.accepts(token, now) && !happens(faults_.rejection)) {
      ++good_use_count;
      return;
    }
    act(keeper->rejected(version, now));
  }

  void check() {
    if (in_flight_ > 1)
      CAF_ERROR("two refreshes under way");
    if (end_count > 1)
      CAF_ERROR("the end was told more than once");
  }

  /// Everything that is under way comes to an end, without further faults.
  void settle() {
    faults_ = {};
    for (int i = 0; i < 10'000 && (!pending_.empty() || !steady()); ++i) {
      if (!pending_.empty()) {
        auto action = std::move(pending_.front());
        pending_.erase(pending_.begin());
        action();
      } else if (const auto due = keeper->due()) {
        now = std::max(now, *due);
        act(keeper->tick(now));
      }
    }
    // One more use finds a grant that ended unnoticed.
    for (int i = 0; i < 100; ++i) {
      use_token();
      while (!pending_.empty()) {
        auto action = std::move(pending_.front());
        pending_.erase(pending_.begin());
        action();
      }
      now += 1s;
    }
    check();
  }

  bool steady() const {
    return keeper->state() == token_keeper::phase::idle
           || keeper->state() == token_keeper::phase::over;
  }

  bool happens(double probability) {
    return probability > 0
           && std::uniform_real_distribution<double>{0, 1}(random_) < probability;
  }
  double chance() { return std::uniform_real_distribution<double>{0, 1}(random_); }

private:
  void act(token_keeper::decisions decisions) {
    for (auto& decision : decisions)
      std::visit([this](auto& what) { carry_out(what); }, decision);
  }

  /// `what` happens later, in this life of the node.
  void later(std::function<void()> what) {
    pending_.push_back([this, life = life_, action = std::move(what)] {
      if (life == life_)
        action();
    });
  }

  void carry_out(const token_keeper::note& note) {
    const bool down = happens(faults_.store_down);
    const bool unknown = happens(faults_.commit_unknown);
    later([=, this] {
      result<bool> outcome = true;
      if (!down)
        outcome = write(note.what);
      if (down || unknown)
        outcome = error{errc::store_unavailable, ""};
      act(keeper->noted(note.step, outcome, now, chance()));
    });
  }

  void carry_out(const token_keeper::remember& remember) {
    if (!happens(faults_.store_down))
      later([this, what = remember.what] { write(what); });
  }

  bool write(const refresh_note& what) {
    if (what.version != row.token_version || what.seen != row.refresh_began
        || row.status != connection_status::connected)
      return false;
    row.refresh_began = what.began;
    row.refresh_memory = what.memory;
    return true;
  }

  void carry_out(const token_keeper::ask& ask) {
    ++in_flight_;
    ++ask_count;
    if (!row.refresh_began)
      CAF_ERROR("a refresh was sent before it was noted");
    if (row.status != connection_status::connected)
      CAF_ERROR("a refresh of a connection that is over");
    const bool lost = happens(faults_.request_lost);
    const bool answer_lost = happens(faults_.answer_lost);
    const bool unavailable = happens(faults_.unavailable);
    orphans_.push_back([this, token = ask.refresh_token] {
      if (server.refresh(token, now).index() == 0)
        ++lost_rotation_count;
    });
    later([=, this] {
      orphans_.clear();
      --in_flight_;
      token_outcome outcome = token_failure{token_failure_kind::transient, "unreachable", {}};
      if (unavailable) {
        outcome = token_failure{token_failure_kind::transient, "http_503", {}};
      } else if (!lost) {
        auto answered = server.refresh(ask.refresh_token, now);
        if (answer_lost && answered.index() == 0)
          ++lost_rotation_count;
        if (!answer_lost) {
          if (const auto* answer = std::get_if<token_answer>(&answered))
            fresh_ = answer->tokens.refresh_token;
          outcome = std::move(answered);
        }
      }
      act(keeper->answered(ask.step, std::move(outcome), now, chance()));
    });
  }

  void carry_out(const token_keeper::save& save) {
    const bool down = happens(faults_.store_down);
    const bool unknown = happens(faults_.commit_unknown);
    later([=, this] {
      result<bool> outcome = row.token_version == save.expected;
      if (!down && *outcome) {
        row.tokens = save.tokens;
        row.refresh_began.reset();
        ++row.token_version;
      }
      if (down || unknown)
        outcome = error{errc::store_unavailable, ""};
      act(keeper->saved(save.step, outcome, now, chance()));
    });
  }

  void carry_out(const token_keeper::reload& reload) {
    const bool down = happens(faults_.store_down);
    later([=, this] {
      act(down ? keeper->load_failed(reload.step, now, chance())
               : keeper->loaded(row, now, chance()));
    });
  }

  void carry_out(const token_keeper::end&) {
    ++end_count;
    row.status = connection_status::needs_reauth;
  }

  void carry_out(const token_keeper::warn&) {}
  void carry_out(const token_keeper::refreshed&) {
    ++refreshed_count;
    fresh_.reset();
  }

  std::mt19937_64 random_;

public:
  timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  rotating_server server;
  connection row;
  std::unique_ptr<token_keeper> keeper;
  int ask_count = 0;
  int crash_count = 0;
  int end_count = 0;
  int good_use_count = 0;
  int lost_rotation_count = 0;
  int refreshed_count = 0;
  int use_count = 0;

private:
  platform_spec spec_;
  faults faults_;
  std::vector<std::function<void()>> pending_;
  std::vector<std::function<void()>> orphans_;
  std::optional<std::string> fresh_; ///< Refresh token of an answer whose commit is not known.
  int in_flight_ = 0;
  int life_ = 0;
};

/// Live with tokens that work, or over with exactly one word to the person.
void check_outcome(world& in, std::uint64_t seed) {
  in.settle();
  if (in.row.status == connection_status::needs_reauth) {
    if (in.end_count != 1)
      CAF_ERROR("seed " << seed << ": the end was told " << in.end_count << " times");
    if (in.server.alive())
      CAF_ERROR("seed " << seed << ": a live grant was given up");
    return;
  }
  if (in.end_count != 0)
    CAF_ERROR("seed " << seed << ": an end was told of a connection that lives");
  if (!in.server.alive())
    CAF_ERROR("seed " << seed << ": a dead grant was not noticed");
  if (in.row.tokens.refresh_token != in.server.live_refresh_token())
    CAF_ERROR("seed " << seed << ": the stored refresh token is not the live one");
  const auto before = in.good_use_count;
  in.use_token();
  if (in.good_use_count != before + 1)
    CAF_ERROR("seed " << seed << ": the token at the end does not work");
}

} // namespace

CAF_TEST(a month without faults refreshes as often as it must and always has a good token) {
  for (const bool rotates : {false, true}) {
    world in{1, rotates, false, 1h, {}};
    const auto end = in.now + 30 * day;
    while (in.now < end)
      in.step();
    CAF_CHECK_EQUAL(in.use_count, in.good_use_count);
    CAF_CHECK(in.use_count > 100);
    // A refresh every 50 to 55 minutes.
    CAF_CHECK(in.ask_count >= 30 * 24 * 60 / 55 - 1);
    CAF_CHECK(in.ask_count <= 30 * 24 * 60 / 50 + 1);
    CAF_CHECK_EQUAL(in.ask_count, in.refreshed_count);
    CAF_CHECK_EQUAL(in.end_count, 0);
  }
}

CAF_TEST(faults without lost answers never cost a rotating grant) {
  // Crashes are left out: one while the answer is on its way is a lost answer.
  const faults with{.request_lost = 0.2, .answer_lost = 0, .unavailable = 0.2, .store_down = 0.3,
                    .commit_unknown = 0.3, .crash = 0, .rejection = 0};
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    world in{seed, true, false, seed % 2 ? milliseconds{1h} : milliseconds{4min}, with};
    for (int i = 0; i < 400; ++i)
      in.step();
    check_outcome(in, seed);
    if (in.end_count != 0 || in.server.reuse_count != 0)
      CAF_ERROR("seed " << seed << ": an avoidable end");
  }
}

CAF_TEST(a platform that does not rotate survives everything) {
  const faults with{.request_lost = 0.2, .answer_lost = 0.2, .unavailable = 0.2, .store_down = 0.2,
                    .commit_unknown = 0.2, .crash = 0.05, .rejection = 0};
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    world in{seed, false, false, 1h, with};
    for (int i = 0; i < 400; ++i)
      in.step();
    check_outcome(in, seed);
    if (in.end_count != 0)
      CAF_ERROR("seed " << seed << ": an avoidable end");
  }
}

CAF_TEST(a server that forgives one repetition survives a lost answer) {
  // Lost answers only: what comes after the repetition is not forgiven either.
  const faults with{.request_lost = 0.1, .answer_lost = 0.3, .unavailable = 0.1, .store_down = 0.2,
                    .commit_unknown = 0.2, .crash = 0.03, .rejection = 0};
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    world in{seed, true, true, 1h, with};
    for (int i = 0; i < 300; ++i)
      in.step();
    check_outcome(in, seed);
    if (in.end_count != 0)
      CAF_ERROR("seed " << seed << ": an avoidable end");
  }
}

CAF_TEST(everything together ends in a live grant or one honest end) {
  const faults with{.request_lost = 0.1, .answer_lost = 0.02, .unavailable = 0.1,
                    .store_down = 0.2, .commit_unknown = 0.2, .crash = 0.03, .rejection = 0};
  int ended = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    world in{seed, true, false, seed % 3 ? milliseconds{1h} : milliseconds{4min}, with};
    for (int i = 0; i < 200; ++i)
      in.step();
    check_outcome(in, seed);
    if (in.row.status != connection_status::needs_reauth)
      continue;
    ++ended;
    // Only a rotation that nobody could store may end a grant.
    if (in.lost_rotation_count == 0)
      CAF_ERROR("seed " << seed << ": an avoidable end");
  }
  CAF_CHECK(ended > 0);
  CAF_CHECK(ended < 1000);
}

CAF_TEST(a grant that is revoked is noticed once) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    world in{seed, seed % 2 == 0, false, 1h, {.store_down = 0.2, .crash = 0.02}};
    for (int i = 0; i < 50; ++i)
      in.step();
    in.server.revoke();
    for (int i = 0; i < 200; ++i)
      in.step();
    in.settle();
    if (in.row.status != connection_status::needs_reauth || in.end_count != 1)
      CAF_ERROR("seed " << seed << ": told " << in.end_count << " times");
  }
}

CAF_TEST(an access token that dies early is replaced) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    world in{seed, true, false, 1h, {.store_down = 0.1}};
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 50; ++i)
        in.step();
      in.server.forget_access();
      in.now += 11min;
    }
    check_outcome(in, seed);
    if (in.end_count != 0)
      CAF_ERROR("seed " << seed << ": an avoidable end");
  }
}

CAF_TEST(an outage of a day costs a bounded number of requests) {
  world in{1, true, false, 1h, {.unavailable = 1}};
  const auto end = in.now + day;
  while (in.now < end)
    in.step();
  // 5, 10, 20, ... 900 s, then at least every 15 minutes at half the delay.
  CAF_CHECK(in.ask_count <= 8 + 24 * 60 / 7 + 1);
  CAF_CHECK(in.ask_count >= 24 * 4);
  check_outcome(in, 1);
  CAF_CHECK_EQUAL(in.end_count, 0);
}
