// GitHub deliveries (PLATFORMS 1.1).
#include "net/webhook/payloads.hpp"

#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/github_summary.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

bool is_event_name(std::string_view text) {
  if (text.empty() || text.size() > 64)
    return false;
  for (char c : text)
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
      return false;
  return true;
}

} // namespace

result<webhook_outcome> read_github(const webhook_request& request) {
  auto event = request.header("X-GitHub-Event");
  auto id = request.header("X-GitHub-Delivery");
  if (!is_event_name(event))
    return error{errc::bad_request, "the header X-GitHub-Event is absent or no event name"};
  if (!is_plain_id(id, 128))
    return error{errc::bad_request, "the header X-GitHub-Delivery is absent or no id"};
  std::string payload;
  if (is_media_type(request.header("Content-Type"), "application/x-www-form-urlencoded")) {
    auto field = form_field(request.body, "payload");
    if (!field)
      return error{errc::bad_request, "the form has no good field `payload`"};
    payload = std::move(*field);
  } else {
    payload = request.body;
  }
  auto document = json_document::parse(payload);
  if (!document)
    return document.error();
  auto root = document->root();
  if (!root.is_object())
    return error{errc::bad_request, "the payload is not an object"};
  if (event == "ping") {
    object_writer answer;
    answer.truth("received", true);
    answer.text("event", event);
    answer.number("hook_id", root["hook_id"].integer());
    return webhook_outcome{webhook_answer{200, "application/json", answer.take()}};
  }
  auto summary = summarise_github(event, root);
  return webhook_outcome{make_delivery({"github", event, root["action"].text(), std::string{id},
                                        std::move(summary.message), std::move(summary.json),
                                        std::move(payload)})};
}

} // namespace lapwing
