#include "platforms/monitor/registration_calls.hpp"

#include <charconv>

#include "core/json_text.hpp"
#include "platforms/poll/json_slice.hpp"
#include "platforms/poll/request_url.hpp"

namespace lapwing {
namespace {

/// Asked for where the platform's file names no lifetime: what YouTube's guide shows.
constexpr std::chrono::seconds websub_lease{432'000};

std::string url_of(const registration_target& target) {
  return filled_url(target.spec->url, {target.account, target.resource, {}});
}

http_request json_request(std::string method, std::string url, std::string body) {
  http_request request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers.emplace_back("Accept", "application/json");
  if (!body.empty())
    request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

http_request github_request(std::string method, std::string url, std::string body) {
  auto request = json_request(std::move(method), std::move(url), std::move(body));
  request.headers.front().second = "application/vnd.github+json";
  request.headers.emplace_back("X-GitHub-Api-Version", "2022-11-28");
  return request;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (out.back() != '{')
    out += ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, text);
}

std::string github_body(const registration_target& target, const std::string& secret, bool create) {
  std::string out = create ? "{\"name\":\"web\",\"active\":true" : "{\"active\":true";
  out += ",\"events\":[";
  for (const auto& event : target.spec->events) {
    if (out.back() != '[')
      out += ',';
    append_json_string(out, event);
  }
  // The default would be "form", and "push" alone.
  out += "],\"config\":{";
  append_member(out, "url", target.callback_url);
  append_member(out, "content_type", "json");
  append_member(out, "secret", secret);
  append_member(out, "insecure_ssl", "0");
  return out + "}}";
}

std::optional<std::int64_t> number_of(json_slice value) {
  auto text = value.scalar().value_or("");
  std::int64_t out = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  // Up to the year 9999, as far as it is a time.
  if (failure != std::errc{} || end != text.data() + text.size() || out < 0
      || out > 253'402'300'799'000)
    return std::nullopt;
  return out;
}

} // namespace

registration_details registration_details::of(const registration& at) {
  registration_details out;
  auto root = json_slice::check(at.details);
  if (!root || root->kind() != json_kind::object)
    return out;
  out.resource_id = (*root)["resourceId"].scalar().value_or("");
  out.attempts = static_cast<std::uint32_t>(number_of((*root)["attempts"]).value_or(0));
  out.awaits_verification = (*root)["awaitsVerification"].is_true();
  auto time = [&](std::string_view name) -> std::optional<timestamp> {
    if (auto ms = number_of((*root)[name]))
      return timestamp{std::chrono::milliseconds{*ms}};
    return std::nullopt;
  };
  out.active_since = time("activeSince");
  out.news_at = time("newsAt");
  return out;
}

std::string registration_details::json() const {
  std::string out = "{";
  auto add = [&](std::string_view name, const std::string& value) {
    if (out.size() > 1)
      out += ',';
    out.append("\"").append(name).append("\":").append(value);
  };
  auto add_time = [&](std::string_view name, const std::optional<timestamp>& when) {
    if (when)
      add(name, std::to_string(when->time_since_epoch().count()));
  };
  if (!resource_id.empty())
    append_member(out, "resourceId", resource_id);
  if (attempts > 0)
    add("attempts", std::to_string(attempts));
  if (awaits_verification)
    add("awaitsVerification", "true");
  add_time("activeSince", active_since);
  add_time("newsAt", news_at);
  return out.size() > 1 ? out + '}' : std::string{};
}

namespace registration_calls {

http_request github_create(const registration_target& target, const std::string& secret) {
  return github_request("POST", url_of(target), github_body(target, secret, true));
}

http_request github_update(const registration_target& target, const std::string& hook_id,
                           const std::string& secret) {
  return github_request("PATCH", url_of(target) + '/' + percent_encoded(hook_id),
                        github_body(target, secret, false));
}

http_request github_list(const registration_target& target) {
  return github_request("GET", with_params(url_of(target), {{"per_page", "100"}}), {});
}

http_request github_delete(const registration_target& target, const std::string& hook_id) {
  return github_request("DELETE", url_of(target) + '/' + percent_encoded(hook_id), {});
}

http_request gmail_watch(const registration_target& target) {
  std::string body = "{";
  append_member(body, "topicName", target.spec->topic);
  body += ",\"labelIds\":[\"INBOX\"],\"labelFilterBehavior\":\"INCLUDE\"}";
  return json_request("POST", url_of(target), std::move(body));
}

http_request gmail_stop(const registration_target& target) {
  auto url = url_of(target);
  return json_request("POST", url.substr(0, url.rfind('/')) + "/stop", {});
}

http_request calendar_watch(const registration_target& target, const std::string& channel_id,
                            const std::string& token, timestamp now) {
  std::string body = "{";
  append_member(body, "id", channel_id);
  append_member(body, "type", "web_hook");
  append_member(body, "address", target.callback_url);
  append_member(body, "token", token);
  if (target.spec->lifetime.count() > 0) {
    auto until = now + target.spec->lifetime;
    body += ",\"expiration\":" + std::to_string(until.time_since_epoch().count());
  }
  return json_request("POST", url_of(target), body + '}');
}

http_request calendar_stop(const registration_spec& spec, const std::string& channel_id,
                           const std::string& resource_id) {
  // ".../calendar/v3/calendars/{id}/events/watch" and ".../calendar/v3/channels/stop".
  auto base = spec.url.substr(0, spec.url.find("/calendars/"));
  std::string body = "{";
  append_member(body, "id", channel_id);
  append_member(body, "resourceId", resource_id);
  return json_request("POST", base + "/channels/stop", body + '}');
}

std::string topic_of(const registration_target& target) {
  return filled_url(target.spec->topic, {target.account, target.resource, {}});
}

http_request websub_call(const registration_target& target, std::string_view mode,
                         const std::string& secret) {
  parameter_list form{{"hub.mode", std::string{mode}},
                      {"hub.topic", topic_of(target)},
                      {"hub.callback", target.callback_url},
                      {"hub.verify", "async"}};
  if (mode == "subscribe") {
    auto lease = target.spec->lifetime.count() > 0 ? target.spec->lifetime : websub_lease;
    form.emplace_back("hub.secret", secret);
    form.emplace_back("hub.lease_seconds", std::to_string(lease.count()));
  }
  http_request request;
  request.method = "POST";
  request.url = url_of(target);
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = with_params({}, form).substr(1);
  return request;
}

std::string hook_id_in(std::string_view body) {
  auto root = json_slice::check(body);
  auto id = root ? (*root)["id"].scalar() : std::nullopt;
  return id && id->size() <= 32 ? *id : std::string{};
}

std::string hook_with_url(std::string_view body, const std::string& url) {
  auto root = json_slice::check(body);
  std::string found;
  if (root)
    root->for_each([&](json_slice hook) {
      if (hook.at("config.url").scalar() == url)
        found = hook["id"].scalar().value_or("");
      return found.empty();
    });
  return found;
}

bool says_exists(const http_response& answer) {
  auto root = json_slice::check(answer.body);
  bool exists = false;
  if (answer.status == 422 && root)
    (*root)["errors"].for_each([&](json_slice one) {
      auto message = one["message"].scalar().value_or("");
      exists = message.find("already exists") != std::string::npos;
      return !exists;
    });
  return exists;
}

result<watch_answer> read_watch(std::string_view body) {
  auto root = json_slice::check(body);
  if (!root)
    return root.error();
  if (root->kind() != json_kind::object)
    return error{errc::malformed_json, "the answer is no object"};
  watch_answer out;
  out.resource_id = (*root)["resourceId"].scalar().value_or("");
  if ((*root)["expiration"].scalar()) {
    auto value = number_of((*root)["expiration"]);
    if (!value || *value == 0)
      return error{errc::malformed_json, "\"expiration\" is no time in milliseconds"};
    out.expires_at = timestamp{std::chrono::milliseconds{*value}};
  }
  return out;
}

} // namespace registration_calls
} // namespace lapwing
