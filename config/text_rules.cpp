#include "config/text_rules.hpp"

#include <algorithm>
#include <string>

#include "config/encryption_key.hpp"
#include "config/listen.hpp"
#include "core/mail.hpp"

namespace lapwing {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool alphanumeric(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

/// The part after "http://" or "https://"; empty when it is neither.
std::string_view after_http(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme))
      return text.substr(scheme.size());
  return {};
}

bool printable_without_space(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool http_url(std::string_view text) {
  const auto rest = after_http(text);
  return !rest.empty() && rest.front() != '/' && printable_without_space(rest);
}

} // namespace

const text_rule listen_rule{
    "ADDRESS:PORT with a numeric address, such as \"127.0.0.1:3001\" or \"[::1]:3001\"",
    [](std::string_view text) { return parse_listen(text).has_value(); }};

const text_rule http_url_rule{"an http:// or https:// address", http_url};

// Browsers send `Origin` without a path and without a slash at the end (RFC 6454 6.1).
const text_rule origin_rule{"an origin such as \"https://app.example.com\", without a path",
                            [](std::string_view text) {
                              return http_url(text) && after_http(text).find('/') == text.npos;
                            }};

const text_rule database_url_rule{
    "an address that starts with postgresql://", [](std::string_view text) {
      return (text.starts_with("postgresql://") || text.starts_with("postgres://"))
             && printable_without_space(text);
    }};

const text_rule encryption_key_rule{
    "32 bytes as 64 hex digits, base64 or 32 raw characters (`lapwing keys` makes one)",
    [](std::string_view text) { return decode_encryption_key(text).has_value(); }};

const text_rule ed25519_key_rule{
    "a 32-byte Ed25519 public key as 64 hex digits", [](std::string_view text) {
      return text.size() == 64 && decode_encryption_key(text).has_value();
    }};

// RFC 9110 5.1: a token.
const text_rule header_name_rule{
    "the name of an HTTP header", [](std::string_view text) {
      return text.size() <= 128 && std::ranges::all_of(text, [](char c) {
               return alphanumeric(c)
                      || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
             });
    }};

// RFC 8292 2.1.
const text_rule vapid_subject_rule{"a mailto: or https: address", [](std::string_view text) {
                                     return text.starts_with("mailto:")
                                            || text.starts_with("https://");
                                   }};

// RFC 7518 3.2: a key at least as long as the hash.
const text_rule jwt_secret_rule{"at least 32 bytes (`lapwing keys` makes one)",
                                [](std::string_view text) { return text.size() >= 32; }};

const text_rule mail_domain_rule{
    "a domain such as \"mg.example.com\"",
    [](std::string_view text) { return valid_mail_address("a@" + std::string{text}); }};

const text_rule mail_sender_rule{
    "an address, or a name and an address: \"Name <name@example.com>\"",
    [](std::string_view text) {
      const auto open = text.find('<');
      if (open == text.npos)
        return valid_mail_address(text);
      const auto plain = [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '>' && c != ',' && c != ';';
      };
      return text.ends_with('>') && std::ranges::all_of(text.substr(0, open), plain)
             && valid_mail_address(text.substr(open + 1, text.size() - open - 2));
    }};

bool valid_platform_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && lower_or_digit(text.front())
         && std::ranges::all_of(text,
                                [](char c) { return lower_or_digit(c) || c == '_' || c == '-'; });
}

} // namespace lapwing
