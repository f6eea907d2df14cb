// Slack Events API deliveries (PLATFORMS 1.2).
#include "net/webhook/payloads.hpp"

#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

constexpr std::size_t id_bytes_max = 100;
constexpr std::size_t text_bytes_max = 120; // Of what somebody wrote; the rest is in the payload.

/// Slack writes some references as an id, in other events as an object with one.
std::string_view id_of(json_view value) {
  return value.is_object() ? value["id"].text() : value.text();
}

/// Why and how often this copy was sent: for operators, never a reason to drop it.
void add_retry(object_writer& summary, const webhook_headers& header) {
  auto number = header("X-Slack-Retry-Num");
  if (is_plain_id(number, 8))
    summary.text("retry", number);
  auto reason = header("X-Slack-Retry-Reason");
  if (is_plain_id(reason, 64))
    summary.text("retryReason", reason);
}

result<webhook_outcome> read_event(const webhook_request& request, json_view root) {
  auto team = root["team_id"].text();
  auto id = root["event_id"].text();
  auto event = root["event"];
  auto type = event["type"].text();
  if (!is_plain_id(team, id_bytes_max) || !is_plain_id(id, id_bytes_max) || type.empty())
    return error{errc::bad_request, "an event_callback needs team_id, event_id and event.type"};
  auto channel = event["channel"] ? id_of(event["channel"]) : id_of(event["item"]["channel"]);
  auto user = id_of(event["user"]);
  auto subtype = event["subtype"].text();
  auto reaction = event["reaction"].text();
  auto text = event["text"].text();

  std::string message = clipped(type, 64);
  if (!reaction.empty())
    message += " :" + clipped(reaction, 64) + ":";
  if (!channel.empty())
    message += " in " + clipped(channel, 64);
  if (!user.empty())
    message += " by " + clipped(user, 64);
  if (!text.empty()) {
    message += ": ";
    append_clipped(message, text, text_bytes_max);
  }

  object_writer summary;
  summary.text("team", team);
  summary.text("app", root["api_app_id"].text());
  summary.text("type", type);
  summary.text("subtype", subtype);
  summary.text("channel", channel);
  summary.text("channelType", event["channel_type"].text());
  summary.text("user", user);
  summary.text("reaction", reaction);
  summary.text("text", text, text_bytes_max);
  summary.text("ts", event["event_ts"].text());
  summary.number("eventTime", root["event_time"].integer());
  add_retry(summary, request.header);
  return webhook_outcome{make_delivery({"slack", type, subtype,
                                        std::string{team}.append(":").append(id),
                                        std::move(message), summary.take(),
                                        with_blanked_member(request.body, "token")})};
}

result<webhook_outcome> read_rate_limit(const webhook_request& request, json_view root) {
  auto team = root["team_id"].text();
  auto minute = root["minute_rate_limited"].integer();
  if (!is_plain_id(team, id_bytes_max) || !minute)
    return error{errc::bad_request, "app_rate_limited needs team_id and minute_rate_limited"};
  object_writer summary;
  summary.text("team", team);
  summary.text("app", root["api_app_id"].text());
  summary.number("minute", minute);
  return webhook_outcome{
    make_delivery({"slack", "app_rate_limited", "",
                   std::string{team}.append(":rate-limited:").append(std::to_string(*minute)),
                   "Slack limits the events of team " + clipped(team, 64), summary.take(),
                   with_blanked_member(request.body, "token")})};
}

} // namespace

result<webhook_outcome> read_slack(const webhook_request& request) {
  auto document = json_document::parse(request.body);
  if (!document)
    return document.error();
  auto root = document->root();
  auto type = root["type"].text();
  if (type == "url_verification") {
    auto challenge = root["challenge"].text();
    if (challenge.empty() || challenge.size() > 1024)
      return error{errc::bad_request, "url_verification needs a challenge"};
    object_writer answer;
    answer.text("challenge", challenge, 1024);
    return webhook_outcome{webhook_answer{200, "application/json", answer.take()}};
  }
  if (type == "event_callback")
    return read_event(request, root);
  if (type == "app_rate_limited")
    return read_rate_limit(request, root);
  return error{errc::bad_request, "not a message of Slack's Events API"};
}

} // namespace lapwing
