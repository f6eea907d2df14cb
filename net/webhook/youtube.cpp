// YouTube through WebSub (PLATFORMS 1.5).
#include "net/webhook/payloads.hpp"

#include <charconv>
#include <string>
#include <utility>

#include <simdjson.h>

#include "core/json_text.hpp"
#include "net/webhook/atom.hpp"
#include "net/webhook/delivery.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {

result<webhook_outcome> read_youtube(const webhook_request& request) {
  if (!simdjson::validate_utf8(request.body.data(), request.body.size()))
    return error{errc::bad_request, "the feed is not UTF-8"};
  auto notice = read_atom(request.body);
  if (!notice || !is_plain_id(notice->video_id, 64) || !is_plain_id(notice->updated, 64))
    return error{errc::bad_request, "the feed is no Atom with an entry of a video"};
  object_writer summary;
  summary.text("videoId", notice->video_id);
  summary.text("channelId", notice->channel_id);
  summary.text("title", notice->title);
  summary.text("author", notice->author);
  summary.text("published", notice->published);
  summary.text("updated", notice->updated);
  summary.text("url", notice->link, 500);
  std::string message = "video ";
  append_clipped(message, notice->title.empty() ? notice->video_id : notice->title, 120);
  if (notice->deleted)
    message += " deleted";
  else if (!notice->author.empty())
    message += " by " + clipped(notice->author, 100);
  std::string payload; // XML as a JSON string: a payload is JSON.
  append_json_string(payload, request.body);
  return webhook_outcome{
    make_delivery({"youtube", notice->deleted ? "video_deleted" : "video", "",
                   notice->video_id + ":" + notice->updated, std::move(message), summary.take(),
                   std::move(payload)})};
}

webhook_answer websub_reply(bool wanted, std::string_view challenge) {
  constexpr auto plain = "text/plain; charset=utf-8";
  // Sent back as it came: only what no browser would take for a page.
  if (!wanted || !is_plain_id(challenge, 1024))
    return {404, plain, "not wanted"};
  return {200, plain, std::string{challenge}};
}

std::optional<subscription_question> read_hub_question(std::string_view query) {
  auto mode = form_field(query, "hub.mode");
  auto topic = form_field(query, "hub.topic");
  if (!mode || !topic || topic->size() > 2048)
    return std::nullopt;
  subscription_question out;
  out.mode = std::move(*mode);
  out.topic = std::move(*topic);
  auto lease = form_field(query, "hub.lease_seconds").value_or(std::string{});
  std::uint32_t seconds = 0;
  auto [end, failure] = std::from_chars(lease.data(), lease.data() + lease.size(), seconds);
  if (failure == std::errc{} && end == lease.data() + lease.size())
    out.lease = std::chrono::seconds{seconds};
  return out;
}

webhook_answer answer_websub(std::string_view query,
                             const std::function<bool(std::string_view mode,
                                                      std::string_view topic)>& wanted) {
  auto question = read_hub_question(query);
  if (question && question->mode == "denied")
    return {200, "text/plain; charset=utf-8", ""};
  return websub_reply(question && wanted(question->mode, question->topic),
                      form_field(query, "hub.challenge").value_or(std::string{}));
}

} // namespace lapwing
