#include "platforms/spec_checks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platforms/builtin.hpp"

namespace lapwing {
namespace {

/// Collects mistakes; one method for each group of keys.
class checker {
public:
  checker(const platform_spec& platform,
          const std::function<std::string(std::string_view)>& where)
      : platform_(platform), where_(where) {}

  std::vector<config_mistake> run() {
    check_poll();
    for (const auto& endpoint : platform_.poll.endpoints)
      check_endpoint(endpoint);
    check_oauth();
    check_limits();
    check_webhook();
    check_registration();
    return std::move(mistakes_);
  }

private:
  void add(std::string key, std::string problem, std::string remedy) {
    auto where = where_(key);
    mistakes_.push_back(
        {std::move(where), std::move(key), std::move(problem), std::move(remedy)});
  }

  void check_oauth() {
    const auto& oauth = platform_.oauth;
    const auto& revocation = oauth.revocation;
    if (oauth.scope_separator.empty())
      add("oauth.scope_separator", "is empty", "give one character, such as \" \" or \",\"");
    if (oauth.scope_param.empty())
      add("oauth.scope_param", "is empty", "give the name of the parameter");
    if (revocation.json && revocation.bearer)
      add("oauth.revocation.bearer", "goes against json", "give one of the two");
    const std::vector<std::string>* lists[] = {&oauth.reauth_errors, &oauth.config_errors,
                                               &oauth.transient_errors};
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = a + 1; b < 3; ++b)
        for (const auto& code : *lists[a])
          if (std::ranges::find(*lists[b], code) != lists[b]->end())
            add("oauth.reauth_errors",
                fmt::format("{} stands in two lists of errors", code), "give each error one class");
    if (oauth.keep_alive && oauth.grant_lifetime && *oauth.keep_alive >= *oauth.grant_lifetime)
      add("oauth.keep_alive", "is not shorter than grant_lifetime", "give a shorter one");
  }

  void check_poll() {
    const auto& poll = platform_.poll;
    const bool every = poll.schedule.interval.count() != 0;
    if (every && !poll.schedule.cron.empty())
      add("poll.cron", "goes against interval", "give one of the two");
    for (const auto& endpoint : poll.endpoints) {
      const bool own = endpoint.schedule.has_value();
      if (!own && !every && poll.schedule.cron.empty()) {
        add("poll.interval", "is missing: nothing says when to ask",
            "give interval = \"4h\" or cron = \"0 */4 * * *\" in [poll]");
        break;
      }
    }
    if (poll.interval_min > poll.interval_max)
      add("poll.interval_min", "is longer than interval_max", "give a shorter one");
    for (auto at = poll.endpoints.begin(); at != poll.endpoints.end(); ++at)
      if (!at->id.empty()
          && std::ranges::find(poll.endpoints.begin(), at, at->id, &endpoint_spec::id) != at)
        add("poll.endpoints.id", fmt::format("{} is the id of two endpoints", at->id),
            "give each an id of its own");
  }

  void check_endpoint(const endpoint_spec& endpoint) {
    const auto name = [&](std::string_view key) { return fmt::format("poll.endpoints.{}", key); };
    const auto refuse = [&](std::string_view key, std::string_view problem, std::string remedy) {
      add(name(key), fmt::format("of {} {}", endpoint.id, problem), std::move(remedy));
    };
    if (endpoint.schedule && endpoint.schedule->interval.count() != 0
        && !endpoint.schedule->cron.empty())
      refuse("cron", "goes against interval", "give one of the two");
    if (endpoint.cursor == cursor_style::value
        && (endpoint.next_cursor.empty() || endpoint.cursor_param.empty()))
      refuse("cursor", "needs next_cursor and cursor_param",
             "say where the cursor is and how it is sent");
    if (endpoint.cursor == cursor_style::newest_field
        && (endpoint.next_cursor.empty() || endpoint.cursor_param.empty()))
      refuse("cursor", "needs next_cursor and cursor_param",
             "say which field of an item it is and how it is sent");
    if (endpoint.cursor == cursor_style::newest_key && endpoint.key.empty())
      refuse("cursor", "needs key", "say what names an item");
    if (endpoint.cursor == cursor_style::none && !endpoint.cursor_param.empty())
      refuse("cursor_param", "has no cursor", "give next_cursor too");
    if (endpoint.pages == page_style::token
        && (endpoint.next_page.empty() || endpoint.page_param.empty()))
      refuse("pages", "needs next_page and page_param",
             "say where the next page's token is and how it is sent");
    if (endpoint.pages != page_style::token && !endpoint.page_param.empty())
      refuse("page_param", "has no token", "give next_page too");
    if (endpoint.start_url.empty() != endpoint.start_cursor.empty())
      refuse("start_url", "goes with start_cursor", "give both or none");
    if (!endpoint.start_url.empty() && endpoint.cursor != cursor_style::value)
      refuse("start_url", "needs a cursor that is sent", "give cursor = \"value\"");
    if (endpoint.first_sync_url.empty() && !endpoint.first_sync_items.empty())
      refuse("first_sync_items", "has no first_sync_url", "give both or none");
    check_resources("poll.endpoints.resources_from", endpoint.resources, endpoint.resources_from,
                    endpoint.url, endpoint.id);
  }

  /// {resource} in `url` and where its values come from belong together.
  void check_resources(const std::string& key, const std::vector<std::string>& fixed,
                       const std::string& from, std::string_view url, std::string_view self) {
    if (!fixed.empty() && !from.empty())
      return add(key, "goes against resources", "give one of the two");
    const bool asked = url.find("{resource}") != url.npos;
    const bool known = !fixed.empty() || !from.empty();
    if (asked && !known)
      return add(key, "is missing: nothing says what {resource} stands for",
                 "give resources = [...] or resources_from = \"endpoint.path\"");
    if (!asked && known)
      return add(key, "has no {resource} to stand for", "write {resource} into the url");
    if (from.empty())
      return;
    const auto dot = from.find('.');
    const auto endpoint = from.substr(0, dot);
    const auto& all = platform_.poll.endpoints;
    if (dot == from.npos || endpoint == self
        || std::ranges::find(all, endpoint, &endpoint_spec::id) == all.end())
      add(key, fmt::format("does not name another endpoint: {}", endpoint),
          "give \"endpoint.path\" with the id of an endpoint of this file");
  }

  void check_limits() {
    if (platform_.limits.user_gap_min > platform_.limits.user_gap_max)
      add("limits.user_gap_min", "is longer than user_gap_max", "give a shorter one");
  }

  void check_webhook() {
    const auto& webhook = platform_.webhook;
    if (webhook.scheme == "hmac-sha256" && webhook.header.empty())
      add("webhook.header", "is missing", "give the header that holds the signature");
    if (webhook.scheme != "hmac-sha256" && (!webhook.header.empty() || !webhook.prefix.empty()))
      add("webhook.header", "belongs to scheme hmac-sha256", "leave header and prefix out");
    for (const auto& id : webhook.covers)
      if (std::ranges::find(platform_.poll.endpoints, id, &endpoint_spec::id)
          == platform_.poll.endpoints.end())
        add("webhook.covers", fmt::format("names no endpoint of this file: {}", id),
            "give the ids of [[poll.endpoints]]");
    if (webhook.scheme.empty() || is_builtin(platform_.name.str()))
      return;
    if (webhook.scheme == "google-oidc" || webhook.scheme == "linkedin")
      add("webhook.scheme", fmt::format("{} serves only the platform that ships with it", webhook.scheme),
          "give one that a secret of this file can check, such as \"standard-webhooks\"");
    else if (webhook.secret.empty())
      add("webhook.secret", "is missing: no delivery could be checked",
          "give the secret that the platform shows, or \"file:/path\"");
  }

  void check_registration() {
    const auto& registration = platform_.registration;
    if (registration.style == registration_style::none)
      return;
    if (registration.url.empty())
      add("registration.url", "is missing", "give the address that registers");
    if ((registration.style == registration_style::gmail
         || registration.style == registration_style::websub)
        && registration.topic.empty())
      add("registration.topic", "is missing", "give the topic");
    if (registration.lifetime.count() != 0 && registration.renew_before >= registration.lifetime)
      add("registration.renew_before", "is not shorter than lifetime", "give a shorter one");
    if (!registration.resources_if.empty() && registration.resources_from.empty())
      add("registration.resources_if", "has no resources_from", "give both or none");
    check_resources("registration.resources_from", registration.resources,
                    registration.resources_from, registration.url + registration.topic, "");
  }

  const platform_spec& platform_;
  const std::function<std::string(std::string_view)>& where_;
  std::vector<config_mistake> mistakes_;
};

} // namespace

void complete(platform_spec& platform) {
  if (platform.title.empty())
    platform.title = platform.name.str();
  for (auto& endpoint : platform.poll.endpoints) {
    if (endpoint.cursor == cursor_style::none && !endpoint.next_cursor.empty())
      endpoint.cursor = cursor_style::value;
    if (endpoint.pages == page_style::none && !endpoint.next_page.empty())
      endpoint.pages = page_style::token;
  }
}

std::vector<config_mistake> check(const platform_spec& platform,
                                  const std::function<std::string(std::string_view)>& where) {
  return checker{platform, where}.run();
}

} // namespace lapwing
