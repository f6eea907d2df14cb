#include "sim/calendar.hpp"

#include <algorithm>
#include <array>

#include "sim/gmail.hpp"
#include "sim/google.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::calendar {
namespace {

using google::failed;

/// An event that was touched less than a day ago is left alone: so every state of an event can be
/// seen by whoever looks once a day, and the truth stays comparable.
constexpr std::int64_t rest_ms = 86'400'000;

constexpr std::array<std::string_view, 8> not_with_sync_token{
  "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty",
  "timeMin", "timeMax", "updatedMin"};

std::string event_id(const account& which, std::uint32_t event) {
  // Base32hex, as Google makes them.
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuv";
  std::string out;
  auto rest = mix(which.seed, 9'000'000 + event);
  for (int i = 0; i < 26; ++i) {
    if (i == 12)
      rest = mix(rest, event);
    out += digits[rest % 32];
    rest /= 32;
  }
  return out;
}

calendar_state& calendar_of(world_state& state, std::uint32_t person) {
  if (state.calendars.size() <= person)
    state.calendars.resize(person + 1);
  return state.calendars[person];
}

/// The parameters that must stay the same from the first sync on, as one number.
std::uint64_t settings_of(const call& from) {
  std::uint64_t out = 0;
  for (const auto& [name, value] : from.query.all()) {
    bool free = name == "syncToken" || name == "pageToken" || name == "maxResults"
                || std::find(not_with_sync_token.begin(), not_with_sync_token.end(), name)
                     != not_with_sync_token.end();
    if (!free)
      out ^= mix(hash_of(name), hash_of(value));
  }
  return out;
}

/// A sync token says how many changes were seen, when, and with which settings.
struct sync_point {
  std::size_t seen = 0;
  std::uint32_t epoch = 0;
  timestamp at{};
  std::uint64_t settings = 0;
};

std::string token_of(const sync_point& point) {
  return "CP" + lower_hex(point.seen, 8) + lower_hex(point.epoch, 4)
         + lower_hex(static_cast<std::uint64_t>(to_ms(point.at)), 12)
         + lower_hex(point.settings, 16);
}

std::optional<sync_point> parse_token(std::string_view text) {
  if (text.size() != 42 || !text.starts_with("CP"))
    return std::nullopt;
  auto seen = parse_hex(text.substr(2, 8));
  auto epoch = parse_hex(text.substr(10, 4));
  auto at = parse_hex(text.substr(14, 12));
  auto settings = parse_hex(text.substr(26, 16));
  if (!seen || !epoch || !at || !settings)
    return std::nullopt;
  return sync_point{static_cast<std::size_t>(*seen), static_cast<std::uint32_t>(*epoch),
                    from_ms(static_cast<std::int64_t>(*at)), *settings};
}

void add_event(json_writer& json, const person& who, const account& which,
               const calendar_state& calendar, std::size_t change) {
  const auto& what = calendar.changes[change];
  auto id = event_id(which, what.event);
  json.object().field("kind", "calendar#event");
  json.field("etag", "\"" + std::to_string(which.times[change] * 2) + "\"").field("id", id);
  json.field("status", what.cancelled ? "cancelled" : "confirmed");
  json.field("updated", to_rfc3339(from_ms(which.times[change])));
  if (!what.cancelled) {
    auto start = from_ms(which.times[change] + 2 * rest_ms);
    json.field("summary", "Meeting " + std::to_string(what.event) + " version "
                            + std::to_string(what.version));
    json.field("iCalUID", id + "@google.com").field("sequence", what.version);
    json.object("organizer").field("email", gmail::address_of(who)).field("self", true).end();
    json.object("start").field("dateTime", to_rfc3339(start)).end();
    json.object("end").field("dateTime", to_rfc3339(start + std::chrono::hours{1})).end();
  }
  json.end();
}

bool own_calendar(const world_state& state, const call& from) {
  return from.captured[0] == "primary"
         || from.captured[0] == gmail::address_of(state.persons.at(from.person));
}

} // namespace

http_response events(world_state& state, call& from) {
  if (!own_calendar(state, from))
    return failed(404, "notFound", "Not Found");
  auto maximum = google::max_results(from, 250, 2500);
  if (maximum == 0)
    return failed(400, "invalid", "Invalid value for maxResults");
  std::optional<sync_point> since;
  const auto& who = state.persons.at(from.person);
  const auto& which = who.accounts[index_of(platform::calendar)];
  auto& calendar = calendar_of(state, from.person);
  if (auto text = from.query.find("syncToken")) {
    for (auto name : not_with_sync_token)
      if (from.query.has(name))
        return failed(400, "invalid", "Sync token cannot be used with " + std::string{name});
    since = parse_token(*text);
    if (!since || since->epoch != calendar.epoch
        || since->at + state.options.calendar_token_life <= from.now
        || since->seen > calendar.changes.size())
      return failed(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is "
                                             "required.",
                    "calendar");
    if (since->settings != settings_of(from))
      return failed(400, "invalid", "The parameters differ from those of the initial sync.");
  }
  auto time_limit = [&](std::string_view name) -> std::optional<std::int64_t> {
    auto text = from.query.find(name);
    if (!text)
      return INT64_MIN;
    auto at = parse_rfc3339(*text);
    return at ? std::optional{to_ms(*at)} : std::nullopt;
  };
  auto time_min = time_limit("timeMin");
  auto updated_min = time_limit("updatedMin");
  if (!time_min || !updated_min)
    return failed(400, "badRequest", "Bad Request");
  // A page token continues a chain that began with a fixed number of changes.
  std::size_t offset = 0;
  auto until = calendar.changes.size();
  if (auto text = from.query.find("pageToken")) {
    auto chained = parse_hex(text->substr(0, 8));
    auto position = text->size() == 16 ? parse_hex(text->substr(8)) : std::nullopt;
    if (!chained || !position || *chained > calendar.changes.size())
      return failed(400, "invalid", "Invalid page token value.");
    until = static_cast<std::size_t>(*chained);
    offset = static_cast<std::size_t>(*position);
  }
  bool deleted = since.has_value() || from.query.get("showDeleted") == "true";
  auto first = since ? since->seen : 0;
  json_writer json;
  json.field("kind", "calendar#events").field("summary", gmail::address_of(who));
  json.field("timeZone", "UTC").array("items");
  std::size_t seen = 0;
  bool more = false;
  for (auto i = first; i < until; ++i) {
    const auto& what = calendar.changes[i];
    // Only the newest state of an event is shown, unless it is newer than this chain.
    auto newest = calendar.newest[what.event];
    bool shown = (newest == i || newest >= until) && (deleted || !what.cancelled)
                 && which.times[i] + 2 * rest_ms + 3'600'000 > *time_min
                 && which.times[i] >= *updated_min;
    if (!shown || seen++ < offset)
      continue;
    if (seen > offset + static_cast<std::size_t>(maximum)) {
      more = true;
      break;
    }
    add_event(json, who, which, calendar, i);
  }
  json.end();
  if (more)
    json.field("nextPageToken",
               lower_hex(until, 8) + lower_hex(offset + static_cast<std::size_t>(maximum), 8));
  else
    json.field("nextSyncToken", token_of({until, calendar.epoch, from.now, settings_of(from)}));
  return json_answer(200, json.text());
}

http_response calendar_list(world_state& state, call& from) {
  auto address = gmail::address_of(state.persons.at(from.person));
  json_writer json;
  json.field("kind", "calendar#calendarList").array("items").object();
  json.field("kind", "calendar#calendarListEntry").field("id", address);
  json.field("summary", address).field("primary", true).field("accessRole", "owner");
  return json_answer(200, json.text());
}

void expire_tokens(world_state& state, std::uint32_t person) {
  ++calendar_of(state, person).epoch;
}

void produced(world_state& state, const account& which, std::size_t index) {
  auto& calendar = calendar_of(state, which.person);
  auto seed = which.item_seed(index);
  calendar_change what;
  // Three of ten touch an event that has rested; one of those three cancels it.
  bool touches = seed % 10 >= 7 && !calendar.newest.empty();
  if (touches) {
    auto event = static_cast<std::uint32_t>((seed >> 8) % calendar.newest.size());
    const auto& last = calendar.changes[calendar.newest[event]];
    touches = !last.cancelled
              && which.times[calendar.newest[event]] + rest_ms <= which.times[index];
    if (touches)
      what = {event, last.version + 1, seed % 10 == 9};
  }
  if (!touches) {
    what.event = static_cast<std::uint32_t>(calendar.newest.size());
    calendar.newest.push_back(0);
  }
  calendar.newest[what.event] = static_cast<std::uint32_t>(index);
  calendar.changes.push_back(what);
  notify(state, which);
}

void truth(const world_state& state, const account& which, std::vector<produced_item>& out) {
  if (which.person >= state.calendars.size())
    return;
  const auto& calendar = state.calendars[which.person];
  for (std::size_t i = 0; i < calendar.changes.size(); ++i) {
    auto at = from_ms(which.times[i]);
    out.push_back({"events", {event_id(which, calendar.changes[i].event), to_rfc3339(at)}, at});
  }
}

} // namespace lapwing::sim::calendar
