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

namespace lapwing {
namespace {

/// The connection and where it lives; only for platforms that are data (config/platforms).
struct connection_part {
  connection_part(const node_context& env, connection_key of, const platform_spec& platform,
                  connection_host::hooks hooks)
      : spec(platform), ports{env.connections, nullptr, env.traffic, env.public_url},
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
    if (connection) {
      report.title = connection->spec.title;
      report.has_webhook = !connection->spec.webhook.scheme.empty();
      if (const auto& known = connection->driver.known()) {
        report.connection = &*known;
        report.status.status = known->at.status;
        report.status.cause = known->at.cause;
        for (const auto& poll : known->polls)
          report.next_poll = std::min(report.next_poll.value_or(poll.due), poll.due);
        if (known->at.status == connection_status::needs_reauth)
          reconnect = "/api/oauth/" + platform.str() + "/authorize";
      }
    }
    report.reconnect_url = reconnect;
    return connection_json(report);
  }
};

using self_pointer = stateful_metered_pointer<platform_actor, platform_state>;

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
  if (state.connection)
    state.connection->driver.saw_delivery(now);
  self->send(state.supervisor, accepted_delivery{message.job});
}

connection_part* connection_of(self_pointer self) {
  auto& state = self->state;
  if (state.connection)
    return state.connection.get();
  auto spec = std::ranges::find(state.env->platforms, state.platform, &platform_spec::name);
  if (spec == state.env->platforms.end() || state.env->connections == nullptr)
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

void work(self_pointer self, const platform_message& message) {
  auto* connection = connection_of(self);
  if (connection == nullptr) {
    message.task->finish(false);
    return self->send(self->state.supervisor, platform_settled{});
  }
  connection->host.set_watched(message.watched);
  connection->driver.run(message.task->work, [self, task = message.task](const result<bool>& how) {
    task->finish(how);
    self->send(self->state.supervisor, platform_settled{});
  });
}

/// Gmail and Calendar only say that something changed: what it is has to be asked for. By way of the
/// supervisor, so that it stays until that is done.
void follow_hint(self_pointer self) {
  auto& state = self->state;
  auto spec = std::ranges::find(state.env->platforms, state.platform, &platform_spec::name);
  if (spec == state.env->platforms.end() || state.env->connections == nullptr
      || (spec->webhook.scheme != "google-oidc" && spec->webhook.scheme != "channel-token"))
    return;
  auto task = std::make_shared<platform_task>();
  task->of = {state.user, state.platform};
  task->work = connection_work::hint;
  self->send(state.env->directories[self->home()], platform_message{std::move(task)});
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
        follow_hint(self);
    },
    [self](const inspect_query&) { return fragment{self->state.describe()}; },
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
