#include "platforms/spec_rules.hpp"

#include <algorithm>
#include <array>

#include "platforms/limits/midnight.hpp"
#include "platforms/poll/cron.hpp"

namespace lapwing {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }

bool plain(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool provider_url(std::string_view text) {
  if (text.size() > 2048
      || !std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; }))
    return false;
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://"))
    return false;
  const auto rest = text.substr(tls ? 8 : 7);
  const auto authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty() || authority.find('@') != authority.npos)
    return false;
  if (tls)
    return true;
  const auto host = authority.front() == '[' ? authority.substr(0, authority.find(']') + 1)
                                             : authority.substr(0, authority.find(':'));
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

bool path_name(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name, [](char c) {
    return c == '[' || c == ']' || static_cast<unsigned char>(c) <= 0x20;
  });
}

bool path(std::string_view text, bool lists) {
  if (text.size() > 256)
    return false;
  for (;;) {
    const auto dot = text.find('.');
    auto name = text.substr(0, dot);
    if (lists && name.ends_with("[]"))
      name.remove_suffix(2);
    if (!path_name(name))
      return false;
    if (dot == text.npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

} // namespace

const text_rule provider_url_rule{
    "an https:// address without user information (http:// only for this machine)", provider_url};

const text_rule cron_rule{
    "five cron fields in UTC, such as \"*/30 * * * *\" or \"0 */4 * * *\"",
    [](std::string_view text) { return cron_expression::parse(text).has_value(); }};

const text_rule endpoint_id_rule{
    "1 to 64 small letters, digits, - and _", [](std::string_view text) {
      return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
               return lower(c) || digit(c) || c == '_' || c == '-';
             });
    }};

const text_rule json_path_rule{"member names joined by dots, such as \"cursors.after\"",
                               [](std::string_view text) { return path(text, false); }};

const text_rule items_path_rule{
    "member names joined by dots, such as \"items\" or \"history[].messages\"",
    [](std::string_view text) { return path(text, true); }};

const text_rule zone_rule{"\"UTC\" or a zone of the United States, such as \"America/Los_Angeles\"",
                          is_known_zone};

const text_rule method_rule{"GET, POST, PUT, PATCH or DELETE", [](std::string_view text) {
                              constexpr std::array<std::string_view, 5> known{
                                  "GET", "POST", "PUT", "PATCH", "DELETE"};
                              return std::ranges::find(known, text) != known.end();
                            }};

const text_rule platform_name_rule{
    "at most 32 small letters, digits, - and _, the first no sign", valid_platform_name};

const text_rule variable_prefix_rule{
    "capital letters, digits and _, such as \"GOOGLE\"", [](std::string_view text) {
      return text.size() <= 64
             && std::ranges::all_of(text,
                                    [](char c) { return upper(c) || digit(c) || c == '_'; });
    }};

const text_rule separator_rule{"one character, such as \" \" or \",\"", [](std::string_view text) {
                                 return text.size() == 1 && text[0] >= 0x20 && text[0] < 0x7f;
                               }};

const text_rule plain_text_rule{"text without control characters, at most 1024 bytes",
                                [](std::string_view text) {
                                  return text.size() <= 1024 && plain(text);
                                }};

} // namespace lapwing
