#include "actors/mail/mail_carrier.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/runtime/metered.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;

/// Dead letters shown at a time, and sent again by one command.
constexpr std::size_t letters_max = 100;
constexpr std::size_t resent_max = 1000;
/// Of what ended long ago, removed at a time.
constexpr std::size_t trimmed_max = 256;
constexpr auto trim_interval = 6h;
constexpr auto next_trim_after = 100ms;
/// The gauges are not read more often.
constexpr auto count_interval = 2s;

struct mail_carrier_state {
  static inline const char* name = "mail_carrier";
  const mail_context* env = nullptr;
  std::unique_ptr<mailer> work;
  actor_timer wake;
  std::optional<timestamp> armed_for;
  actor_timer count_timer;

  timestamp now() const { return env->clock->now(); }
};

using self_pointer = stateful_metered_pointer<mail_carrier_actor, mail_carrier_state>;

/// A callback that has `then` called by the actor with what came.
template <class T, class Then>
std::function<void(result<T>)> posting(self_pointer self, Then then) {
  return [me = mail_carrier_actor{self},
          then = std::make_shared<Then>(std::move(then))](result<T> what) {
    auto box = std::make_shared<result<T>>(std::move(what));
    caf::anon_send(me, posted_call{[then, box] { (*then)(*box); }});
  };
}

void obey(self_pointer self, const mailer_orders& orders);

/// Lets the mailer decide, and does what it says.
template <class Decision>
void decide(self_pointer self, Decision decision) {
  mailer_orders orders;
  decision(*self->state.work, self->state.now(), orders);
  self->state.env->counts->at_rest = self->state.work->at_rest();
  obey(self, orders);
}

void arm(self_pointer self) {
  auto& state = self->state;
  const auto at = state.work->wake_at();
  if (at == state.armed_for && (!at || state.wake))
    return;
  self->cancel(state.wake);
  state.armed_for = at;
  if (!at)
    return;
  const auto wait = std::clamp<std::chrono::milliseconds>(*at - state.now(), 1ms, 1h);
  state.wake = self->run_after(wait, [self] {
    self->state.wake = {};
    self->state.armed_for.reset();
    decide(self, [](mailer& work, timestamp now, mailer_orders& out) { work.woken(now, out); });
  });
}

void count(self_pointer self) {
  auto& state = self->state;
  if (state.count_timer)
    return;
  state.count_timer = self->run_after(count_interval, [self] {
    self->state.count_timer = {};
    auto* counts = self->state.env->counts;
    self->state.env->store->report(
      std::string{mail_kind}, 0, [counts](const result<outbox_report>& told) {
        if (!told)
          return;
        counts->waiting = told->waiting;
        counts->dead = told->dead;
      });
  });
}

void obey(self_pointer self, const mailer_orders& orders) {
  const auto& env = *self->state.env;
  for (const auto& one : orders.settle)
    env.store->settle(one.id, one.claim, one.how,
                      posting<bool>(self, [self, id = one.id,
                                           claim = one.claim](const result<bool>& done) {
                        count(self);
                        decide(self, [&](mailer& work, timestamp now, mailer_orders& out) {
                          work.settled(id, claim, done, now, out);
                        });
                      }));
  for (const auto& one : orders.send)
    env.http->send(one.what, posting<http_response>(
                               self, [self, id = one.id](const result<http_response>& answer) {
                                 decide(self, [&](mailer& work, timestamp now, mailer_orders& out) {
                                   work.answered(id, answer, now, out);
                                 });
                               }));
  if (orders.claim)
    env.store->claim(std::string{mail_kind}, self->state.now(), orders.claim->until,
                     orders.claim->limit,
                     posting<outbox_claims>(self, [self](const result<outbox_claims>& found) {
                       count(self);
                       decide(self, [&](mailer& work, timestamp now, mailer_orders& out) {
                         work.claimed(found, now, out);
                       });
                     }));
  arm(self);
}

void trim(self_pointer self) {
  const auto& env = *self->state.env;
  env.store->trim(std::string{mail_kind}, self->state.now() - env.kept, trimmed_max,
                  posting<std::size_t>(self, [self](const result<std::size_t>& removed) {
                    const bool more = removed && *removed == trimmed_max;
                    self->run_after(more ? std::chrono::milliseconds{next_trim_after}
                                         : std::chrono::milliseconds{trim_interval},
                                    [self] { trim(self); });
                  }));
}

std::string describe(const mailer& work, const outbox_report& told) {
  std::string out = R"({"waiting":)";
  append_number(out, told.waiting);
  out += R"(,"dead":)";
  append_number(out, told.dead);
  out += R"(,"underWay":)";
  append_number(out, work.under_way());
  out += R"(,"trouble":)";
  append_json_string(out, work.trouble());
  out += R"(,"letters":[)";
  for (const auto& one : told.letters) {
    out += out.back() == '[' ? R"({"id":)" : R"(,{"id":)";
    append_number(out, one.id);
    out += R"(,"user":)";
    append_json_string(out, one.user);
    out += R"(,"attempts":)";
    append_number(out, one.attempt_count);
    out += R"(,"cause":)";
    append_json_string(out, one.cause);
    out += R"(,"created":")" + to_rfc3339(one.created_at) + R"(","ended":")"
           + to_rfc3339(one.ended_at) + R"("})";
  }
  out += R"(],"truncated":)";
  return out + (told.dead > told.letters.size() ? "true}" : "false}");
}

template <class Promise>
void show(self_pointer self, Promise promise) {
  self->state.env->store->report(
    std::string{mail_kind}, letters_max,
    posting<outbox_report>(self, [self, promise](const result<outbox_report>& told) mutable {
      if (told)
        promise.deliver(fragment{describe(*self->state.work, *told)});
      else
        promise.deliver(caf::make_error(told.error().code));
    }));
}

template <class Promise>
void resend(self_pointer self, const std::string& which, Promise promise) {
  std::optional<std::uint64_t> id;
  if (which != "all") {
    std::uint64_t number = 0;
    const auto end = which.data() + which.size();
    const auto read = std::from_chars(which.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end || number > INT64_MAX)
      return void(promise.deliver(caf::make_error(errc::bad_request)));
    id = number;
  }
  self->state.env->store->resend(
    std::string{mail_kind}, id, self->state.now(), resent_max,
    posting<std::size_t>(self, [self, id, promise](const result<std::size_t>& done) mutable {
      if (!done)
        return void(promise.deliver(caf::make_error(done.error().code)));
      if (id && *done == 0)
        return void(promise.deliver(caf::make_error(errc::not_found)));
      promise.deliver(fragment{R"({"ok":true,"mails":)" + std::to_string(*done) + "}"});
      count(self);
      decide(self, [](mailer& work, timestamp now, mailer_orders& out) { work.look(now, out); });
    }));
}

void note(const mail_context& env, mail_news what, std::uint64_t id, const std::string& cause) {
  if (what == mail_news::sent)
    ++env.counts->sent;
  else if (what == mail_news::retried || what == mail_news::died)
    ++env.counts->failures;
  if (env.tell)
    env.tell(what, id, cause);
}

mail_carrier_actor::behavior_type behavior(self_pointer self, const mail_context* env) {
  self->state.env = env;
  self->state.work = std::make_unique<mailer>(
    env->rules, env->chance, [env](mail_news what, std::uint64_t id, const std::string& cause) {
      note(*env, what, id, cause);
    });
  count(self);
  trim(self);
  return {
    [self](mail_stored) {
      decide(self, [](mailer& work, timestamp now, mailer_orders& out) { work.look(now, out); });
    },
    [self](mail_closing) {
      decide(self, [](mailer& work, timestamp, mailer_orders&) { work.close(); });
    },
    [self](mail_configured& what) {
      decide(self, [&](mailer& work, timestamp now, mailer_orders& out) {
        work.configure(std::move(what.settings), now, out);
      });
    },
    [self](const inspect_query& query) -> caf::result<fragment> {
      auto promise = self->make_response_promise<fragment>();
      if (query.path == "resend-mail")
        resend(self, query.argument, promise);
      else
        show(self, promise);
      return promise;
    },
    [](const posted_call& call) { call.run(); },
  };
}

} // namespace

mail_carrier_actor spawn_mail_carrier(caf::actor_system& system, const mail_context& env) {
  return spawn_home(system, {0, {}}, behavior, &env);
}

} // namespace lapwing
