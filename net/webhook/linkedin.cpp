// LinkedIn notifications (PLATFORMS 1.7).
#include "net/webhook/payloads.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {

result<webhook_outcome> read_linkedin(const webhook_request& request) {
  auto document = json_document::parse(request.body);
  if (!document)
    return document.error();
  auto root = document->root();
  auto type = root["type"].text();
  if (type.empty())
    return error{errc::bad_request, "not a notification of LinkedIn"};
  auto count = root["notifications"].size();
  auto first = root["notifications"].first();
  object_writer summary;
  summary.text("type", type);
  summary.number("notifications", static_cast<std::int64_t>(count));
  summary.text("action", first["action"].text());
  summary.text("organization", first["organizationalEntity"].text());
  auto message = std::to_string(count) + (count == 1 ? " notification" : " notifications");
  if (auto action = first["action"].text(); !action.empty())
    message += " (" + clipped(action, 64) + ")";
  return webhook_outcome{make_delivery({"linkedin", type, first["action"].text(),
                                        body_id(request.body), std::move(message),
                                        summary.take(), std::string{request.body}})};
}

} // namespace lapwing
