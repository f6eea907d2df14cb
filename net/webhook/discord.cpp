// Discord interactions and webhook events (PLATFORMS 1.6).
#include "net/webhook/payloads.hpp"

#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

std::string for_people(std::string_view type, std::string_view user) {
  auto text = clipped(type, 64);
  for (char& c : text) {
    if (c == '_')
      c = ' ';
    else if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  }
  if (!user.empty())
    text += " by " + clipped(user, 64);
  return text;
}

} // namespace

result<webhook_outcome> read_discord(const webhook_request& request) {
  auto document = json_document::parse(request.body);
  if (!document)
    return document.error();
  auto root = document->root();
  auto type = root["type"].integer();
  if (!type)
    return error{errc::bad_request, "not a message of Discord"};
  if (*type == 0) // The ping of webhook events wants no body.
    return webhook_outcome{webhook_answer{204, "", ""}};
  auto event = root["event"];
  if (!event.is_object()) {
    if (*type == 1)
      return webhook_outcome{webhook_answer{200, "application/json", R"({"type":1})"}};
    return webhook_outcome{webhook_ignored{"an interaction that nobody here answers"}};
  }
  auto name = event["type"].text();
  if (name.empty())
    return error{errc::bad_request, "the event has no type"};
  auto data = event["data"];
  auto user = data["user"] ? data["user"] : data["author"];
  object_writer summary;
  summary.text("application", root["application_id"].text());
  summary.text("type", name);
  summary.text("timestamp", event["timestamp"].text());
  summary.text("user", user["id"].text());
  summary.text("username", user["username"].text());
  summary.text("guild", data["guild"]["id"].text());
  auto delivery = make_delivery({"discord", name, "", body_id(request.body),
                                 for_people(name, user["username"].text()), summary.take(),
                                 std::string{request.body}});
  delivery.status = 204;
  return webhook_outcome{std::move(delivery)};
}

} // namespace lapwing
