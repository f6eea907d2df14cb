#include "net/outbound/request_check.hpp"

#include <algorithm>
#include <memory>
#include <string_view>

#include <curl/curl.h>

namespace lapwing::net {
namespace {

error refused(const char* why) {
  return {errc::upstream_refused, why};
}

bool is_token_char(char c) noexcept { // RFC 9110 5.6.2
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
         || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) noexcept { // RFC 9110 5.5
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return curl_strnequal(a.data(), b.data(), std::min(a.size(), b.size())) != 0
         && a.size() == b.size();
}

/// Ours to say: two voices about the framing are how requests get smuggled (RFC 9112 11.2).
bool is_framing(std::string_view name) noexcept {
  static constexpr std::string_view names[]
    = {"Host",    "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect",
       "Trailer", "TE",             "Keep-Alive",        "Proxy-Authorization"};
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view other) { return same_name(name, other); });
}

std::string part_of(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0u)
      != CURLUE_OK)
    return {};
  std::string out{text};
  curl_free(text);
  return out;
}

result<std::string> target_of(const std::string& url) {
  std::unique_ptr<CURLU, void (*)(CURLU*)> parts{curl_url(), curl_url_cleanup};
  // curl would take the host of "https:///host" for one; others would not.
  if (url.find(":///") != url.npos && url.find(":///") == url.find(':'))
    return refused("the address names no host");
  // Anything in front of an `@` is refused while parsing, also an empty user.
  if (!parts
      || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
    return refused("the address is none that can be asked");
  auto scheme = part_of(parts.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http")
    return refused("only http and https addresses are asked");
  auto host = part_of(parts.get(), CURLUPART_HOST);
  if (host.empty())
    return refused("the address names no host");
  for (char& c : host)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return scheme + "://" + host + ':' + part_of(parts.get(), CURLUPART_PORT);
}

} // namespace

result<std::string> target_of(const http_request& request, const outbound_rules& rules) {
  auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (request.method.empty() || request.method.size() > 16
      || !std::all_of(request.method.begin(), request.method.end(), is_upper)
      || request.method == "CONNECT")
    return refused("the method is none that is sent");
  if (request.url.size() > rules.url_bytes_max)
    return refused("the address is too long");
  if (!is_field_value(request.url)) // A NUL would also hide the rest from the parser.
    return refused("the address is none that can be asked");
  if (request.body.size() > rules.request_bytes_max)
    return refused("the request's body is too large");
  if (request.headers.size() > rules.header_count_max)
    return refused("the request has too many headers");
  std::size_t header_bytes = 0;
  for (const auto& [name, value] : request.headers) {
    header_bytes += name.size() + value.size() + 4;
    if (!is_token(name) || !is_field_value(value))
      return refused("a header of the request is malformed");
    if (is_framing(name))
      return refused("a header of the request is not the caller's to set");
  }
  if (header_bytes > rules.header_bytes_max)
    return refused("the request's headers are too large");
  return target_of(request.url);
}

} // namespace lapwing::net
