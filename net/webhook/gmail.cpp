// Gmail notices through Cloud Pub/Sub (PLATFORMS 1.3).
#include "net/webhook/payloads.hpp"

#include <string>
#include <utility>

#include "net/auth/encoding.hpp"
#include "net/webhook/delivery.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

/// Pub/Sub sends anything but a 2xx again and again: what is bad for ever is taken and forgotten.
webhook_outcome forget(const char* reason) {
  return webhook_ignored{reason};
}

/// A text, or a number as text.
std::string text_or_number(json_view value) {
  if (auto number = value.integer())
    return std::to_string(*number);
  return std::string{value.text()};
}

} // namespace

result<webhook_outcome> read_gmail(const webhook_request& request) {
  std::string id, published, subscription, notice;
  {
    auto envelope = json_document::parse(request.body);
    if (!envelope)
      return forget("the envelope is not JSON");
    auto message = envelope->root()["message"];
    id = text_or_number(message["messageId"] ? message["messageId"] : message["message_id"]);
    auto time = message["publishTime"] ? message["publishTime"] : message["publish_time"];
    published = time.text();
    subscription = envelope->root()["subscription"].text();
    auto data = from_base64_lenient(message["data"].text());
    if (!is_plain_id(id, 128) || !data || data->empty())
      return forget("the envelope has no messageId or no data");
    notice = std::move(*data);
  }
  auto document = json_document::parse(notice);
  if (!document)
    return forget("the data is not JSON");
  auto mailbox = document->root()["emailAddress"].text();
  auto history = text_or_number(document->root()["historyId"]);
  if (!is_plain_id(mailbox, 254) || !is_plain_id(history, 32))
    return forget("the data has no emailAddress or no historyId");
  object_writer summary;
  summary.text("emailAddress", mailbox, 254);
  summary.text("historyId", history);
  summary.text("publishTime", published);
  summary.text("subscription", subscription);
  auto delivery = make_delivery({"gmail", "history", "", id,
                                 std::string{"mailbox "}.append(mailbox).append(" changed"),
                                 summary.take(), std::string{request.body}});
  delivery.owner = account{platform_id{"gmail"}, std::string{mailbox}};
  return webhook_outcome{std::move(delivery)};
}

} // namespace lapwing
