// Gmail's watch: seven days, one notice a second at most, through a Pub/Sub subscription whose
// address and token the operator has set. Pub/Sub repeats what is not acknowledged.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/gmail.hpp"
#include "sim/google.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::gmail {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;

constexpr hours watch_life{7 * 24};
constexpr hours retention{7 * 24};

void notify(world_state& state, std::uint32_t person) {
  if (state.options.pubsub_push_url.empty())
    return;
  pending_delivery what;
  what.kind = delivery_kind::gmail_notice;
  what.where = platform::gmail;
  what.person = person;
  what.item = history_id_now(state, person);
  what.message = state.next_message++;
  state.deliver(what, state.delivery_delay());
}

} // namespace

http_response watch(world_state& state, call& from) {
  auto body = json::parse(from.request->body, nullptr, false);
  auto topic = body.is_object() && body.contains("topicName") && body["topicName"].is_string()
                 ? body["topicName"].get<std::string>()
                 : std::string{};
  auto parts = split(topic, '/');
  if (parts.size() != 4 || parts[0] != "projects" || parts[2] != "topics")
    return google::failed(400, "invalidArgument", "Invalid topicName does not match "
                                                  "projects/{project}/topics/{topic}");
  auto& mailbox = state.mailboxes[from.person];
  mailbox.watch_until = from.now + watch_life;
  mailbox.last_notice = from.now;
  json_writer out;
  out.field("historyId", std::to_string(history_id_now(state, from.person)));
  out.field("expiration", std::to_string(to_ms(*mailbox.watch_until)));
  notify(state, from.person);
  return json_answer(200, out.text());
}

http_response stop(world_state& state, call& from) {
  state.mailboxes[from.person].watch_until.reset();
  return empty_answer(204);
}

void produced(world_state& state, const account& which, std::size_t) {
  auto found = state.mailboxes.find(which.person);
  if (found == state.mailboxes.end() || !found->second.watch_until
      || *found->second.watch_until <= state.now)
    return;
  // More than one a second are dropped; the next one's history id covers them.
  if (state.now < found->second.last_notice + seconds{1})
    return;
  found->second.last_notice = state.now;
  notify(state, which.person);
}

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  const auto& options = state.options;
  if (options.pubsub_push_url.empty())
    return std::nullopt;
  json_writer notice;
  notice.field("emailAddress", address_of(state.persons.at(what.person)));
  notice.field("historyId", what.item);
  auto id = std::to_string(2'070'443'601'311'540 + what.message);
  auto time = to_rfc3339(what.first_due);
  json_writer body;
  body.object("message").field("data", base64(notice.text()));
  body.field("messageId", id).field("message_id", id);
  body.field("publishTime", time).field("publish_time", time).object("attributes").end().end();
  body.field("subscription", options.pubsub_subscription);
  http_request out;
  out.method = "POST";
  out.url = options.pubsub_push_url;
  out.body = body.text();
  auto token = google::pubsub_token(state);
  if (what.bad_signature)
    token.replace(token.size() - 20, 1, token[token.size() - 20] == 'A' ? "B" : "A");
  out.headers = {{"Content-Type", "application/json"},
                 {"User-Agent", "CloudPubSub-Google"},
                 {"Authorization", "Bearer " + token}};
  return out;
}

void finished(world_state& state, const pending_delivery& what, const http_response* answer) {
  auto status = answer == nullptr ? 0 : answer->status;
  bool taken =
    status == 102 || status == 200 || status == 201 || status == 202 || status == 204;
  // Twice as long after each failure, at most ten minutes: Pub/Sub's usual retry policy.
  auto wait = std::min<seconds>(seconds{10} * (1u << std::min<std::uint32_t>(what.attempt, 6)),
                                seconds{600});
  if (taken || what.copy || state.now + wait > what.first_due + retention)
    return;
  auto again = what;
  ++again.attempt;
  state.deliver(again, wait);
}

} // namespace lapwing::sim::gmail
