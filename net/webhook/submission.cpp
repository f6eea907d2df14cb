// Supabase database webhooks (PLATFORMS 1.8; seed 004).
#include "net/webhook/payloads.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "net/webhook/delivery.hpp"
#include "net/webhook/json_reader.hpp"
#include "net/webhook/text.hpp"

namespace lapwing {
namespace {

std::string id_text(json_view value) {
  if (auto number = value.integer())
    return std::to_string(*number);
  return std::string{value.text()};
}

/// There is no id and no signature over one, and pg_net never sends twice. So equal bodies are
/// copies of one delivery if the row tells its own version; otherwise only within a minute, lest a
/// status that goes back and forth be lost.
std::string delivery_id_of(const webhook_request& request, json_view row, std::string_view operation,
                           timestamp now) {
  if (auto id = request.header("webhook-id"); is_plain_id(id, 200))
    return std::string{id};
  auto id = std::string{operation} + ":" + body_id(request.body);
  if (row["updated_at"].text().empty())
    id += ":" + std::to_string(
                  std::chrono::floor<std::chrono::minutes>(now.time_since_epoch()).count());
  return id;
}

std::string_view verb_of(std::string_view operation) {
  if (operation == "INSERT")
    return "created";
  if (operation == "UPDATE")
    return "updated";
  if (operation == "DELETE")
    return "deleted";
  return "truncated";
}

std::string_view trimmed(std::string_view json) {
  auto from = json.find_first_not_of(" \t\r\n");
  return json.substr(from, json.find_last_not_of(" \t\r\n") - from + 1);
}

} // namespace

result<submission_update> read_submission(const webhook_request& request, timestamp now) {
  constexpr std::array<std::string_view, 4> operations{"INSERT", "UPDATE", "DELETE", "TRUNCATE"};
  auto document = json_document::parse(request.body);
  if (!document)
    return document.error();
  auto root = document->root();
  auto operation = root["type"].text();
  auto table = root["table"].text();
  auto record = root["record"];
  auto old = root["old_record"];
  if (std::find(operations.begin(), operations.end(), operation) == operations.end()
      || table.empty())
    return error{errc::bad_request, "not a database webhook of Supabase: type or table"};
  if ((record && !record.is_object() && !record.is_null())
      || (old && !old.is_object() && !old.is_null()))
    return error{errc::bad_request, "record and old_record must be objects or null"};
  if (operation != "TRUNCATE" && !record.is_object() && !old.is_object())
    return error{errc::bad_request, "a row change needs record or old_record"};
  auto row = record.is_object() ? record : old;

  submission_update update;
  update.operation = operation;
  update.delivery_id = delivery_id_of(request, row, operation, now);
  update.rooms.emplace_back("admin");
  auto artist = id_text(row["artist_id"]);
  if (artist.empty())
    artist = id_text(row["user_id"]);
  auto room = "artist:" + artist;
  if (!artist.empty() && valid_room_id(room))
    update.rooms.emplace_back(std::move(room));

  auto& message = update.draft.message;
  message = table == "submissions" ? "submission" : clipped(table, 64);
  if (auto id = id_text(row["id"]); !id.empty())
    message += " " + clipped(id, 64);
  message.append(" ").append(verb_of(operation));
  auto status = record["status"].text();
  if (!status.empty() && status != old["status"].text())
    message += " (" + clipped(status, 64) + ")";
  update.draft.type = "submission_update";
  // The fields as they came are what seed 004's clients read.
  update.draft.data = trimmed(request.body);
  return update;
}

} // namespace lapwing
