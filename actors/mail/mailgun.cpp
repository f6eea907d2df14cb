#include "actors/mail/mailgun.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "platforms/limits/http_date.hpp"
#include "platforms/oauth/text_forms.hpp"

namespace lapwing {
namespace {

using namespace std::chrono_literals;
using json = nlohmann::json;
using meaning = mail_verdict::meaning;

/// Longer is a mistake of somebody's.
constexpr std::chrono::milliseconds retry_after_max = 1h;
/// Of a user at Supabase Auth, with all the identities it may have; Mailgun's are short.
constexpr std::size_t answer_bytes_max = 256 * 1024;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// RFC 9110 10.2.3: seconds or a date.
std::optional<std::chrono::milliseconds> retry_after(const http_response& answer, timestamp now) {
  const auto header = answer.header("retry-after");
  auto wait = parse_seconds(header);
  if (const auto date = wait ? std::nullopt : parse_http_date(header))
    wait = *date - now;
  if (wait)
    return std::clamp<std::chrono::milliseconds>(*wait, 0ms, retry_after_max);
  return std::nullopt;
}

/// What the same status means of either service.
mail_verdict read_status(const result<http_response>& answer, timestamp now) {
  if (!answer) {
    // An address that may not be asked is the operator's business; all else may pass.
    if (answer.error().code == errc::upstream_refused)
      return {meaning::refused_us, "address_refused"};
    return {meaning::later, "no_answer"};
  }
  const auto status = answer->status;
  const auto cause = "refused_" + std::to_string(status);
  if (status >= 200 && status < 300)
    return {};
  if (status == 429)
    return {meaning::throttled, cause, retry_after(*answer, now)};
  if (status >= 500 || status == 408)
    return {meaning::later, cause, retry_after(*answer, now)};
  // A redirect, too: the address of the service is another one.
  if (status < 400 || (status >= 401 && status <= 404))
    return {meaning::refused_us, cause};
  return {meaning::refused_it, cause};
}

} // namespace

std::optional<mail> read_mail(std::string_view body) {
  const auto object = json::parse(body, nullptr, false);
  if (!object.is_object())
    return std::nullopt;
  mail out{text_of(object, "to"), text_of(object, "person"), text_of(object, "subject"),
           text_of(object, "text")};
  if (out.subject.empty() || out.text.empty() || (out.to.empty() && out.person.empty())
      || (!out.to.empty() && !valid_mail_address(out.to)))
    return std::nullopt;
  return out;
}

std::string mail_mark(std::string_view key) {
  // Two FNV-1a of 64 bits with different beginnings: this tells mails apart, it guards nothing.
  const auto hash = [&](std::uint64_t state) {
    for (const char c : key)
      state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return state;
  };
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const auto part : {hash(0xcbf29ce484222325ULL), hash(0x84222325cbf29ce4ULL)})
    for (int shift = 60; shift >= 0; shift -= 4)
      out += digits[(part >> shift) & 15];
  return out;
}

http_request mailgun_request(const mail_settings& settings, const mail& what,
                             std::string_view mark) {
  http_request request;
  request.method = "POST";
  request.url = settings.base_url + "/v3/" + oauth_text::percent_encoded(settings.domain)
                + "/messages";
  request.headers = {{"Authorization", "Basic " + oauth_text::base64("api:" + settings.api_key)},
                     {"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body = oauth_text::form({
    {"from", settings.from.empty() ? "noreply@" + settings.domain : settings.from},
    {"to", what.to},
    {"subject", what.subject},
    {"text", what.text},
    {"h:Message-Id", "<" + std::string{mark} + "@" + settings.domain + ">"},
    {"h:X-Lapwing-Mail", std::string{mark}},
  });
  request.timeout = settings.timeout;
  request.response_bytes_max = answer_bytes_max;
  return request;
}

http_request directory_request(const mail_settings& settings, std::string_view person) {
  http_request request;
  request.url = settings.directory_url + "/auth/v1/admin/users/"
                + oauth_text::percent_encoded(person);
  request.headers = {{"apikey", settings.directory_key},
                     {"Authorization", "Bearer " + settings.directory_key},
                     {"Accept", "application/json"}};
  request.timeout = settings.timeout;
  request.response_bytes_max = answer_bytes_max;
  return request;
}

mail_verdict read_mailgun(const result<http_response>& answer, timestamp now) {
  return read_status(answer, now);
}

directory_answer read_directory(const result<http_response>& answer, timestamp now) {
  auto verdict = read_status(answer, now);
  if (verdict.what != meaning::accepted) {
    // Here a 404 is about the person.
    if (answer && answer->status == 404)
      verdict.what = meaning::refused_it;
    verdict.cause = "directory_" + verdict.cause;
    return {std::move(verdict), {}};
  }
  const auto user = json::parse(answer->body, nullptr, false);
  auto address = user.is_object() ? text_of(user, "email") : std::string{};
  if (!valid_mail_address(address))
    return {{meaning::refused_it, "directory_no_address"}, {}};
  return {{}, std::move(address)};
}

} // namespace lapwing
