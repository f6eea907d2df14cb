#include "platforms/oauth/text_forms.hpp"

#include <algorithm>

namespace lapwing::oauth_text {
namespace {

constexpr std::size_t form_members_max = 64;

std::string base64_with(std::string_view alphabet, std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto byte = [&](std::size_t index) {
      return index < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[index]))
                                  : 0u;
    };
    const unsigned group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    const auto digits = std::min<std::size_t>(bytes.size() - at, 3) + 1;
    for (std::size_t digit = 0; digit < digits; ++digit)
      out += alphabet[group >> (18 - 6 * digit) & 63];
  }
  return out;
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
         || c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::optional<std::string> form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+') {
      out += ' ';
    } else if (text[at] == '%') {
      if (at + 2 >= text.size())
        return {};
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      if (high < 0 || low < 0)
        return {};
      out += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

} // namespace

std::string base64(std::string_view bytes) {
  auto out = base64_with("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bytes);
  out.resize((out.size() + 3) / 4 * 4, '=');
  return out;
}

std::string base64url(std::string_view bytes) {
  return base64_with("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", bytes);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string form(const parameter_list& members) {
  std::string out;
  for (const auto& [name, value] : members) {
    if (!out.empty())
      out += '&';
    out += percent_encoded(name);
    out += '=';
    out += percent_encoded(value);
  }
  return out;
}

std::optional<parameter_list> parse_form(std::string_view text) {
  parameter_list out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto member = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = member.find('=');
    if (equals == member.npos || equals == 0 || out.size() == form_members_max)
      return {};
    auto name = form_decoded(member.substr(0, equals));
    auto value = form_decoded(member.substr(equals + 1));
    if (!name || !value)
      return {};
    if (std::ranges::find(out, *name, &parameter_list::value_type::first) != out.end())
      return {};
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string with_query(std::string_view url, const parameter_list& members) {
  std::string out{url};
  if (members.empty())
    return out;
  if (url.find('?') == url.npos)
    out += '?';
  else if (!url.ends_with('?') && !url.ends_with('&'))
    out += '&';
  return out + form(members);
}

std::string with_value(std::string text, std::string_view placeholder, std::string_view value) {
  std::size_t at = 0;
  while ((at = text.find(placeholder, at)) != text.npos) {
    text.replace(at, placeholder.size(), value);
    at += value.size();
  }
  return text;
}

} // namespace lapwing::oauth_text
