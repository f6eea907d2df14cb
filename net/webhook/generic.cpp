// Deliveries of any other platform: whatever JSON it sends.
#include "net/webhook/payloads.hpp"

#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {

result<webhook_outcome> read_generic(std::string_view platform, const webhook_request& request) {
  auto document = json_document::parse(request.body);
  if (!document)
    return document.error();
  auto root = document->root();
  auto event = root["type"].text();
  if (event.empty())
    event = root["event"].text();
  if (event.empty())
    event = "webhook";
  std::string id;
  for (auto name : {"webhook-id", "X-Webhook-Id", "X-Delivery-Id"}) {
    auto value = request.header(name);
    if (id.empty() && is_plain_id(value, 200))
      id = value;
  }
  if (id.empty())
    id = body_id(request.body);
  object_writer summary;
  summary.text("type", event);
  summary.text("timestamp", root["timestamp"].text());
  summary.text("id", root["data"]["id"].text());
  auto message = clipped(event, 100) + " from " + clipped(platform, 100);
  return webhook_outcome{make_delivery({platform, event, root["action"].text(), std::move(id),
                                        std::move(message), summary.take(),
                                        std::string{request.body}})};
}

} // namespace lapwing
