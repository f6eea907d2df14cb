// POST /api/webhooks/...: verified, stored, and only then acknowledged.
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "core/json_text.hpp"
#include "core/outbox.hpp"
#include "net/webhook/payloads.hpp"
#include "net/webhook/text.hpp"
#include "net/http/handlers.hpp"
#include "net/http/node.hpp"
#include "net/http/shard.hpp"
#include "net/http/webhook_log.hpp"

namespace lapwing::net {
namespace {

std::string receipt_json(const publish_receipt& receipt, bool has_mail = false) {
  std::string out = R"({"received":true)";
  if (receipt.duplicate)
    out += R"(,"duplicate":true)";
  if (has_mail)
    out += R"(,"mail":true)";
  out += R"(,"id":)";
  append_json_string(out, receipt.id);
  out += '}';
  return out;
}

void answer_ignored(const exchange_ptr& x) {
  x->answer_json(200, R"({"received":true,"ignored":true})");
}

void answer_as_told(const exchange_ptr& x, webhook_answer told) {
  // The types webhook_gate gives are few; anything else is plain text.
  std::string_view type;
  if (told.content_type.starts_with("application/json"))
    type = "application/json";
  else if (!told.content_type.empty())
    type = "text/plain; charset=utf-8";
  x->answer({told.status, type, std::move(told.body), {}});
}

void refuse(const exchange_ptr& x, std::string_view platform, const error& why) {
  x->home().counts().webhook_failure(platform, why.code);
  log_webhook_refused(platform, x->peer(), why);
  x->fail(why);
}

void store(const exchange_ptr& x, const std::string& platform, const std::string& user,
           webhook_delivery delivery) {
  if (!valid_user_id(user))
    return refuse(x, platform, {errc::unknown_user, "there is no such user"});
  const auto& s = x->home().current();
  if (s.values.limits.webhook_requests != 0) {
    auto decision = s.webhook_limiter->take(platform + '/' + user, shard::clock::now());
    if (!decision.allowed) {
      x->home().counts().webhook_failure(platform, errc::rate_limited);
      return x->fail({errc::rate_limited, "too many deliveries"}, decision.retry_after);
    }
  }
  log_webhook_received(platform, delivery.event, user);
  auto status = delivery.status;
  publish_request request{log_id::of(user_id{user}), std::move(delivery.draft),
                          std::move(delivery.source), std::move(delivery.delivery_id),
                          publish_origin::webhook, false};
  x->core().publish(std::move(request), [x, platform, status, user, event = delivery.event](
                                          result<publish_receipt> receipt) {
    log_webhook_ended(platform, event, user, receipt);
    if (!receipt) {
      x->home().counts().webhook_failure(platform, receipt.error().code);
      return x->fail_inside(receipt.error());
    }
    if (status == 204)
      return x->answer({204, "application/json", {}, {}});
    x->answer_json(200, receipt_json(*receipt));
  });
}

/// The delivery names a mailbox or team instead of a user.
void store_for_owner(const exchange_ptr& x, const std::string& platform,
                     webhook_delivery delivery) {
  auto owner = *delivery.owner;
  auto held = std::make_shared<webhook_delivery>(std::move(delivery));
  x->core().find_account(owner, [x, platform, held, owner](result<std::optional<user_id>> found) {
    if (!found)
      return x->fail_inside(found.error());
    if (*found)
      return store(x, platform, (*found)->str(), std::move(*held));
    // Pub/Sub sends what is not acknowledged again for a week (PLATFORMS 1.3), so nobody's mail is
    // acknowledged; where unknown users are taken, the mailbox is the user.
    if (x->home().current().values.webhooks.accept_unknown_users)
      return store(x, platform, owner.name, std::move(*held));
    x->home().counts().webhook_failure(platform, errc::unknown_user);
    answer_ignored(x);
  });
}

void continue_with(const exchange_ptr& x, const std::string& platform, const std::string& user,
                   result<webhook_outcome> outcome) {
  if (!outcome) {
    auto code = outcome.error().code;
    bool is_unsigned = code == errc::signature_mismatch || code == errc::missing_signature;
    if (platform != "youtube" || !is_unsigned)
      return refuse(x, platform, outcome.error());
    // WebSub 7.1.2: taken with a 2xx, so that nobody can ask us which signatures are good.
    x->home().counts().webhook_failure(platform, code);
    return answer_ignored(x);
  }
  if (auto* delivery = std::get_if<webhook_delivery>(&*outcome)) {
    if (user.empty() && delivery->owner)
      return store_for_owner(x, platform, std::move(*delivery));
    return store(x, platform, user, std::move(*delivery));
  }
  if (auto* answer = std::get_if<webhook_answer>(&*outcome))
    return answer_as_told(x, std::move(*answer));
  answer_ignored(x);
}

/// The configured secrets do not fit: this may be a delivery to a webhook that the node registered
/// itself, with a secret of that connection.
void try_registered(const exchange_ptr& x, const std::string& platform, const std::string& user,
                    result<webhook_outcome> refused) {
  x->core().connections()->webhook_secret(
    user_id{user}, platform_id{platform},
    [x, platform, user, refused = std::move(refused)](const result<std::string>& secret) {
      if (!secret)
        return x->fail_inside(secret.error());
      if (secret->empty())
        return continue_with(x, platform, user, refused);
      auto lookup = [&](std::string_view name) { return x->head().header(name); };
      webhook_request request{webhook_headers{lookup}, x->body};
      auto outcome = x->home().current().gate->receive_registered(platform, request, *secret);
      if (!outcome && outcome.error().code == errc::signature_mismatch)
        x->core().connections()->misdelivered(
          user_id{user}, platform_id{platform},
          std::string{webhook_gate::registration_of(platform, request)});
      continue_with(x, platform, user, std::move(outcome));
    });
}

void take_outcome(const exchange_ptr& x, const std::string& platform, const std::string& user,
                  result<webhook_outcome> outcome) {
  bool may_be_registered = platform == "github" || platform == "calendar" || platform == "youtube";
  if (!outcome && may_be_registered && x->core().connections() != nullptr && valid_user_id(user)
      && (outcome.error().code == errc::signature_mismatch
          || outcome.error().code == errc::not_configured))
    return try_registered(x, platform, user, std::move(outcome));
  continue_with(x, platform, user, std::move(outcome));
}

void answer_configured_challenge(const exchange_ptr& x, std::string_view platform) {
  auto answer = x->home().current().gate->answer_get(platform, x->head().query);
  if (!answer)
    return refuse(x, platform, answer.error());
  answer_as_told(x, std::move(*answer));
}

/// WebSub 5.3 for what the node subscribed to itself; subscriptions made by hand are known by the
/// configured secret.
void answer_hub(const exchange_ptr& x) {
  auto user = x->parameter(0);
  auto question = read_hub_question(x->head().query);
  if (x->core().connections() == nullptr || !valid_user_id(user) || !question)
    return answer_configured_challenge(x, "youtube");
  question->user = user_id{user};
  question->platform = platform_id{"youtube"};
  auto challenge = form_field(x->head().query, "hub.challenge").value_or(std::string{});
  bool is_denial = question->mode == "denied";
  x->core().connections()->verify_subscription(
    std::move(*question), [x, challenge, is_denial](const result<bool>& wanted) {
      if (!wanted && wanted.error().code == errc::not_found)
        return answer_configured_challenge(x, "youtube");
      if (!wanted)
        return x->fail_inside(wanted.error());
      if (is_denial)
        return answer_as_told(x, {200, {}, {}});
      answer_as_told(x, websub_reply(*wanted, challenge));
    });
}

} // namespace

void receive_webhook(const exchange_ptr& x, std::string_view platform, std::string user) {
  auto gate = x->home().current().gate;
  if (!gate->knows(platform))
    return x->fail({errc::not_found, "there is no such platform"});
  auto lookup = [&](std::string_view name) { return x->head().header(name); };
  webhook_request request{webhook_headers{lookup}, x->body};
  // Only Google's keys may have to be fetched first; then the call comes on the fetcher's thread.
  auto home_thread = std::this_thread::get_id();
  gate->receive(platform, request, x->home().now(),
                [x, name = std::string{platform}, user = std::move(user),
                 home_thread](result<webhook_outcome> outcome) {
                  if (std::this_thread::get_id() == home_thread)
                    return take_outcome(x, name, user, std::move(outcome));
                  x->home().post([x, name, user, outcome = std::move(outcome)]() mutable {
                    take_outcome(x, name, user, std::move(outcome));
                  });
                });
}

void handle_github_webhook(const exchange_ptr& x) {
  receive_webhook(x, "github", x->parameter(0));
}
void handle_slack_webhook(const exchange_ptr& x) {
  receive_webhook(x, "slack", x->parameter(0));
}
void handle_gmail_webhook(const exchange_ptr& x) {
  receive_webhook(x, "gmail", {});
}
void handle_calendar_webhook(const exchange_ptr& x) {
  receive_webhook(x, "calendar", x->parameter(0));
}
void handle_youtube_webhook(const exchange_ptr& x) {
  receive_webhook(x, "youtube", x->parameter(0));
}
void handle_youtube_challenge(const exchange_ptr& x) {
  answer_hub(x);
}
void handle_discord_webhook(const exchange_ptr& x) {
  receive_webhook(x, "discord", x->parameter(0));
}
void handle_linkedin_webhook(const exchange_ptr& x) {
  receive_webhook(x, "linkedin", x->parameter(0));
}
void handle_linkedin_challenge(const exchange_ptr& x) {
  answer_configured_challenge(x, "linkedin");
}
void handle_custom_webhook(const exchange_ptr& x) {
  receive_webhook(x, x->parameter(0), x->parameter(1));
}

void handle_webhook_health(const exchange_ptr& x) {
  // The order of the keys is seed 000's; what is ours comes behind.
  x->answer_json(200,
                 R"({"status":"ok","service":"webhook-receiver","endpoints":{)"
                 R"("github":"/api/webhooks/github/:userId","gmail":"/api/webhooks/gmail",)"
                 R"("slack":"/api/webhooks/slack/:userId"},"more_endpoints":{)"
                 R"("calendar":"/api/webhooks/calendar/:userId",)"
                 R"("youtube":"/api/webhooks/youtube/:userId",)"
                 R"("discord":"/api/webhooks/discord/:userId",)"
                 R"("linkedin":"/api/webhooks/linkedin/:userId",)"
                 R"("custom":"/api/webhooks/:platform/:userId"}})");
}

namespace {

enum class submission_route : std::uint8_t { update, status };

void take_submission(const exchange_ptr& x, submission_route route) {
  auto lookup = [&](std::string_view name) { return x->head().header(name); };
  webhook_request request{webhook_headers{lookup}, x->body};
  auto update = x->home().current().gate->receive_submission(request, x->home().now());
  if (!update)
    return refuse(x, "supabase", update.error());
  // The rooms are "admin" and, if the row names an artist, "artist:ID".
  const auto artist
    = update->rooms.size() > 1 ? update->rooms[1].str().substr(7) : std::string{"-"};
  log_webhook_received("supabase", update->operation, artist);
  std::shared_ptr<const outbox_item> mail;
  if (route == submission_route::status && x->home().current().values.mail.complete())
    if (auto made = status_mail(x->body, *update, x->home().now()))
      mail = std::make_shared<const outbox_item>(std::move(*made));
  struct rooms_left {
    std::size_t count;
    std::optional<publish_receipt> first; ///< Of the first room, whichever answers first.
    std::optional<error> failure;
  };
  // One event for each room; the answer waits for all of them.
  auto left = std::make_shared<rooms_left>(rooms_left{update->rooms.size(), {}, {}});
  if (left->count == 0)
    return answer_ignored(x);
  auto rooms = update->rooms;
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    publish_request one{log_id::of(rooms[i]), update->draft,         update->source,
                        update->delivery_id,  publish_origin::api, false};
    if (i == 0) // The mail is stored with the event of the admins' room, or neither is.
      one.outgoing = mail;
    x->core().publish(std::move(one), [x, left, i, has_mail = mail != nullptr, artist,
                                       operation = update->operation](
                                        result<publish_receipt> receipt) {
      if (i == 0)
        log_webhook_ended("supabase", operation, artist, receipt);
      if (!receipt)
        left->failure = receipt.error();
      else if (i == 0)
        left->first = std::move(*receipt);
      if (--left->count != 0)
        return;
      // A redelivery after a failure doubles nothing: the delivery id is the same.
      if (left->failure)
        return x->fail_inside(*left->failure);
      x->answer_json(200, receipt_json(*left->first, has_mail));
    });
  }
}

} // namespace

void handle_submission_update(const exchange_ptr& x) {
  take_submission(x, submission_route::update);
}
void handle_submission_status(const exchange_ptr& x) {
  take_submission(x, submission_route::status);
}

} // namespace lapwing::net
