#include "sim/control.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include <nlohmann/json.hpp>

#include "sim/call.hpp"
#include "sim/json_writer.hpp"
#include "sim/text.hpp"

namespace lapwing::sim {
namespace {

using nlohmann::json;

constexpr std::size_t users_at_once_max = 10'000;

http_response mistake(std::string_view text) {
  json_writer out;
  out.field("error", text);
  return json_answer(400, out.text());
}

std::string text_of(const json& body, const char* name) {
  auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::uint64_t number_of(const json& body, const char* name, std::uint64_t otherwise) {
  auto found = body.find(name);
  return found != body.end() && found->is_number_unsigned() ? found->get<std::uint64_t>()
                                                            : otherwise;
}

http_response done(std::string_view name, std::uint64_t count) {
  json_writer out;
  out.field("ok", true).field(name, count);
  return json_answer(200, out.text());
}

/// {"do":"fault","kind":"rate_limit","platform":"github",...}: the members of parse_fault's text.
http_response add_fault(world& of, const json& body) {
  auto text = text_of(body, "kind");
  for (const auto& [name, value] : body.items()) {
    if (name == "do" || name == "kind")
      continue;
    auto plain = value.is_string() ? value.get<std::string>() : value.dump();
    if (plain == "true")
      plain = "1";
    text += ',' + name + '=' + plain;
  }
  auto what = parse_fault(text, of.now());
  if (!what)
    return mistake(what.error().detail);
  of.add_fault(*what);
  return done("faults", 1);
}

/// Nothing when `do` is no order to the Web Push service.
std::optional<http_response> push_order(world& of, const json& body, const std::string& what) {
  if (what == "push_subscribe") {
    auto made = of.subscribe_push({text_of(body, "user"), text_of(body, "vapid_public_key"),
                                   text_of(body, "private_key"), text_of(body, "auth_secret")});
    return made ? json_answer(200, std::move(*made)) : mistake(made.error().detail);
  }
  push_change change;
  if (what == "push_unsubscribe") {
    change.ends = true;
  } else if (what == "push_online") {
    auto online = body.find("online");
    if (online == body.end() || !online->is_boolean())
      return mistake("online must be true or false");
    change.online = online->get<bool>();
  } else if (what == "push_answer") {
    auto status = number_of(body, "status", 503);
    if (status < 400 || status > 599)
      return mistake("status must be from 400 to 599");
    change.plan = push_plan{static_cast<int>(status), number_of(body, "count", 1),
                            number_of(body, "retry_after", 0)};
  } else {
    return std::nullopt;
  }
  if (!of.change_push(text_of(body, "subscription"), change))
    return mistake("there is no such subscription");
  return done("subscriptions", 1);
}

/// What an operator sets in the providers' portals.
http_response configure(world& of, const json& body) {
  auto& options = of.change_options();
  std::uint64_t count = 0;
  auto take = [&](const char* name, std::string& into) {
    if (body.contains(name)) {
      into = text_of(body, name);
      ++count;
    }
  };
  take("pubsub_push_url", options.pubsub_push_url);
  take("pubsub_audience", options.pubsub_audience);
  take("pubsub_service_account", options.pubsub_service_account);
  take("slack_events_url", options.slack_events_url);
  take("slack_signing_secret", options.slack_signing_secret);
  take("discord_events_url", options.discord_events_url);
  take("mailgun_api_key", options.mailgun_api_key);
  return done("changed", count);
}

void write_grant(world& of, platform where, const std::string& user, json_writer& out) {
  auto tokens = of.grant(where, user);
  out.field("account", of.account_name(where, user)).field("access_token", tokens.access);
  if (!tokens.refresh.empty())
    out.field("refresh_token", tokens.refresh);
  if (tokens.expires_at)
    out.field("expires_at", to_rfc3339(*tokens.expires_at));
  out.array("scopes");
  for (const auto& scope : tokens.scopes)
    out.value(scope);
  out.end();
}

http_response grant(world& of, platform where, const std::string& user) {
  json_writer out;
  write_grant(of, where, user, out);
  return json_answer(200, out.text());
}

/// {"users":["ann","ben"]}: many at once, for load.
http_response grant_all(world& of, platform where, const json& users) {
  if (users.size() > users_at_once_max)
    return mistake("at most 10000 users at once");
  json_writer out;
  out.array("grants");
  for (const auto& user : users) {
    if (!user.is_string() || user.get_ref<const std::string&>().empty())
      return mistake("users must be names");
    out.object().field("user", user.get_ref<const std::string&>());
    write_grant(of, where, user.get_ref<const std::string&>(), out);
    out.end();
  }
  out.end();
  return json_answer(200, out.text());
}

http_response act(world& of, const json& body) {
  auto what = text_of(body, "do");
  auto user = text_of(body, "user");
  if (what == "fault")
    return add_fault(of, body);
  if (what == "clear_faults") {
    of.clear_faults();
    return done("faults", 0);
  }
  if (what == "configure")
    return configure(of, body);
  if (what == "rotate_google_key") {
    of.rotate_google_key();
    return done("keys", 1);
  }
  if (what == "add_user") {
    if (user.empty())
      return mistake("user is missing");
    of.add_user(user);
    return done("users", of.users().size());
  }
  if (what == "verify_addresses" && !user.empty()) {
    of.verify_addresses(user);
    return done("users", 1);
  }
  if (auto answered = push_order(of, body, what))
    return std::move(*answered);
  auto where = platform_of(text_of(body, "platform"));
  if (!where)
    return mistake("platform must be one of spotify, youtube, github, discord, gmail, calendar, "
                   "slack, linkedin; or `do` is none of the documented actions");
  if (what == "revoke")
    return done("grants", of.revoke_grants(*where, user));
  if (what == "expire_access_tokens")
    return done("grants", of.expire_access_tokens(*where, user));
  if (what == "expire_cursors") {
    of.expire_cursors(*where, user);
    return done("platforms", 1);
  }
  if (what == "delete_registrations")
    return done("registrations", of.delete_registrations(*where, user));
  if (what == "set_rate") {
    auto rate = body.find("per_hour");
    if (rate == body.end() || !rate->is_number() || rate->get<double>() < 0)
      return mistake("per_hour must be a number");
    of.set_rate(*where, user, rate->get<double>());
    return done("platforms", 1);
  }
  if (auto users = body.find("users"); what == "grant" && users != body.end() && users->is_array())
    return grant_all(of, *where, *users);
  if (user.empty())
    return mistake("user is missing");
  if (what == "produce") {
    auto count = std::min<std::uint64_t>(number_of(body, "count", 1), 10'000);
    of.make_items(*where, user, count);
    return done("items", count);
  }
  if (what == "grant")
    return grant(of, *where, user);
  return mistake("`do` is none of the documented actions");
}

http_response produced(const world& of, const parameters& query) {
  auto where = platform_of(query.get("platform"));
  if (!where)
    return mistake("platform is missing");
  json_writer out;
  out.array("items");
  for (const auto& item : of.produced(*where, query.get("user"))) {
    out.object().field("endpoint", item.endpoint).field("at", to_rfc3339(item.at)).array("key");
    for (const auto& part : item.key)
      out.value(part);
    out.end().end();
  }
  return json_answer(200, out.text());
}

http_response users(const world& of) {
  json_writer out;
  out.array("users");
  for (const auto& name : of.users()) {
    out.object().field("name", name);
    for (auto where : all_platforms) {
      out.object(name_of(where)).field("account", of.account_name(where, name));
      out.field("items", of.produced_count(where, name));
      out.field("registrations", of.registrations(where, name)).array("resources");
      for (const auto& resource : of.resources(where, name))
        out.value(resource);
      out.end().end();
    }
    out.end();
  }
  return json_answer(200, out.text());
}

} // namespace

http_response control(world& of, const http_request& request) {
  std::string_view url = request.url;
  auto path = url.substr(0, url.find('?'));
  parameters query{path.size() < url.size() ? url.substr(path.size() + 1) : std::string_view{}};
  if (path == "/_control") {
    if (request.method != "POST")
      return empty_answer(405);
    auto body = json::parse(request.body, nullptr, false);
    return body.is_object() ? act(of, body) : mistake("the body must be a JSON object");
  }
  if (path == "/_stats")
    return json_answer(200, stats_json(of));
  if (path == "/_produced")
    return produced(of, query);
  if (path == "/_users")
    return users(of);
  if (path == "/_mails")
    return json_answer(200, of.mail_report(static_cast<std::uint64_t>(
                              std::max<std::int64_t>(0, parse_integer(query.get("after")).value_or(0)))));
  if (path == "/_push")
    return json_answer(200, of.push_report(query.get("subscription")));
  return json_answer(404, R"({"error":"see /_control, /_stats, /_produced, /_users, /_mails, /_push"})");
}

std::string stats_json(const world& of) {
  const auto& stats = of.stats();
  json_writer out;
  out.field("now", to_rfc3339(of.now())).field("users", of.users().size());
  out.field("unknown_addresses", stats.unknown_addresses);
  out.field("deliveries_waiting", of.waiting_deliveries()).object("platforms");
  for (auto where : all_platforms) {
    const auto& one = stats.of(where);
    out.object(name_of(where))
      .field("calls", one.calls)
      .field("consents", one.consents)
      .field("codes_exchanged", one.codes_exchanged)
      .field("refreshes", one.refreshes)
      .field("refreshes_refused", one.refreshes_refused)
      .field("reuse_detected", one.reuse_detected)
      .field("invalid_tokens", one.invalid_tokens)
      .field("revocations", one.revocations)
      .field("live_grants", of.live_grants(where))
      .field("registrations", of.registrations(where, {}))
      .field("deliveries", one.deliveries)
      .field("accepted", one.accepted)
      .field("failed", one.failed)
      .field("lost", one.lost)
      .object("endpoints");
    for (const auto& [key, endpoint] : stats.endpoints) {
      if (key.first != where)
        continue;
      out.object(key.second)
        .field("calls", endpoint.calls)
        .field("good", endpoint.good)
        .field("not_modified", endpoint.not_modified)
        .field("limited", endpoint.limited)
        .field("refused", endpoint.refused)
        .field("broken", endpoint.broken)
        .end();
    }
    out.end().end();
  }
  out.end().object("faults");
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    auto kind = static_cast<fault_kind>(i);
    if (auto struck = of.faults_struck(kind); struck != 0)
      out.field(name_of(kind), struck);
  }
  return out.text();
}

} // namespace lapwing::sim
