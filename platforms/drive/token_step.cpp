#include "platforms/drive/token_step.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "platforms/oauth/requests.hpp"

namespace lapwing {

token_step::token_step(connection_key of, const platform_spec& spec, const driver_ports& ports,
                       driver_host& host, listener hears)
    : key_(std::move(of)), spec_(spec), ports_(ports), host_(host), hears_(std::move(hears)),
      keeper_(spec) {}

std::function<void(std::function<void()>)> token_step::guarded_post() {
  return [post = host_.make_poster(),
          alive = std::weak_ptr<bool>{alive_}](std::function<void()> call) {
    post([alive, call = std::move(call)] {
      if (alive.lock())
        call();
    });
  };
}

void token_step::loaded(const connection& row) {
  carry_out(keeper_.loaded(row, host_.now(), host_.chance()));
  after_input();
}

void token_step::gone() {
  keeper_.gone();
  after_input();
}

void token_step::look(bool ahead, std::function<void()> settled) {
  settled_.push_back(std::move(settled));
  carry_out(ahead ? keeper_.look(host_.now()) : keeper_.tick(host_.now()));
  after_input();
}

void token_step::when_settled(std::function<void()> settled) {
  settled_.push_back(std::move(settled));
  after_input();
}

void token_step::need(std::function<void(result<access_token>)> done) {
  waiting_.push_back(std::move(done));
  after_input();
}

void token_step::rejected(std::uint64_t version,
                          std::function<void(result<access_token>)> done) {
  carry_out(keeper_.rejected(version, host_.now()));
  need(std::move(done));
}

/// New tokens that are not stored yet, and questions under way, must not be forgotten: the task goes
/// on. Resting before the token endpoint is asked again is nobody's wait: that time is a row.
bool token_step::busy() const noexcept {
  using phase = token_keeper::phase;
  switch (keeper_.state()) {
    case phase::noting:
    case phase::asking:
    case phase::saving:
    case phase::save_resting:
    case phase::reloading:
    case phase::reload_resting: return true;
    default: return ending_;
  }
}

void token_step::after_input() {
  // Those served may ask again at once: each is asked for one time in a round.
  for (auto& done : std::exchange(waiting_, {})) {
    decisions out;
    auto answer = keeper_.need(host_.now(), out);
    carry_out(std::move(out));
    switch (answer.what) {
      case token_keeper::verdict::use:
        done(access_token{std::string{answer.access_token}, answer.version});
        break;
      case token_keeper::verdict::wait: waiting_.push_back(std::move(done)); break;
      case token_keeper::verdict::later:
        done(error{errc::upstream_unavailable, "the token endpoint cannot be asked now"});
        break;
      case token_keeper::verdict::never:
        done(error{errc::token_expired, "the person must connect again"});
        break;
    }
  }
  arm();
  if (!busy())
    for (auto& settled : std::exchange(settled_, {}))
      settled();
}

void token_step::arm() {
  // Only what this task waits for; the next refresh is a row in the store.
  auto due = keeper_.due();
  if (timer_ || !due || !busy())
    return;
  timer_ = true;
  auto wait = std::max(*due - host_.now(), std::chrono::milliseconds{1});
  host_.after(wait, [this, alive = std::weak_ptr<bool>{alive_}] {
    if (!alive.lock())
      return;
    timer_ = false;
    carry_out(keeper_.tick(host_.now()));
    after_input();
  });
}

void token_step::carry_out(decisions what) {
  for (const auto& one : what)
    std::visit([this](const auto& decision) { carry_out(decision); }, one);
}

void token_step::carry_out(const token_keeper::note& what) {
  auto now = host_.now();
  if (ports_.endpoints != nullptr) {
    auto may = ports_.endpoints->ask(spec_, now);
    if (!may.granted)
      return keeper_.held(what.step, may.from, now, host_.chance());
    pass_ = std::move(*may.granted);
  }
  ports_.store->note_refresh(
    key_, what.what,
    [this, post = guarded_post(), step = what.step](const result<bool>& done) {
      post([this, step, done] {
        carry_out(keeper_.noted(step, done, host_.now(), host_.chance()));
        if (keeper_.state() != token_keeper::phase::asking)
          pass_ = {}; // Nothing is sent after all.
        after_input();
      });
    });
}

void token_step::carry_out(const token_keeper::remember& what) {
  ports_.store->note_refresh(key_, what.what, [](const result<bool>&) {});
}

void token_step::carry_out(const token_keeper::ask& what) {
  ports_.http->send(
    refresh_request(spec_, what.refresh_token),
    [this, post = guarded_post(), step = what.step](result<http_response> answer) {
      auto box = std::make_shared<result<http_response>>(std::move(answer));
      post([this, step, box] {
        auto now = host_.now();
        auto outcome = read_token_answer(spec_, *box, now);
        const auto* failure = std::get_if<token_failure>(&outcome);
        std::exchange(pass_, {}).answered(failure ? std::optional{*failure} : std::nullopt, now,
                                          host_.chance());
        carry_out(keeper_.answered(step, std::move(outcome), now, host_.chance()));
        after_input();
      });
    });
}

void token_step::carry_out(const token_keeper::save& what) {
  // Tokens that never need a refresh have a plan all the same: one that is too far away counts as
  // that of a wrong clock (connection_store::due).
  const auto due = std::min(what.due, hears_.due());
  ports_.store->save_tokens(
    key_, what.expected, what.tokens, due,
    [this, post = guarded_post(), step = what.step](const result<bool>& done) {
      post([this, step, done] {
        carry_out(keeper_.saved(step, done, host_.now(), host_.chance()));
        after_input();
      });
    });
}

void token_step::carry_out(const token_keeper::reload& what) {
  ports_.store->load(key_, [this, post = guarded_post(), step = what.step](
                             result<std::optional<loaded_connection>> found) {
    auto box = std::make_shared<result<std::optional<loaded_connection>>>(std::move(found));
    post([this, step, box] { reloaded(step, *box); });
  });
}

void token_step::reloaded(std::uint64_t step,
                          const result<std::optional<loaded_connection>>& found) {
  if (!found)
    carry_out(keeper_.load_failed(step, host_.now(), host_.chance()));
  else if (!*found || (*found)->at.status == connection_status::disconnected)
    keeper_.gone();
  else
    carry_out(keeper_.loaded((*found)->at, host_.now(), host_.chance()));
  after_input();
}

void token_step::carry_out(const token_keeper::end& what) {
  ending_ = true;
  hears_.ended(what, [this] {
    ending_ = false;
    after_input();
  });
}
void token_step::carry_out(const token_keeper::warn& what) {
  hears_.grant_ends(what);
}
void token_step::carry_out(const token_keeper::refreshed&) {
  hears_.refreshed();
}

} // namespace lapwing
