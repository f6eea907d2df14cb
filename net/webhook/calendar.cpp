// Google Calendar push: everything is in the headers (PLATFORMS 1.4).
#include "net/webhook/payloads.hpp"

#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {

result<webhook_outcome> read_calendar(const webhook_request& request) {
  auto channel = request.header("X-Goog-Channel-ID");
  auto number = request.header("X-Goog-Message-Number");
  auto state = request.header("X-Goog-Resource-State");
  if (!is_plain_id(channel, 128) || !is_plain_id(number, 32) || !is_plain_id(state, 64))
    return error{errc::bad_request,
                 "X-Goog-Channel-ID, X-Goog-Message-Number and X-Goog-Resource-State are needed"};
  if (state == "sync")
    return webhook_outcome{webhook_answer{200, "application/json", R"({"received":true})"}};
  object_writer facts;
  facts.text("channelId", channel);
  facts.text("messageNumber", number);
  facts.text("resourceState", state);
  facts.text("resourceId", request.header("X-Goog-Resource-ID"));
  facts.text("resourceUri", request.header("X-Goog-Resource-URI"), 500);
  facts.text("expiration", request.header("X-Goog-Channel-Expiration"));
  auto text = facts.take();
  auto message = state == "not_exists" ? "a calendar entry or calendar is gone"
                                       : "the calendar changed";
  return webhook_outcome{make_delivery({"calendar", state, "",
                                        std::string{channel}.append(":").append(number), message,
                                        text, text})};
}

} // namespace lapwing
