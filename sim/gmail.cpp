#include "sim/gmail.hpp"

#include <algorithm>

#include "sim/google.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::gmail {
namespace {

/// History ids rise with gaps. Between two messages there is room for changes of other kinds.
std::uint64_t history_id(const account& which, std::size_t index) {
  return 1'000'000 + 1000 * (index + 1) + which.item_seed(index) % 500;
}

std::string message_id(const account& which, std::size_t index) {
  return lower_hex(static_cast<std::uint64_t>(which.times[index]), 11)
         + lower_hex(which.item_seed(index) >> 44, 5);
}

/// Of a "q": newer_than:7d, after:UNIX or after:2026/11/21. Nothing for what we do not play.
std::optional<std::int64_t> begin_of(std::string_view query, timestamp now) {
  std::int64_t begin = INT64_MIN;
  for (auto term : split(query, ' ')) {
    auto colon = term.find(':');
    if (colon == std::string_view::npos)
      return std::nullopt;
    auto value = term.substr(colon + 1);
    if (term.starts_with("newer_than:") && !value.empty()) {
      auto count = parse_integer(value.substr(0, value.size() - 1));
      auto unit = value.back();
      if (!count || (unit != 'd' && unit != 'm' && unit != 'y' && unit != 'h'))
        return std::nullopt;
      auto hours = *count * (unit == 'h' ? 1 : unit == 'd' ? 24 : unit == 'm' ? 720 : 8760);
      begin = std::max(begin, to_ms(now) - hours * 3'600'000);
    } else if (term.starts_with("after:")) {
      auto seconds = parse_integer(value);
      if (!seconds)
        return std::nullopt;
      begin = std::max(begin, *seconds * 1000);
    } else {
      return std::nullopt;
    }
  }
  return begin;
}

std::optional<http_response> not_mine(const world_state& state, const call& from) {
  if (from.captured[0] == "me" || from.captured[0] == address_of(state.persons.at(from.person)))
    return std::nullopt;
  return google::failed(403, "forbidden", "Delegation denied.");
}

http_response not_found() {
  return google::failed(404, "notFound", "Requested entity was not found.");
}

} // namespace

http_response profile(world_state& state, call& from) {
  if (auto wrong = not_mine(state, from))
    return *wrong;
  const auto& who = state.persons.at(from.person);
  auto count = who.accounts[index_of(platform::gmail)].times.size();
  json_writer json;
  json.field("emailAddress", address_of(who));
  json.field("messagesTotal", count).field("threadsTotal", count);
  json.field("historyId", std::to_string(history_id_now(state, from.person)));
  return json_answer(200, json.text());
}

http_response history(world_state& state, call& from) {
  if (auto wrong = not_mine(state, from))
    return *wrong;
  auto start = parse_integer(from.query.get("startHistoryId"));
  if (!start || *start <= 0)
    return google::failed(400, "invalidArgument", "Missing or invalid startHistoryId");
  auto maximum = google::max_results(from, 100, 500);
  auto offset = google::page_offset(from);
  if (maximum == 0 || !offset)
    return google::failed(400, "invalidArgument", "Invalid maxResults or pageToken");
  const auto& which = state.persons.account_of(from.person, platform::gmail);
  auto start_id = static_cast<std::uint64_t>(*start);
  auto now_id = history_id_now(state, from.person);
  // What began before the oldest record kept is not known any more.
  auto oldest_ms = to_ms(from.now - state.options.gmail_history_life);
  auto forgotten = static_cast<std::size_t>(
    std::lower_bound(which.times.begin(), which.times.end(), oldest_ms) - which.times.begin());
  bool too_old = forgotten > 0 && start_id < history_id(which, forgotten - 1);
  if (too_old || start_id > now_id || start_id < state.mailboxes[from.person].cutoff)
    return not_found();
  auto first = which.times.size();
  while (first > forgotten && history_id(which, first - 1) > start_id)
    --first;
  bool wanted = true;
  if (from.query.has("historyTypes")) {
    wanted = false;
    for (const auto& [name, value] : from.query.all())
      wanted = wanted || (name == "historyTypes" && value == "messageAdded");
  }
  json_writer json;
  auto begin = std::min(first + *offset, which.times.size());
  auto end = std::min(begin + static_cast<std::size_t>(maximum), which.times.size());
  if (wanted && begin < end) {
    json.array("history");
    for (auto i = begin; i < end; ++i) {
      auto id = message_id(which, i);
      json_writer stub;
      stub.field("id", id).field("threadId", id);
      stub.array("labelIds").value("INBOX").value("UNREAD");
      auto text = stub.text();
      json.object().field("id", std::to_string(history_id(which, i)));
      json.array("messages").object().field("id", id).field("threadId", id).end().end();
      json.array("messagesAdded").object().raw("message", text).end().end().end();
    }
    json.end();
    if (end < which.times.size())
      json.field("nextPageToken", google::page_token(end - first));
  }
  json.field("historyId", std::to_string(now_id));
  return json_answer(200, json.text());
}

http_response messages(world_state& state, call& from) {
  if (auto wrong = not_mine(state, from))
    return *wrong;
  auto maximum = google::max_results(from, 100, 500);
  auto offset = google::page_offset(from);
  auto begin = begin_of(from.query.get("q"), from.now);
  if (maximum == 0 || !offset || !begin)
    return google::failed(400, "invalidArgument", "Invalid maxResults, pageToken or q");
  const auto& which = state.persons.account_of(from.person, platform::gmail);
  json_writer json;
  std::size_t seen = 0;
  bool more = false;
  bool opened = false;
  for (auto i = which.times.size(); i-- > 0 && which.times[i] >= *begin;) {
    if (seen++ < *offset)
      continue;
    if (seen > *offset + static_cast<std::size_t>(maximum)) {
      more = true;
      break;
    }
    if (!opened)
      json.array("messages");
    opened = true;
    auto id = message_id(which, i);
    json.object().field("id", id).field("threadId", id).end();
  }
  if (opened)
    json.end();
  if (more)
    json.field("nextPageToken",
               google::page_token(*offset + static_cast<std::size_t>(maximum)));
  json.field("resultSizeEstimate", seen);
  return json_answer(200, json.text());
}

http_response message(world_state& state, call& from) {
  if (auto wrong = not_mine(state, from))
    return *wrong;
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::gmail)];
  // The id begins with the time.
  auto time = parse_hex(std::string_view{from.captured[1]}.substr(0, 11));
  if (!time || from.captured[1].size() != 16)
    return google::failed(400, "invalidArgument", "Invalid id value");
  auto found = std::lower_bound(which.times.begin(), which.times.end(),
                                static_cast<std::int64_t>(*time));
  auto index = static_cast<std::size_t>(found - which.times.begin());
  if (found == which.times.end() || message_id(which, index) != from.captured[1])
    return not_found();
  json_writer json;
  json.field("id", from.captured[1]).field("threadId", from.captured[1]);
  json.array("labelIds").value("INBOX").value("UNREAD").end();
  json.field("snippet", "Message " + std::to_string(index));
  json.field("historyId", std::to_string(history_id(which, index)));
  json.field("internalDate", std::to_string(which.times[index]));
  if (from.query.get("format") != "minimal") {
    auto header = [&json](std::string_view name, std::string_view value) {
      json.object().field("name", name).field("value", value).end();
    };
    json.object("payload").array("headers");
    header("Subject", "Message " + std::to_string(index));
    header("From", "Somebody <somebody@example.org>");
    header("To", address_of(who));
    header("Date", http_date(from_ms(which.times[index])));
    json.end().end();
  }
  return json_answer(200, json.text());
}

std::string address_of(const person& who) { return who.login + "@example.com"; }

std::uint64_t history_id_now(const world_state& state, std::uint32_t person) {
  const auto& which = state.persons.at(person).accounts[index_of(platform::gmail)];
  auto newest = which.times.empty() ? 1'000'000 : history_id(which, which.times.size() - 1);
  auto mailbox = state.mailboxes.find(person);
  return mailbox == state.mailboxes.end() ? newest : std::max(newest, mailbox->second.cutoff);
}

void expire_history(world_state& state, std::uint32_t person) {
  state.mailboxes[person].cutoff = history_id_now(state, person) + 2;
}

void truth(const account& which, std::vector<produced_item>& out) {
  for (std::size_t i = 0; i < which.times.size(); ++i)
    out.push_back({"history", {message_id(which, i)}, from_ms(which.times[i])});
}

} // namespace lapwing::sim::gmail
