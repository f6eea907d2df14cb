#include "actors/platform_actor.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/node_context.hpp"
#include "actors/rate_window.hpp"
#include "actors/runtime/metered.hpp"
#include "core/json_text.hpp"

namespace lapwing {
namespace {

struct platform_state {
  static inline const char* name = "platform_actor";

  const node_context* env = nullptr;
  platform_id platform;
  delivery_taker_actor supervisor;
  rate_window rate;
  std::optional<timestamp> last_webhook;
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t failed = 0;
  std::string last_error;

  std::string describe() const {
    std::string out = "{\"platform\":";
    append_json_string(out, platform.str());
    out += ",\"state\":";
    out += last_webhook ? "\"connected\"" : "\"idle\"";
    out += ",\"method\":\"webhook\",\"status\":";
    out += last_webhook ? "\"active\"" : "\"waiting\"";
    out += ",\"healthy\":";
    out += last_error.empty() ? "true" : "false";
    out += ",\"lastWebhook\":";
    if (last_webhook)
      append_json_string(out, to_rfc3339(*last_webhook));
    else
      out += "null";
    // Registration is made at the provider so far; what it told us is all there is to know.
    out += ",\"lastPoll\":null,\"nextPoll\":null,\"expiresAt\":null,\"nextRenewal\":null";
    out += ",\"deliveries\":";
    append_number(out, stored);
    out += ",\"duplicates\":";
    append_number(out, duplicates);
    out += ",\"failed\":";
    append_number(out, failed);
    out += ",\"lastError\":";
    if (last_error.empty())
      out += "null";
    else
      append_json_string(out, last_error);
    return out + '}';
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
  self->send(state.supervisor, accepted_delivery{message.job});
}

platform_actor::behavior_type behavior(self_pointer self, const node_context* env,
                                       platform_id platform, delivery_taker_actor supervisor) {
  auto& state = self->state;
  state.env = env;
  state.platform = std::move(platform);
  state.supervisor = std::move(supervisor);
  return {
    [self](const publish_message& message) { take(self, message); },
    [self](const deliveries_settled& settled) {
      auto& books = self->state;
      books.stored += settled.stored;
      books.duplicates += settled.duplicates;
      books.failed += settled.failed;
      if (settled.stored + settled.duplicates > 0)
        books.last_error.clear();
      if (!settled.last_error.empty())
        books.last_error = settled.last_error;
    },
    [self](const inspect_query&) { return fragment{self->state.describe()}; },
  };
}

} // namespace

platform_actor spawn_platform_actor(caf::actor_system& system, std::size_t home,
                                    const node_context& env, const user_id& user,
                                    platform_id platform, delivery_taker_actor supervisor) {
  auto label = user.str() + '/' + platform.str();
  return spawn_home(system, {home, std::move(label)}, behavior, &env, std::move(platform),
                             std::move(supervisor));
}

} // namespace lapwing
