#include "platforms/poll/request_url.hpp"

#include <algorithm>
#include <charconv>

#include "platforms/poll/instant.hpp"

namespace lapwing {
namespace {

/// No provider's links come near it.
constexpr std::size_t url_bytes_max = 8192;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size()
         && std::equal(a.begin(), a.end(), b.begin(),
                       [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// {now-7d}: what is between the braces.
std::optional<std::string> days_ago(std::string_view name, timestamp now) {
  constexpr std::string_view head = "now-";
  if (!name.starts_with(head) || !name.ends_with('d'))
    return std::nullopt;
  auto digits = name.substr(head.size(), name.size() - head.size() - 1);
  unsigned count = 0;
  auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (failure != std::errc{} || end != digits.data() + digits.size() || count > 36'500)
    return std::nullopt;
  return to_whole_seconds(now - std::chrono::days{count});
}

/// In a path "octo/repo" stays two segments; nothing may climb out of its place with "..".
std::string encoded_in_path(std::string_view value) {
  std::string out;
  auto rest = value;
  for (;;) {
    auto segment = rest.substr(0, rest.find('/'));
    if (segment.empty() || segment == "." || segment == "..")
      return percent_encoded(value);
    out += percent_encoded(segment);
    if (segment.size() == rest.size())
      return out;
    out += '/';
    rest.remove_prefix(segment.size() + 1);
  }
}

std::string filled(std::string_view pattern, const url_values& values, bool encode) {
  std::string out;
  while (!pattern.empty()) {
    auto open = pattern.find('{');
    auto close = open == std::string_view::npos ? open : pattern.find('}', open);
    if (close == std::string_view::npos) {
      out += pattern;
      break;
    }
    out += pattern.substr(0, open);
    auto name = pattern.substr(open + 1, close - open - 1);
    std::optional<std::string> value;
    if (name == "account")
      value = values.account;
    else if (name == "resource")
      value = values.resource;
    else
      value = days_ago(name, values.now);
    if (!value)
      out += pattern.substr(open, close - open + 1);
    else if (!encode)
      out += *value;
    else
      out += out.find('?') == std::string::npos ? encoded_in_path(*value)
                                                : percent_encoded(*value);
    pattern.remove_prefix(close + 1);
  }
  return out;
}

struct link_target {
  std::string_view uri;
  bool is_next = false;
};

bool names_next(std::string_view relations) noexcept {
  while (!relations.empty()) {
    auto space = std::min(relations.find(' '), relations.size());
    if (same_word(relations.substr(0, space), "next"))
      return true;
    relations.remove_prefix(std::min(space + 1, relations.size()));
  }
  return false;
}

/// Reads one `<uri>; name=value; ...` from the front of `text` and takes it off. False when what is
/// there is no link: the rest of the header is given up then.
bool take_link(std::string_view& text, link_target& link) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == ','))
    text.remove_prefix(1);
  auto close = text.find('>');
  if (text.empty() || text.front() != '<' || close == std::string_view::npos)
    return false;
  link = {text.substr(1, close - 1), false};
  text.remove_prefix(close + 1);
  bool rel_seen = false; // Only the first counts (RFC 8288 3.3).
  bool elsewhere = false;
  for (;;) {
    text = trimmed(text);
    if (text.empty() || text.front() == ',')
      break;
    if (text.front() != ';')
      return false;
    text = trimmed(text.substr(1));
    auto name_end = std::min(text.find_first_of("=;, \t"), text.size());
    auto name = text.substr(0, name_end);
    text = trimmed(text.substr(name_end));
    std::string_view value;
    if (!text.empty() && text.front() == '=') {
      text = trimmed(text.substr(1));
      if (!text.empty() && text.front() == '"') {
        auto end = text.find('"', 1);
        if (end == std::string_view::npos)
          return false;
        value = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
      } else {
        auto end = std::min(text.find_first_of(";, \t"), text.size());
        value = text.substr(0, end);
        text.remove_prefix(end);
      }
    }
    if (same_word(name, "anchor"))
      elsewhere = true;
    if (same_word(name, "rel") && !rel_seen) {
      rel_seen = true;
      link.is_next = names_next(value);
    }
  }
  link.is_next = link.is_next && !elsewhere;
  return true;
}

} // namespace

std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                      || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string filled_url(std::string_view pattern, const url_values& values) {
  return filled(pattern, values, true);
}

std::string filled_text(std::string_view pattern, const url_values& values) {
  return filled(pattern, values, false);
}

std::string with_params(std::string url, const parameter_list& params) {
  bool has_query = url.find('?') != std::string::npos;
  for (const auto& [name, value] : params) {
    url += has_query ? '&' : '?';
    has_query = true;
    url += percent_encoded(name);
    url += '=';
    url += percent_encoded(value);
  }
  return url;
}

std::optional<std::string> origin_of(std::string_view url) {
  bool clean = std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^'
           && c != '`' && c != '{' && c != '|' && c != '}';
  });
  if (!clean || url.size() > url_bytes_max)
    return std::nullopt;
  std::string out;
  for (std::string_view scheme : {"https://", "http://"})
    if (url.size() > scheme.size() && same_word(url.substr(0, scheme.size()), scheme))
      out = scheme;
  if (out.empty())
    return std::nullopt;
  auto rest = url.substr(out.size());
  auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty() || authority.find('@') != std::string_view::npos)
    return std::nullopt;
  bool is_tls = out == "https://";
  auto colon = authority.rfind(':');
  bool has_port = colon != std::string_view::npos
                  && authority.find(']', colon) == std::string_view::npos;
  auto host = has_port ? authority.substr(0, colon) : authority;
  auto port = has_port ? authority.substr(colon + 1) : std::string_view{};
  if (host.empty() || port.size() > 5
      || !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  for (char c : host)
    out += lower(c);
  out += ':';
  out += !port.empty() ? port : is_tls ? std::string_view{"443"} : std::string_view{"80"};
  return out;
}

std::optional<std::string> next_link(const http_response& answer, std::string_view base) {
  for (const auto& [name, value] : answer.headers) {
    if (!same_word(name, "Link"))
      continue;
    std::string_view rest = value;
    link_target link;
    while (take_link(rest, link)) {
      if (!link.is_next)
        continue;
      auto uri = link.uri.substr(0, link.uri.find('#'));
      if (uri.starts_with('/') && !uri.starts_with("//")) {
        auto path = base.find('/', base.find("://") + 3);
        return std::string{base.substr(0, path)} + std::string{uri};
      }
      if (uri.starts_with('?'))
        return std::string{base.substr(0, base.find_first_of("?#"))} + std::string{uri};
      return std::string{uri};
    }
  }
  return std::nullopt;
}

} // namespace lapwing
