#include "platforms/oauth/token_answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "platforms/limits/http_date.hpp"
#include "platforms/oauth/text_forms.hpp"

namespace lapwing {
namespace {

using json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Guesses: the largest tokens seen (Google, JWTs) have two or three kilobytes.
constexpr std::size_t token_bytes_max = 8 * 1024;
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::size_t scopes_bytes_max = 4 * 1024;
constexpr std::size_t account_bytes_max = 256;
constexpr milliseconds retry_after_max = std::chrono::hours{24};
constexpr double lifetime_seconds_max = 10.0 * 365 * 86'400;

bool contains(const std::vector<std::string>& list, std::string_view code) {
  return std::ranges::find(list, code) != list.end();
}

/// The body as an object: JSON, or a form (GitHub, when `Accept` got lost).
json read_body(std::string_view body) {
  if (body.size() > answer_bytes_max)
    return nullptr;
  auto value = json::parse(body, nullptr, false);
  if (value.is_object())
    return value;
  if (!value.is_discarded())
    return nullptr;
  const auto members = oauth_text::parse_form(body);
  if (!members || members->empty())
    return nullptr;
  json out = json::object();
  for (const auto& [name, text] : *members)
    out[name] = text;
  return out;
}

/// The value at "a.b" or "items.0.id"; null when there is none.
const json* find(const json& root, std::string_view path) {
  const json* at = &root;
  while (!path.empty()) {
    const auto end = std::min(path.find('.'), path.size());
    const auto name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (at->is_object()) {
      const auto found = at->find(std::string{name});
      if (found == at->end())
        return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [stop, failure] = std::from_chars(name.data(), name.data() + name.size(), index);
      if (failure != std::errc{} || stop != name.data() + name.size() || index >= at->size())
        return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// Fit for a header: printable and without spaces (RFC 6750 2.1).
bool token_text(std::string_view text) {
  return !text.empty() && text.size() <= token_bytes_max
         && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

/// "expires_in" and its like: a number, or digits as text. Not positive and absurd ones say
/// nothing.
std::optional<milliseconds> lifetime(const json* value) {
  if (!value)
    return {};
  double count = 0;
  if (value->is_number()) {
    count = value->get<double>();
  } else if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (failure != std::errc{} || end != text.data() + text.size())
      return {};
  }
  if (!std::isfinite(count) || count <= 0)
    return {};
  return milliseconds{
      static_cast<milliseconds::rep>(std::min(count, lifetime_seconds_max) * 1000)};
}

/// Separated by spaces or commas, or a list: with one space between any two.
std::string scopes(const json* value) {
  std::string out;
  const auto append = [&](std::string_view text) {
    for (const char c : text) {
      if (c != ' ' && c != ',') {
        if (c > 0x20 && c < 0x7f)
          out += c;
      } else if (!out.empty() && out.back() != ' ') {
        out += ' ';
      }
    }
    if (!out.empty() && out.back() != ' ')
      out += ' ';
  };
  if (value && value->is_string())
    append(value->get_ref<const std::string&>());
  else if (value && value->is_array())
    for (const auto& item : *value)
      if (item.is_string())
        append(item.get_ref<const std::string&>());
  if (!out.empty())
    out.pop_back();
  if (out.size() > scopes_bytes_max)
    out.resize(out.rfind(' ', scopes_bytes_max));
  return out;
}

/// A provider's name of an error, made safe to log and to store.
std::string code_text(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '-';
  });
  return fits ? std::string{text} : std::string{"unnamed_error"};
}

/// Text or a whole number; "" for anything else, and for what has no place in a log line.
std::string account_text(const json* value) {
  std::string out;
  if (value && value->is_string())
    out = value->get<std::string>();
  else if (value && value->is_number_integer())
    out = value->dump();
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return out.size() <= account_bytes_max && std::ranges::none_of(out, control) ? out
                                                                             : std::string{};
}

/// The error's name in the body; "" when it tells of none. Slack: {"ok":false,"error":"..."}.
std::string_view error_in(const json& body) {
  if (const auto* error = member(body, "error")) {
    if (error->is_string())
      return error->get_ref<const std::string&>();
    return "unnamed_error";
  }
  const auto* ok = member(body, "ok");
  return ok && ok->is_boolean() && !ok->get<bool>() ? std::string_view{"unnamed_error"}
                                                    : std::string_view{};
}

token_failure_kind kind_of(const oauth_spec& oauth, std::string_view code) {
  if (contains(oauth.reauth_errors, code))
    return token_failure_kind::reauthorise;
  if (contains(oauth.config_errors, code))
    return token_failure_kind::configuration;
  if (contains(oauth.transient_errors, code))
    return token_failure_kind::transient;
  // RFC 6749 5.2 and 4.1.2.1, for what a file does not say.
  constexpr std::array<std::string_view, 5> configuration{"invalid_client", "unauthorized_client",
                                                          "unsupported_grant_type",
                                                          "invalid_scope", "redirect_uri_mismatch"};
  constexpr std::array<std::string_view, 2> transient{"temporarily_unavailable", "server_error"};
  if (code == "invalid_grant")
    return token_failure_kind::reauthorise;
  if (std::ranges::find(configuration, code) != configuration.end())
    return token_failure_kind::configuration;
  if (std::ranges::find(transient, code) != transient.end())
    return token_failure_kind::transient;
  return token_failure_kind::unknown;
}

token_outcome read_tokens(const platform_spec& platform, const json& body, timestamp now) {
  const token_failure unreadable{token_failure_kind::transient, "unreadable_answer", {}};
  const json* at = find(body, platform.oauth.token_path);
  // Slack's answer to a refresh of a person's tokens has them at the top and says so; without that
  // word what is there belongs to the bot.
  const auto* type = member(body, "token_type");
  const bool nested = at && at->is_object() && member(*at, "access_token");
  if (!nested && type && *type == "user")
    at = &body;
  if (!at || !at->is_object())
    return unreadable;
  const auto* access = member(*at, "access_token");
  if (!access || !access->is_string() || !token_text(access->get_ref<const std::string&>()))
    return unreadable;
  token_answer out;
  out.tokens.access_token = access->get<std::string>();
  if (const auto* refresh = member(*at, "refresh_token");
      refresh && refresh->is_string() && token_text(refresh->get_ref<const std::string&>()))
    out.tokens.refresh_token = refresh->get<std::string>();
  if (const auto life = lifetime(member(*at, "expires_in")))
    out.tokens.expires_at = now + *life;
  if (const auto life = lifetime(member(*at, "refresh_token_expires_in")))
    out.tokens.grant_expires_at = now + *life;
  out.tokens.scopes = scopes(member(*at, "scope"));
  if (platform.account_url.empty() && !platform.account_path.empty())
    out.account = account_text(find(body, platform.account_path));
  return out;
}

} // namespace

std::string_view to_string_view(token_failure_kind kind) noexcept {
  switch (kind) {
    case token_failure_kind::reauthorise: return "reauthorise";
    case token_failure_kind::configuration: return "configuration";
    case token_failure_kind::transient: return "transient";
    case token_failure_kind::unknown: return "unknown";
  }
  return "unknown";
}

token_outcome read_token_answer(const platform_spec& platform, const http_response& response,
                                timestamp now) {
  const int status = response.status;
  const auto retry_after = parse_retry_after(response.header("Retry-After"), now);
  // Whatever such an answer says, it is about the server's health and not about the grant.
  if (status >= 500 || status == 429 || status == 408 || status < 200)
    return token_failure{token_failure_kind::transient, fmt::format("http_{}", status),
                         retry_after};
  if (status >= 300 && status < 400)
    return token_failure{token_failure_kind::configuration, "redirected", retry_after};
  const auto body = read_body(response.body);
  const auto error = body.is_object() ? error_in(body) : std::string_view{};
  if (!error.empty())
    return token_failure{kind_of(platform.oauth, error), code_text(error), retry_after};
  if (status >= 400)
    return token_failure{token_failure_kind::unknown, fmt::format("http_{}", status), retry_after};
  if (!body.is_object())
    return token_failure{token_failure_kind::transient, "unreadable_answer", retry_after};
  return read_tokens(platform, body, now);
}

token_outcome read_token_answer(const platform_spec& platform,
                                const result<http_response>& response, timestamp now) {
  if (response)
    return read_token_answer(platform, *response, now);
  const auto code = response.error().code;
  return token_failure{token_failure_kind::transient,
                       code == errc::upstream_refused    ? "not_sent"
                       : code == errc::payload_too_large ? "unreadable_answer"
                                                         : "unreachable",
                       {}};
}

std::optional<timestamp> grant_end(const oauth_spec& oauth, const token_set& tokens,
                                   timestamp granted_at) {
  if (!oauth.refreshable || tokens.refresh_token.empty())
    return tokens.expires_at;
  if (tokens.grant_expires_at)
    return tokens.grant_expires_at;
  if (oauth.grant_lifetime)
    return granted_at + *oauth.grant_lifetime;
  return {};
}

std::vector<std::string> missing_scopes(const oauth_spec& oauth, const token_set& tokens) {
  std::vector<std::string> out;
  if (tokens.scopes.empty())
    return out;
  const auto granted = " " + tokens.scopes + " ";
  for (const auto& scope : oauth.scopes)
    if (granted.find(" " + scope + " ") == granted.npos)
      out.push_back(scope);
  return out;
}

result<std::string> read_account(const platform_spec& platform, const http_response& response) {
  if (response.status != 200)
    return error{errc::upstream_unavailable,
                 fmt::format("the account was answered with status {}", response.status)};
  const auto body = json::parse(response.body, nullptr, false);
  auto name = body.is_discarded() ? std::string{}
                                  : account_text(find(body, platform.account_path));
  if (name.empty())
    return error{errc::upstream_unavailable, "the answer names no account"};
  return name;
}

std::optional<milliseconds> parse_retry_after(std::string_view value, timestamp now) {
  std::uint32_t count = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (failure == std::errc{} && end == value.data() + value.size())
    return std::min<milliseconds>(seconds{count}, retry_after_max);
  const auto at = parse_http_date(value);
  if (!at)
    return {};
  return std::clamp<milliseconds>(*at - now, milliseconds{0}, retry_after_max);
}

} // namespace lapwing
