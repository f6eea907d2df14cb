#include "platforms/spec_keys.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/values.hpp"
#include "platforms/spec_rules.hpp"

namespace lapwing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

/// A key as it is written below, one property after the other.
struct key_of : spec_key {
  key_of(std::string_view key_name, spec_ref (*key_member)(const spec_scope&),
         std::string_view key_doc)
      : spec_key{key_name, key_doc, key_member, nullptr, {}, 0, 0, false, false} {}

  key_of&& must() && {
    needed = true;
    return std::move(*this);
  }
  key_of&& fits(const text_rule& what) && {
    rule = &what;
    return std::move(*this);
  }
  key_of&& one_of(std::vector<std::string_view> words) && {
    choices = std::move(words);
    return std::move(*this);
  }
  key_of&& range(std::uint64_t lowest, std::uint64_t highest) && {
    min = lowest;
    max = highest;
    return std::move(*this);
  }
  key_of&& range(milliseconds lowest, milliseconds highest) && {
    return std::move(*this).range(static_cast<std::uint64_t>(lowest.count()),
                                  static_cast<std::uint64_t>(highest.count()));
  }
  key_of&& hidden() && {
    secret = true;
    return std::move(*this);
  }
};

#define LAPWING_SPEC(name, member)                                                                 \
  #name, [](const spec_scope& at) -> spec_ref { return &at.member; }

constexpr seconds day{86'400};

schedule_spec& own_schedule(endpoint_spec& endpoint) {
  if (!endpoint.schedule)
    endpoint.schedule.emplace();
  return *endpoint.schedule;
}

std::vector<spec_section> make_sections() {
  std::vector<spec_section> out;
  const auto section = [&](std::string_view path, std::string_view doc, auto... keys) -> auto& {
    auto& made = out.emplace_back(spec_section{path, doc, {}});
    (made.keys.push_back(std::move(keys)), ...);
    return made;
  };

  section(
      "", "Stands at the top of the file, before any table.",
      key_of{LAPWING_SPEC(name, platform.name), "In routes, logs and variables."}
          .must()
          .fits(platform_name_rule),
      key_of{LAPWING_SPEC(title, platform.title), "For people; the name when it is not given."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(account_url, platform.account_url),
             "Asked once after consent, for the person's name over there."}
          .fits(provider_url_rule),
      key_of{LAPWING_SPEC(account_path, platform.account_path),
             "Where the name is in that answer, or in the token endpoint's without account_url."}
          .fits(json_path_rule),
      key_of{LAPWING_SPEC(reconcile, platform.reconcile),
             "How missed deliveries are found besides polling."}
          .one_of({"github-deliveries"}),
      key_of{LAPWING_SPEC(reconcile_every, platform.reconcile_every), "How often that is done."}
          .range(seconds{60}, 3 * day));

  section(
      "oauth", "How people connect, and how their tokens stay fresh (RFC 6749, 7636).",
      key_of{LAPWING_SPEC(authorize_url, platform.oauth.authorize_url),
             "Where the browser goes for consent."}
          .must()
          .fits(provider_url_rule),
      key_of{LAPWING_SPEC(token_url, platform.oauth.token_url),
             "Where codes and refresh tokens become access tokens."}
          .must()
          .fits(provider_url_rule),
      key_of{LAPWING_SPEC(client_auth, platform.oauth.authentication),
             "How the client shows its id and secret at the token endpoint."},
      key_of{LAPWING_SPEC(client_env, platform.oauth.client_env),
             "\"GOOGLE\": GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET serve without NAME_CLIENT_ID."}
          .fits(variable_prefix_rule),
      key_of{LAPWING_SPEC(pkce, platform.oauth.pkce), "Send an S256 code challenge."},
      key_of{LAPWING_SPEC(scopes, platform.oauth.scopes), "What is asked for."}.fits(
          plain_text_rule),
      key_of{LAPWING_SPEC(scope_param, platform.oauth.scope_param),
             "The parameter that carries them."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(scope_separator, platform.oauth.scope_separator),
             "What stands between two of them."}
          .fits(separator_rule),
      key_of{LAPWING_SPEC(authorize_params, platform.oauth.authorize_params),
             "Further parameters of the authorize address."},
      key_of{LAPWING_SPEC(token_path, platform.oauth.token_path),
             "Member of the token answer that holds the tokens; the top when it is not given."}
          .fits(json_path_rule),
      key_of{LAPWING_SPEC(reauth_errors, platform.oauth.reauth_errors),
             "Errors after which the person must connect again."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(config_errors, platform.oauth.config_errors),
             "Errors that the operator must mend; people stay connected."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(transient_errors, platform.oauth.transient_errors),
             "Errors that pass, besides network failures, 429 and 5xx."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(refreshable, platform.oauth.refreshable),
             "False: tokens are never refreshed, whatever the answer holds."},
      key_of{LAPWING_SPEC(grant_lifetime, platform.oauth.grant_lifetime),
             "From consent to the end of refreshing; people are warned before."}
          .range(seconds{3600}, 3650 * day),
      key_of{LAPWING_SPEC(keep_alive, platform.oauth.keep_alive),
             "Refresh at least so often, because unused grants die; half of the provider's limit."}
          .range(day, 3650 * day))
      .needed = true;

  section(
      "oauth.revocation", "Asked when a person disconnects (RFC 7009).",
      key_of{LAPWING_SPEC(url, platform.oauth.revocation.url),
             "May hold {client_id}; none when it is not given."}
          .fits(provider_url_rule),
      key_of{LAPWING_SPEC(method, platform.oauth.revocation.method), "HTTP method."}.fits(
          method_rule),
      key_of{LAPWING_SPEC(token_param, platform.oauth.revocation.token_param),
             "Form member, or JSON member with json, that holds the token."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(json, platform.oauth.revocation.json),
             "A JSON body and HTTP Basic client authentication (GitHub)."},
      key_of{LAPWING_SPEC(bearer, platform.oauth.revocation.bearer),
             "The access token authenticates its own end (Slack)."});

  section("poll", "When the platform is asked; one of interval and cron.",
          key_of{LAPWING_SPEC(interval, platform.poll.schedule.interval), "Time between two polls."}
              .range(seconds{1}, 30 * day),
          key_of{LAPWING_SPEC(cron, platform.poll.schedule.cron), "Times of polls, in UTC."}.fits(
              cron_rule),
          key_of{LAPWING_SPEC(interval_min, platform.poll.interval_min),
                 "Never oftener, even when somebody watches or webhooks went quiet."}
              .range(seconds{1}, 30 * day),
          key_of{LAPWING_SPEC(interval_max, platform.poll.interval_max),
                 "Never rarer, even when nobody looks or the budget is low."}
              .range(seconds{1}, 30 * day));

  auto& endpoints = section(
      "poll.endpoints", "One address that is asked; as many as there are.",
      key_of{LAPWING_SPEC(id, endpoint.id), "Becomes data_type, and dataType of the event."}
          .must()
          .fits(endpoint_id_rule),
      key_of{LAPWING_SPEC(url, endpoint.url), "May hold {account} and {resource}."}.must().fits(
          provider_url_rule),
      key_of{LAPWING_SPEC(method, endpoint.method), "HTTP method."}.fits(method_rule),
      key_of{LAPWING_SPEC(params, endpoint.params), "Parameters of the query, always sent."},
      key_of{LAPWING_SPEC(headers, endpoint.headers), "Headers, always sent."},
      key_of{LAPWING_SPEC(items, endpoint.items),
             "Path of the list in the answer; the answer itself when it is not given. \"a[].b\" "
             "walks through every element of a."}
          .fits(items_path_rule),
      key_of{LAPWING_SPEC(key, endpoint.key),
             "Paths whose values name an item for ever; without them a digest of the item does."}
          .fits(json_path_rule),
      key_of{LAPWING_SPEC(ignored, endpoint.ignored), "Paths that digests leave out."}.fits(
          json_path_rule),
      key_of{LAPWING_SPEC(cursor, endpoint.cursor),
             "What is kept to go on from; value when next_cursor and cursor_param are given."},
      key_of{LAPWING_SPEC(next_cursor, endpoint.next_cursor),
             "Path of the cursor in the answer (newest_field: in an item)."}
          .fits(json_path_rule),
      key_of{LAPWING_SPEC(cursor_param, endpoint.cursor_param), "Parameter it is sent as."}.fits(
          plain_text_rule),
      key_of{LAPWING_SPEC(pages, endpoint.pages),
             "How a next page is found; token when next_page is given."},
      key_of{LAPWING_SPEC(next_page, endpoint.next_page),
             "Path of the next page's token in the answer."}
          .fits(json_path_rule),
      key_of{LAPWING_SPEC(page_param, endpoint.page_param), "Parameter it is sent as."}.fits(
          plain_text_rule),
      key_of{LAPWING_SPEC(etag, endpoint.etag), "Ask with If-None-Match; 304 is nothing new."},
      key_of{LAPWING_SPEC(resync_status, endpoint.resync_status),
             "Status that says the cursor is gone: start over; 0 none."}
          .range(0, 599),
      key_of{LAPWING_SPEC(empty_status, endpoint.empty_status),
             "Status that says there is nothing; 0 none."}
          .range(0, 599),
      key_of{LAPWING_SPEC(start_url, endpoint.start_url),
             "Asked before the first sync for the cursor, so that nothing is lost between."}
          .fits(provider_url_rule),
      key_of{LAPWING_SPEC(start_cursor, endpoint.start_cursor), "Path of the cursor there."}.fits(
          json_path_rule),
      key_of{LAPWING_SPEC(first_sync_url, endpoint.first_sync_url),
             "Asked instead of url while there is no cursor."}
          .fits(provider_url_rule),
      key_of{LAPWING_SPEC(first_sync_items, endpoint.first_sync_items),
             "Path of the list in its answer."}
          .fits(items_path_rule),
      key_of{LAPWING_SPEC(first_sync_params, endpoint.first_sync_params),
             "Parameters of the query of a first sync."},
      key_of{LAPWING_SPEC(first_sync_items_max, endpoint.first_sync_items_max),
             "A first sync stores no more than that."}
          .range(1, 100'000),
      key_of{LAPWING_SPEC(pages_max, endpoint.pages_max),
             "Pages of one poll; the rest comes with the next one."}
          .range(1, 10'000),
      key_of{"interval",
             [](const spec_scope& at) -> spec_ref { return &own_schedule(at.endpoint).interval; },
             "Time between two polls, where it differs from the platform's."}
          .range(seconds{1}, 30 * day),
      key_of{"cron",
             [](const spec_scope& at) -> spec_ref { return &own_schedule(at.endpoint).cron; },
             "Times of polls in UTC, where they differ from the platform's."}
          .fits(cron_rule),
      key_of{LAPWING_SPEC(resources, endpoint.resources), "Asked once with each as {resource}."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(resources_from, endpoint.resources_from),
             "\"channels.id\": asked once with each id that the endpoint channels brought."}
          .fits(json_path_rule));
  endpoints.repeated = true;

  section(
      "limits", "How the platform tells its rate limits, and what we keep to by ourselves.",
      key_of{LAPWING_SPEC(limit_header, platform.limits.limit_header), "Requests per window."}.fits(
          header_name_rule),
      key_of{LAPWING_SPEC(remaining_header, platform.limits.remaining_header),
             "Requests left in the window."}
          .fits(header_name_rule),
      key_of{LAPWING_SPEC(reset_header, platform.limits.reset_header),
             "End of the window in unix seconds, decimals allowed."}
          .fits(header_name_rule),
      key_of{LAPWING_SPEC(reset_after_header, platform.limits.reset_after_header),
             "Seconds to the end of the window, decimals allowed."}
          .fits(header_name_rule),
      key_of{LAPWING_SPEC(bucket_header, platform.limits.bucket_header),
             "Name of the bucket that the request counted in."}
          .fits(header_name_rule),
      key_of{LAPWING_SPEC(retry_after_json, platform.limits.retry_after_json),
             "Path of the seconds to wait in the body of a 429."}
          .fits(json_path_rule),
      key_of{LAPWING_SPEC(poll_interval_header, platform.limits.poll_interval_header),
             "Seconds that the platform wants between two polls of an endpoint."}
          .fits(header_name_rule),
      key_of{LAPWING_SPEC(quota_reasons, platform.limits.quota_reasons),
             "A 403 with such a reason: closed until the daily reset."}
          .fits(plain_text_rule),
      key_of{LAPWING_SPEC(quota_zone, platform.limits.quota_zone),
             "Time zone whose midnight that reset is."}
          .fits(zone_rule),
      key_of{LAPWING_SPEC(refusal_reach, platform.limits.refusal_reach),
             "Whom a refusal stops that does not say it itself; not given: the endpoint where "
             "requests_per_minute is set, otherwise the token when the answer tells of its window, "
             "otherwise the application."},
      key_of{LAPWING_SPEC(owner, platform.limits.owner),
             "Whose requests count together: each user's connection, or all connections to one "
             "account (Slack's workspace)."},
      key_of{LAPWING_SPEC(concurrency, platform.limits.concurrency),
             "Polls under way at a time, per application."}
          .range(1, 1000),
      key_of{LAPWING_SPEC(user_gap_min, platform.limits.user_gap_min),
             "Shortest rest between two users, for each poll under way."}
          .range(milliseconds{0}, seconds{3600}),
      key_of{LAPWING_SPEC(user_gap_max, platform.limits.user_gap_max),
             "Longest rest between two users."}
          .range(milliseconds{0}, seconds{3600}),
      key_of{LAPWING_SPEC(requests_per_minute, platform.limits.requests_per_minute),
             "Per token, where the platform names a number; not given: none."}
          .range(1, 100'000));

  section("webhook", "How its deliveries are checked.",
          key_of{LAPWING_SPEC(scheme, platform.webhook.scheme), "Verification scheme."}
              .must()
              .one_of({"standard-webhooks", "hmac-sha256", "ed25519", "github", "slack",
                       "google-oidc", "channel-token", "websub", "linkedin"}),
          key_of{LAPWING_SPEC(secret, platform.webhook.secret),
                 "Secret or public key; the eight that ship have theirs in [webhooks]."}
              .hidden(),
          key_of{LAPWING_SPEC(header, platform.webhook.header),
                 "hmac-sha256: header that holds the signature."}
              .fits(header_name_rule),
          key_of{LAPWING_SPEC(prefix, platform.webhook.prefix),
                 "hmac-sha256: text before the digest, such as \"sha256=\"."}
              .fits(plain_text_rule),
          key_of{LAPWING_SPEC(encoding, platform.webhook.encoding), "hmac-sha256: of the digest."}
              .one_of({"hex", "base64"}),
          key_of{LAPWING_SPEC(quiet_after, platform.webhook.quiet_after),
                 "Without a delivery for so long, although polls found news, webhooks are doubted."}
              .range(seconds{1}, 365 * day),
          key_of{LAPWING_SPEC(covers, platform.webhook.covers),
                 "Endpoints whose news its deliveries tell of: polled less often while they come."}
              .fits(plain_text_rule),
          key_of{LAPWING_SPEC(ends_grant, platform.webhook.ends_grant),
                 "Events that say the grant may have ended: the token is tried at once."}
              .fits(plain_text_rule));

  section("registration", "How the platform is asked to send webhooks.",
          key_of{LAPWING_SPEC(style, platform.registration.style), "Whose protocol."},
          key_of{LAPWING_SPEC(url, platform.registration.url), "May hold {resource}."}.fits(
              provider_url_rule),
          key_of{LAPWING_SPEC(events, platform.registration.events), "Events that are asked for."}
              .fits(plain_text_rule),
          key_of{LAPWING_SPEC(topic, platform.registration.topic),
                 "Pub/Sub topic with {project}, or WebSub feed with {resource}."}
              .fits(plain_text_rule),
          key_of{LAPWING_SPEC(lifetime, platform.registration.lifetime),
                 "Asked for, and assumed when the answer does not say; 0s: it does not end."}
              .range(milliseconds{0}, 3650 * day),
          key_of{LAPWING_SPEC(renew_before, platform.registration.renew_before),
                 "So long before its end."}
              .range(milliseconds{0}, 3650 * day),
          key_of{LAPWING_SPEC(renew_every, platform.registration.renew_every),
                 "At least so often, whatever its end; 0s: by its end only."}
              .range(milliseconds{0}, 3650 * day),
          key_of{LAPWING_SPEC(resources, platform.registration.resources),
                 "Registered once for each as {resource}."}
              .fits(plain_text_rule),
          key_of{LAPWING_SPEC(resources_from, platform.registration.resources_from),
                 "\"channels.id\": once for each id that the endpoint channels brought."}
              .fits(json_path_rule),
          key_of{LAPWING_SPEC(resources_if, platform.registration.resources_if),
                 "Path in the same item: it is left out where that is there and not true."}
              .fits(json_path_rule));
  return out;
}

#undef LAPWING_SPEC

std::string duration_range(const spec_key& key) {
  const auto text = [](std::uint64_t number) {
    return format_duration(milliseconds{static_cast<milliseconds::rep>(number)});
  };
  return fmt::format("a duration from \"{}\" to \"{}\"", text(key.min), text(key.max));
}

std::string choice_text(std::span<const std::string_view> words) {
  return fmt::format("one of \"{}\"", fmt::join(words, "\", \""));
}

/// A default as it would stand in a file; empty when there is nothing to show.
std::string default_text(const spec_ref& value) {
  const auto word = [](auto* at) {
    return fmt::format("\"{}\"", words_of(*at)[static_cast<std::size_t>(*at)]);
  };
  return std::visit(
      overloaded{
          [](std::string* text) { return text->empty() ? "" : fmt::format("\"{}\"", *text); },
          [](std::vector<std::string>*) { return std::string{}; },
          [](bool* on) { return std::string{*on ? "true" : "false"}; },
          [](int* number) { return std::to_string(*number); },
          [](std::uint32_t* number) { return std::to_string(*number); },
          [](std::size_t* number) { return std::to_string(*number); },
          [](std::optional<std::uint32_t>*) { return std::string{}; },
          [](seconds* time) {
            return time->count() == 0 ? "" : fmt::format("\"{}\"", format_duration(*time));
          },
          [](milliseconds* time) { return fmt::format("\"{}\"", format_duration(*time)); },
          [](std::optional<seconds>*) { return std::string{}; },
          [](parameter_list*) { return std::string{}; },
          [](platform_id*) { return std::string{}; },
          [&](client_auth* at) { return word(at); },
          [&](page_style* at) { return word(at); },
          [&](cursor_style* at) { return word(at); },
          [&](registration_style* at) { return word(at); },
          [&](budget_owner* at) { return word(at); },
          [](std::optional<limit_reach>*) { return std::string{}; },
      },
      value);
}

} // namespace

const std::vector<spec_section>& spec_sections() {
  static const auto sections = make_sections();
  return sections;
}

std::string spec_path(std::string_view section, std::string_view name) {
  return section.empty() ? std::string{name} : fmt::format("{}.{}", section, name);
}

std::span<const std::string_view> words_of(client_auth) {
  static constexpr std::array<std::string_view, 3> words{"basic", "body", "none"};
  return words;
}

std::span<const std::string_view> words_of(page_style) {
  static constexpr std::array<std::string_view, 3> words{"none", "token", "link_header"};
  return words;
}

std::span<const std::string_view> words_of(cursor_style) {
  static constexpr std::array<std::string_view, 5> words{"none", "value", "newest_key",
                                                         "newest_field", "digest"};
  return words;
}

std::span<const std::string_view> words_of(registration_style) {
  static constexpr std::array<std::string_view, 5> words{"none", "github", "gmail", "calendar",
                                                         "websub"};
  return words;
}

std::span<const std::string_view> words_of(budget_owner) {
  static constexpr std::array<std::string_view, 2> words{"user", "account"};
  return words;
}

std::span<const std::string_view> words_of(limit_reach) {
  static constexpr std::array<std::string_view, 3> words{"endpoint", "token", "application"};
  return words;
}

std::string allowed_text(const spec_key& key, const spec_ref& value) {
  const auto text = [&] {
    if (!key.choices.empty())
      return choice_text(key.choices);
    return std::string{key.rule ? key.rule->allowed : "text"};
  };
  const auto count = [&] { return fmt::format("an integer from {} to {}", key.min, key.max); };
  const auto words = [](auto* at) { return choice_text(words_of(*at)); };
  return std::visit(
      overloaded{
          [&](std::string*) { return text(); },
          [&](std::vector<std::string>*) {
            return key.rule ? fmt::format("a list, each item {}", key.rule->allowed)
                            : std::string{"a list of texts"};
          },
          [](bool*) { return std::string{"true or false"}; },
          [&](int*) { return count(); },
          [&](std::uint32_t*) { return count(); },
          [&](std::size_t*) { return count(); },
          [&](std::optional<std::uint32_t>*) { return count(); },
          [&](seconds*) { return duration_range(key); },
          [&](milliseconds*) { return duration_range(key); },
          [&](std::optional<seconds>*) { return duration_range(key); },
          [](parameter_list*) {
            return std::string{"a table of texts, integers and switches, such as { limit = 50 }"};
          },
          [&](platform_id*) { return text(); },
          [&](client_auth* at) { return words(at); },
          [&](page_style* at) { return words(at); },
          [&](cursor_style* at) { return words(at); },
          [&](registration_style* at) { return words(at); },
          [&](budget_owner* at) { return words(at); },
          [](std::optional<limit_reach>*) { return choice_text(words_of(limit_reach{})); },
      },
      value);
}

std::string spec_reference_markdown() {
  platform_spec platform;
  endpoint_spec endpoint;
  const spec_scope scratch{platform, endpoint};
  std::string out;
  for (const auto& section : spec_sections()) {
    out += section.path.empty() ? "### The top\n"
           : section.repeated   ? fmt::format("### [[{}]]\n", section.path)
                                : fmt::format("### [{}]\n", section.path);
    out += fmt::format("\n{}\n\n| key | default | meaning | allowed |\n| --- | --- | --- | --- |\n",
                       section.doc);
    for (const auto& key : section.keys) {
      const auto value = key.member(scratch);
      const auto initial = key.needed ? "needed" : default_text(value);
      out += fmt::format("| `{}` | {} | {} | {}{} |\n", key.name,
                         key.needed || initial.empty() ? initial : fmt::format("`{}`", initial),
                         key.doc, allowed_text(key, value),
                         key.secret ? ", or `file:/path`; never shown" : "");
    }
    out += "\n";
  }
  out.pop_back();
  return out;
}

} // namespace lapwing
