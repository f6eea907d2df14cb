#include "actors/platform_actor.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/connection_host.hpp"
#include "actors/node_context.hpp"
#include "actors/rate_window.hpp"
#include "actors/runtime/metered.hpp"
#include "platforms/drive/connection_driver.hpp"
#include "platforms/monitor/connection_report.hpp"
#include "platforms/poll/json_slice.hpp"
#include "platforms/spec_loader.hpp"

namespace lapwing {
namespace {

/// The connection and where it lives; only for platforms that are data (config/platforms).
struct connection_part {
  connection_part(const node_context& env, connection_key of, const platform_spec& platform,
                  connection_host::hooks hooks)
      : spec(platform),
        ports{env.connections, nullptr,          env.traffic,
              env.public_url,  env.fresh_secret, env.endpoints},
        host(env, std::move(hooks)), driver(std::move(of), platform, ports, host) {}

  const platform_spec& spec;
  driver_ports ports;
  connection_host host;
  connection_driver driver;
};

struct platform_state {
  static inline const char* name = "platform_actor";

  const node_context* env = nullptr;
  user_id user;
  platform_id platform;
  delivery_taker_actor supervisor;
  rate_window rate;
  std::optional<timestamp> last_webhook;
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t failed = 0;
  std::string last_error;
  bool grant_doubted = false; ///< A delivery under way says that the grant may have ended.
  std::unique_ptr<connection_part> connection;

  std::string describe() const {
    connection_report report;
    report.platform = platform.str();
    report.title = platform.str();
    report.now = env->clock->now();
    report.has_webhook = true;
    report.last_webhook = last_webhook;
    report.deliveries = stored;
    report.duplicates = duplicates;
    report.failed = failed;
    report.last_error = last_error;
    report.status.method = last_webhook ? monitor_method::webhook : monitor_method::polling;
    std::string reconnect;
    std::string trouble;
    if (connection) {
      report.title = connection->spec.title;
      report.has_webhook = !connection->spec.webhook.scheme.empty();
      if (const auto& known = connection->driver.known()) {
        report.connection = &*known;
        report.status = connection->driver.report();
        for (const auto& poll : known->polls)
          report.next_poll = std::min(report.next_poll.value_or(poll.due), poll.due);
        if (known->at.status == connection_status::needs_reauth)
          reconnect = "/api/oauth/" + platform.str() + "/authorize";
        connection_key key{user, platform};
        auto free = env->traffic->not_before({key, known->at.account}, {}, report.now);
        if (free > report.now)
          report.throttled_until = free;
        if (auto tokens = connection->driver.token_trouble(); tokens && last_error.empty())
          report.last_error = trouble = "token endpoint: " + tokens->code;
      }
    }
    report.reconnect_url = reconnect;
    return connection_json(report);
  }
};

using self_pointer = stateful_metered_pointer<platform_actor, platform_state>;

/// Null: nobody can be connected to it here.
const platform_spec* spec_of(self_pointer self) {
  const auto& env = *self->state.env;
  auto at = std::ranges::find(env.platforms, self->state.platform, &platform_spec::name);
  bool is_known = at != env.platforms.end() && env.connections != nullptr && connectable(*at);
  return is_known ? &*at : nullptr;
}

void take(self_pointer self, const publish_message& message) {
  auto& state = self->state;
  auto now = state.env->clock->now();
  std::chrono::seconds retry_after{0};
  if (!state.rate.take(now, state.env->limits.webhook_requests,
                       std::chrono::milliseconds{state.env->limits.rate_window_ms}, retry_after)) {
    message.job->answer(
      {errc::rate_limited, std::to_string(retry_after.count()) + " s until the next is taken"});
    return self->send(state.supervisor, accepted_delivery{});
  }
  state.last_webhook = now;
  const auto* spec = spec_of(self);
  if (spec != nullptr && !spec->webhook.ends_grant.empty()) {
    auto data = json_slice::check(message.job->request.draft.data);
    auto event = data ? (*data)["event"].scalar().value_or("") : std::string{};
    state.grant_doubted |= std::ranges::find(spec->webhook.ends_grant, event)
                           != spec->webhook.ends_grant.end();
  }
  self->send(state.supervisor, accepted_delivery{message.job});
}

connection_part* connection_of(self_pointer self) {
  auto& state = self->state;
  if (state.connection)
    return state.connection.get();
  const auto* spec = spec_of(self);
  if (spec == nullptr)
    return nullptr;
  connection_host::hooks hooks{
    // Weak: an answer of tomorrow must not keep the actor of today alive.
    [me = caf::actor_cast<caf::weak_actor_ptr>(caf::actor_cast<caf::strong_actor_ptr>(
       platform_actor{self}))](std::function<void()> run) {
      if (auto strong = me.lock())
        caf::anon_send(caf::actor_cast<platform_actor>(strong), posted_call{std::move(run)});
    },
    [self](std::chrono::milliseconds delay, std::function<void()> call) {
      self->run_after(delay, std::move(call));
    },
    [self](publish_job_ptr job) {
      self->send(self->state.supervisor, connection_event{std::move(job)});
    }};
  state.connection = std::make_unique<connection_part>(
    *state.env, connection_key{state.user, state.platform}, *spec, std::move(hooks));
  state.connection->ports.http = state.env->outbound[self->home()];
  return state.connection.get();
}

/// At rest the row has everything: two kilobytes less for each connection that nobody looks at. One
/// that webhooks come for stays until its next timer.
void put_down(self_pointer self) {
  auto& connection = self->state.connection;
  if (connection && connection->driver.idle())
    connection.reset();
}

/// Not from within the driver's own call.
void put_down_later(self_pointer self) {
  self->send(self, posted_call{[self] { put_down(self); }});
}

caf::result<fragment> inspect(self_pointer self) {
  auto* connection = connection_of(self);
  if (connection == nullptr || connection->driver.known() || !connection->driver.idle())
    return fragment{self->state.describe()};
  // It rests, or rested until now.
  auto promise = self->make_response_promise<fragment>();
  connection->driver.run(connection_work::look, [self, promise](const result<bool>&) mutable {
    promise.deliver(fragment{self->state.describe()});
    put_down_later(self);
  });
  return promise;
}

void work(self_pointer self, const platform_message& message) {
  auto* connection = connection_of(self);
  if (connection == nullptr) {
    message.task->finish(false);
    return self->send(self->state.supervisor, platform_settled{});
  }
  connection->host.set_watched(message.watched);
  auto done = [self, task = message.task](const result<bool>& how) {
    task->finish(how);
    self->send(self->state.supervisor, platform_settled{});
    if (task->work == connection_work::due)
      put_down_later(self);
  };
  auto& driver = connection->driver;
  const auto& task = *message.task;
  if (task.hub)
    return driver.heard_hub(*task.hub, std::move(done));
  if (task.misdelivered.empty())
    return driver.run(task.work, std::move(done));
  driver.saw_bad_delivery(task.misdelivered);
  done(true);
}

/// By way of the supervisor, so that it stays until that is done.
void work_on(self_pointer self, connection_work work) {
  auto& state = self->state;
  auto task = std::make_shared<platform_task>();
  task->of = {state.user, state.platform};
  task->work = work;
  self->send(state.env->directories[self->home()], platform_message{std::move(task)});
}

/// A delivery is stored and acknowledged: what follows from it for the connection.
void follow_delivery(self_pointer self) {
  auto& state = self->state;
  auto* connection = connection_of(self);
  if (connection == nullptr)
    return;
  connection->driver.saw_delivery();
  // Gmail and Calendar only say that something changed: what it is has to be asked for.
  const auto& scheme = connection->spec.webhook.scheme;
  if (scheme == "google-oidc" || scheme == "channel-token")
    work_on(self, connection_work::hint);
  if (std::exchange(state.grant_doubted, false))
    work_on(self, connection_work::doubt);
}

platform_actor::behavior_type behavior(self_pointer self, const node_context* env, user_id user,
                                       platform_id platform, delivery_taker_actor supervisor) {
  auto& state = self->state;
  state.env = env;
  state.user = std::move(user);
  state.platform = std::move(platform);
  state.supervisor = std::move(supervisor);
  // A supervisor that retires leaves normally, which CAF does not take for a reason to end; and a
  // timer of the connection would keep this actor alive for as long as it runs.
  self->set_exit_handler([self](const caf::exit_msg& exit) { self->quit(exit.reason); });
  return {
    [self](const publish_message& message) { take(self, message); },
    [self](const platform_message& message) { work(self, message); },
    [](const posted_call& call) { call.run(); },
    [self](const deliveries_settled& settled) {
      auto& books = self->state;
      books.stored += settled.stored;
      books.duplicates += settled.duplicates;
      books.failed += settled.failed;
      if (settled.stored + settled.duplicates > 0)
        books.last_error.clear();
      if (!settled.last_error.empty())
        books.last_error = settled.last_error;
      if (settled.stored > 0)
        follow_delivery(self);
    },
    [self](const inspect_query&) { return inspect(self); },
  };
}

} // namespace

platform_actor spawn_platform_actor(caf::actor_system& system, std::size_t home,
                                    const node_context& env, const user_id& user,
                                    platform_id platform, delivery_taker_actor supervisor) {
  auto label = user.str() + '/' + platform.str();
  return spawn_home(system, {home, std::move(label)}, behavior, &env, user, std::move(platform),
                    std::move(supervisor));
}

} // namespace lapwing
