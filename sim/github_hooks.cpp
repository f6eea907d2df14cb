// Repository hooks, their deliveries and the log of three days. GitHub never retries by itself.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/callback.hpp"
#include "sim/github.hpp"
#include "sim/json_writer.hpp"

namespace lapwing::sim::github {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;

constexpr hours log_age{3 * 24};
constexpr std::size_t hooks_per_event_max = 20;
constexpr std::size_t deliveries_page_max = 100;

/// The repository of the path `/repos/{0}/{1}/...`, when the caller owns it.
std::optional<std::size_t> own_repository(const world_state& state, const call& from) {
  const auto& who = state.persons.at(from.person);
  auto name = from.captured[0] + '/' + from.captured[1];
  for (std::size_t i = 0; i < repository_count; ++i)
    if (repository_name(who, i) == name)
      return i;
  return std::nullopt;
}

/// The hook of the path `/repos/{0}/{1}/hooks/{2}`.
github_hook* own_hook(world_state& state, const call& from) {
  auto repository = own_repository(state, from);
  auto id = parse_integer(from.captured[2]);
  if (!repository || !id)
    return nullptr;
  auto found = state.hooks.find(static_cast<std::uint64_t>(*id));
  if (found == state.hooks.end() || found->second.person != from.person
      || found->second.repository != *repository)
    return nullptr;
  return &found->second;
}

http_response validation_failed(std::string_view message) {
  json_writer out;
  out.field("message", "Validation Failed").array("errors").object();
  out.field("resource", "Hook").field("code", "custom").field("message", message);
  out.end().end().field("status", "422");
  return json_answer(422, out.text());
}

std::vector<std::string> strings_of(const json& list) {
  std::vector<std::string> out;
  if (list.is_array())
    for (const auto& one : list)
      if (one.is_string())
        out.push_back(one.get<std::string>());
  return out;
}

bool has_event(const github_hook& hook, std::string_view name) {
  return std::any_of(hook.events.begin(), hook.events.end(),
                     [name](const auto& event) { return event == name || event == "*"; });
}

/// Takes over what `config` says; the reason when it cannot be.
std::optional<std::string_view> configure(github_hook& hook, const json& config) {
  if (!config.is_object())
    return "config must be an object";
  auto text = [&](const char* name, std::string& into) {
    auto found = config.find(name);
    if (found != config.end() && found->is_string())
      into = found->get<std::string>();
  };
  text("url", hook.url);
  text("content_type", hook.content_type);
  text("secret", hook.secret);
  if (!is_callback(hook.url))
    return "url is not valid";
  if (hook.content_type != "json" && hook.content_type != "form")
    return "content_type must be json or form";
  return std::nullopt;
}

/// Hooks with the same address and events are the same hook.
bool exists_already(const world_state& state, const github_hook& fresh) {
  auto found = state.hooks_of.find(fresh.person);
  if (found == state.hooks_of.end())
    return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](std::uint64_t id) {
    const auto& other = state.hooks.at(id);
    return other.id != fresh.id && other.repository == fresh.repository && other.url == fresh.url
           && std::any_of(fresh.events.begin(), fresh.events.end(),
                          [&](const auto& event) { return has_event(other, event); });
  });
}

bool too_many(const world_state& state, const github_hook& fresh) {
  auto found = state.hooks_of.find(fresh.person);
  if (found == state.hooks_of.end())
    return false;
  return std::any_of(fresh.events.begin(), fresh.events.end(), [&](const auto& event) {
    auto count = std::count_if(found->second.begin(), found->second.end(), [&](auto id) {
      const auto& other = state.hooks.at(id);
      return other.repository == fresh.repository && has_event(other, event);
    });
    return static_cast<std::size_t>(count) >= hooks_per_event_max;
  });
}

void send(world_state& state, const github_hook& hook, delivery_kind kind, std::uint64_t item,
          std::uint32_t part, std::uint64_t message, bool again) {
  pending_delivery what;
  what.kind = kind;
  what.where = platform::github;
  what.person = hook.person;
  what.target = hook.id;
  what.item = item;
  what.part = part;
  what.message = message;
  what.attempt = again ? 1 : 0;
  state.deliver(what, state.delivery_delay());
}

std::string guid_of(const world_state& state, std::uint64_t message) {
  auto a = lower_hex(mix(state.options.seed, message), 16);
  auto b = lower_hex(mix(state.options.seed + 1, message), 16);
  return a.substr(0, 8) + '-' + a.substr(8, 4) + "-11f0-" + a.substr(12, 4) + '-' + b.substr(0, 12);
}

void trim(github_hook& hook, timestamp now) {
  while (!hook.log.empty() && hook.log.front().at + log_age <= now)
    hook.log.pop_front();
}

void add_delivery(const world_state& state, json_writer& out, const github_hook& hook,
                  const hook_delivery& entry) {
  const auto& which = state.persons.at(hook.person).accounts[index_of(platform::github)];
  std::pair<std::string_view, std::string_view> event{"ping", ""};
  if (!entry.ping)
    event = hook_events(activity_of(which, entry.item))[entry.part];
  std::string status = "OK";
  if (entry.status == 0)
    status = "failed to connect to host";
  else if (entry.status < 200 || entry.status >= 300)
    status = "Invalid HTTP Response: " + std::to_string(entry.status);
  out.field("id", entry.id)
    .field("guid", guid_of(state, entry.message))
    .field("delivered_at", to_rfc3339(entry.at))
    .field("redelivery", entry.redelivery)
    .raw("duration", "0.27")
    .field("status", status)
    .field("status_code", entry.status)
    .field("event", event.first);
  if (event.second.empty())
    out.null("action");
  else
    out.field("action", event.second);
  out.null("installation_id").field("repository_id", which.seed % 100'000'000 + hook.repository);
}

void remove(world_state& state, std::uint64_t id) {
  auto found = state.hooks.find(id);
  std::erase(state.hooks_of[found->second.person], id);
  state.hooks.erase(found);
}

} // namespace

http_response create_hook(world_state& state, call& from) {
  auto repository = own_repository(state, from);
  if (!repository)
    return failed(404, "Not Found");
  auto body = json::parse(from.request->body, nullptr, false);
  if (!body.is_object())
    return failed(400, "Problems parsing JSON");
  github_hook fresh;
  fresh.person = from.person;
  fresh.repository = *repository;
  fresh.events = strings_of(body.value("events", json::array({"push"})));
  fresh.active = body.value("active", true);
  if (body.value("name", "web") != "web" || fresh.events.empty())
    return validation_failed("name must be web and events must not be empty");
  if (auto wrong = configure(fresh, body.value("config", json{})))
    return validation_failed(*wrong);
  if (exists_already(state, fresh))
    return validation_failed("Hook already exists on this repository");
  if (too_many(state, fresh))
    return validation_failed("The number of hooks for an event has reached its limit of 20");
  fresh.id = 400'000'000 + state.take_number();
  fresh.created_at = fresh.updated_at = from.now;
  state.hooks_of[from.person].push_back(fresh.id);
  auto& hook = state.hooks.emplace(fresh.id, std::move(fresh)).first->second;
  send(state, hook, delivery_kind::github_ping, 0, 0, state.next_message++, false);
  auto out = json_answer(201, hook_json(state, hook));
  out.headers.emplace_back("Location", state.origin("api.github.com") + std::string{from.path}
                                         + '/' + std::to_string(hook.id));
  return out;
}

http_response list_hooks(world_state& state, call& from) {
  auto repository = own_repository(state, from);
  if (!repository)
    return failed(404, "Not Found");
  json_writer out{'['};
  for (auto id : state.hooks_of[from.person])
    if (state.hooks.at(id).repository == *repository)
      out.value_raw(hook_json(state, state.hooks.at(id)));
  return json_answer(200, out.text());
}

http_response get_hook(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  return hook == nullptr ? failed(404, "Not Found") : json_answer(200, hook_json(state, *hook));
}

http_response patch_hook(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  if (hook == nullptr)
    return failed(404, "Not Found");
  auto body = json::parse(from.request->body, nullptr, false);
  if (!body.is_object())
    return failed(400, "Problems parsing JSON");
  auto changed = *hook;
  if (body.contains("config")) {
    // A config without a secret removes it: the whole object is replaced.
    changed.secret.clear();
    if (auto wrong = configure(changed, body["config"]))
      return validation_failed(*wrong);
  }
  if (body.contains("events"))
    changed.events = strings_of(body["events"]);
  for (const auto& event : strings_of(body.value("add_events", json{})))
    if (!has_event(changed, event))
      changed.events.push_back(event);
  for (const auto& event : strings_of(body.value("remove_events", json{})))
    std::erase(changed.events, event);
  changed.active = body.value("active", changed.active);
  if (changed.events.empty())
    return validation_failed("events must not be empty");
  if (exists_already(state, changed))
    return validation_failed("Hook already exists on this repository");
  changed.updated_at = from.now;
  *hook = std::move(changed);
  return json_answer(200, hook_json(state, *hook));
}

http_response delete_hook(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  if (hook == nullptr)
    return failed(404, "Not Found");
  remove(state, hook->id);
  return empty_answer(204);
}

http_response ping_hook(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  if (hook == nullptr)
    return failed(404, "Not Found");
  send(state, *hook, delivery_kind::github_ping, 0, 0, state.next_message++, false);
  return empty_answer(204);
}

http_response list_deliveries(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  if (hook == nullptr)
    return failed(404, "Not Found");
  trim(*hook, from.now);
  std::size_t size = 30;
  if (auto text = from.query.find("per_page"))
    size = static_cast<std::size_t>(
      std::clamp<std::int64_t>(parse_integer(*text).value_or(30), 1, deliveries_page_max));
  // The cursor is the id that the page before ended with.
  std::uint64_t below = UINT64_MAX;
  if (auto text = from.query.find("cursor")) {
    auto number = parse_integer(text->starts_with("v1_") ? text->substr(3) : *text);
    if (!number)
      return failed(400, "Invalid cursor");
    below = static_cast<std::uint64_t>(*number);
  }
  json_writer out{'['};
  std::size_t count = 0;
  std::uint64_t last = 0;
  bool more = false;
  for (auto entry = hook->log.rbegin(); entry != hook->log.rend(); ++entry) {
    if (entry->id >= below)
      continue;
    if (count == size) {
      more = true;
      break;
    }
    out.object();
    add_delivery(state, out, *hook, *entry);
    out.end();
    last = entry->id;
    ++count;
  }
  auto answer = json_answer(200, out.text());
  if (more)
    answer.headers.emplace_back("Link", '<' + state.origin("api.github.com")
                                          + std::string{from.path}
                                          + "?per_page=" + std::to_string(size) + "&cursor=v1_"
                                          + std::to_string(last) + ">; rel=\"next\"");
  return answer;
}

http_response get_delivery(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  auto id = parse_integer(from.captured[3]);
  if (hook == nullptr || !id)
    return failed(404, "Not Found");
  trim(*hook, from.now);
  for (const auto& entry : hook->log)
    if (entry.id == static_cast<std::uint64_t>(*id)) {
      pending_delivery what;
      what.kind = entry.ping ? delivery_kind::github_ping : delivery_kind::github_event;
      what.item = entry.item;
      what.part = entry.part;
      json_writer out;
      add_delivery(state, out, *hook, entry);
      out.field("url", hook->url).object("request").object("headers");
      out.field("X-GitHub-Delivery", guid_of(state, entry.message)).end();
      out.raw("payload", hook_payload(state, *hook, what)).end();
      return json_answer(200, out.text());
    }
  return failed(404, "Not Found");
}

http_response redeliver(world_state& state, call& from) {
  auto hook = own_hook(state, from);
  auto id = parse_integer(from.captured[3]);
  if (hook == nullptr || !id)
    return failed(404, "Not Found");
  trim(*hook, from.now);
  for (const auto& entry : hook->log)
    if (entry.id == static_cast<std::uint64_t>(*id)) {
      send(state, *hook, entry.ping ? delivery_kind::github_ping : delivery_kind::github_event,
           entry.item, entry.part, entry.message, true);
      return json_answer(202, "{}");
    }
  return failed(404, "Not Found");
}

void produced(world_state& state, const account& which, std::size_t index) {
  auto found = state.hooks_of.find(which.person);
  if (found == state.hooks_of.end())
    return;
  auto repository = repository_of(which, index);
  auto events = hook_events(activity_of(which, index));
  for (auto id : found->second) {
    const auto& hook = state.hooks.at(id);
    if (!hook.active || hook.repository != repository)
      continue;
    for (std::uint32_t part = 0; part < events.size(); ++part)
      if (has_event(hook, events[part].first))
        send(state, hook, delivery_kind::github_event, index, part, state.next_message++, false);
  }
}

std::optional<http_request> request_of(world_state& state, const pending_delivery& what) {
  auto found = state.hooks.find(what.target);
  if (found == state.hooks.end())
    return std::nullopt;
  const auto& hook = found->second;
  const auto& which = state.persons.account_of(what.person, platform::github);
  std::string_view event = "ping";
  if (what.kind == delivery_kind::github_event)
    event = hook_events(activity_of(which, what.item))[what.part].first;
  http_request out;
  out.method = "POST";
  out.url = hook.url;
  out.timeout = seconds{10};
  out.body = hook_payload(state, hook, what);
  bool form = hook.content_type == "form";
  if (form)
    out.body = "payload=" + percent_encoded(out.body);
  out.headers = {
    {"User-Agent", "GitHub-Hookshot/51a7c1e"},
    {"Accept", "*/*"},
    {"Content-Type", form ? "application/x-www-form-urlencoded" : "application/json"},
    {"X-GitHub-Event", std::string{event}},
    {"X-GitHub-Delivery", guid_of(state, what.message)},
    {"X-GitHub-Hook-ID", std::to_string(hook.id)},
    {"X-GitHub-Hook-Installation-Target-Type", "repository"},
    {"X-GitHub-Hook-Installation-Target-ID",
     std::to_string(which.seed % 100'000'000 + hook.repository)}};
  if (!hook.secret.empty()) {
    auto key = hook.secret + (what.bad_signature ? "?" : "");
    out.headers.emplace_back("X-Hub-Signature", "sha1=" + lower_hex(hmac_sha1(key, out.body)));
    out.headers.emplace_back("X-Hub-Signature-256",
                             "sha256=" + lower_hex(hmac_sha256(key, out.body)));
  }
  return out;
}

void finished(world_state& state, const pending_delivery& what, const http_response* answer) {
  auto found = state.hooks.find(what.target);
  if (found == state.hooks.end() || what.copy)
    return;
  hook_delivery entry;
  entry.id = 900'000'000 + state.take_number();
  entry.message = what.message;
  entry.item = what.item;
  entry.part = what.part;
  entry.ping = what.kind == delivery_kind::github_ping;
  entry.redelivery = what.attempt != 0;
  entry.at = what.due;
  entry.status = answer == nullptr ? 0 : answer->status;
  found->second.log.push_back(entry);
  trim(found->second, state.now);
}

std::size_t forget_hooks(world_state& state, std::uint32_t person) {
  auto all = state.hooks_of[person];
  for (auto id : all)
    remove(state, id);
  return all.size();
}

std::string hook_json(const world_state& state, const github_hook& hook) {
  auto repository =
    state.origin("api.github.com") + "/repos/"
    + repository_name(state.persons.at(hook.person), hook.repository);
  auto self = repository + "/hooks/" + std::to_string(hook.id);
  json_writer out;
  out.field("type", "Repository").field("id", hook.id).field("name", "web");
  out.field("active", hook.active).array("events");
  for (const auto& event : hook.events)
    out.value(event);
  out.end().object("config").field("content_type", hook.content_type).field("url", hook.url);
  out.field("insecure_ssl", "0");
  if (!hook.secret.empty())
    out.field("secret", "********");
  out.end()
    .field("updated_at", to_rfc3339(hook.updated_at))
    .field("created_at", to_rfc3339(hook.created_at))
    .field("url", self)
    .field("test_url", self + "/test")
    .field("ping_url", self + "/pings")
    .field("deliveries_url", self + "/deliveries");
  out.object("last_response").null("code").field("status", "unused").null("message").end();
  return out.text();
}

} // namespace lapwing::sim::github
