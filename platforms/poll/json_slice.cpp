#include "platforms/poll/json_slice.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <simdjson.h>
#include <openssl/sha.h>

namespace lapwing {
namespace {

// All positions below are in text that the parser has accepted, so nothing is checked twice; the
// bounds are there because the parser takes a NUL for the end.

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_space(text[at]))
    ++at;
  return at;
}

/// Behind the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return text.size();
}

std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size())
    return text.size();
  if (text[at] == '"')
    return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    constexpr std::string_view ends{",]} \t\r\n\0", 8};
    return std::min(text.find_first_of(ends, at), text.size());
  }
  std::size_t depth = 0;
  while (at < text.size()) {
    char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[')
      ++depth;
    else if ((c == '}' || c == ']') && --depth == 0)
      return at;
  }
  return text.size();
}

bool within_depth(std::string_view text) noexcept {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if ((c == '{' || c == '[') && ++depth > json_slice::depth_max)
      return false;
    if ((c == '}' || c == ']') && depth > 0)
      --depth;
    ++at;
  }
  return true;
}

/// The string with its quotes, taken out of them.
std::string plain(std::string_view quoted) {
  auto inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == std::string_view::npos)
    return std::string{inner};
  auto parsed = nlohmann::json::parse(quoted, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string{};
}

error wrong_type(std::string_view path, std::string_view wanted) {
  return {errc::malformed_json, '"' + std::string{path} + "\" is not " + std::string{wanted}};
}

/// Walks the rest of an items path below `value`. Answers false when the visitor had enough.
result<bool> walk(json_slice value, std::string_view whole, std::string_view path,
                  const std::function<bool(json_slice)>& visit) {
  if (value.kind() == json_kind::none || value.kind() == json_kind::null)
    return true;
  if (path.empty()) {
    if (value.kind() == json_kind::object)
      return visit(value);
    if (value.kind() != json_kind::array)
      return wrong_type(whole, "a list or an object");
    result<bool> going = true;
    value.for_each([&](json_slice element) {
      if (element.kind() == json_kind::object)
        going = visit(element);
      else
        going = wrong_type(whole, "a list of objects");
      return going && *going;
    });
    return going;
  }
  auto dot = path.find('.');
  auto segment = path.substr(0, dot);
  auto rest = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  bool each = segment.ends_with("[]");
  if (each)
    segment.remove_suffix(2);
  auto next = value;
  if (!segment.empty()) {
    if (value.kind() != json_kind::object)
      return wrong_type(whole, "inside an object");
    next = value[segment];
  }
  if (!each || rest.empty())
    return walk(next, whole, rest, visit);
  if (next.kind() == json_kind::none || next.kind() == json_kind::null)
    return true;
  if (next.kind() != json_kind::array)
    return wrong_type(whole, "a list");
  result<bool> going = true;
  next.for_each([&](json_slice element) {
    going = walk(element, whole, rest, visit);
    return going && *going;
  });
  return going;
}

/// "images[].url" and "images.url" are the same place.
std::string without_brackets(std::string_view path) {
  std::string out;
  for (char c : path)
    if (c != '[' && c != ']')
      out += c;
  return out;
}

void append_canonical(std::string& out, json_slice value, const std::string& path,
                      const std::vector<std::string>& ignored) {
  if (value.kind() == json_kind::array) {
    out += '[';
    value.for_each([&](json_slice element) {
      append_canonical(out, element, path, ignored);
      out += ',';
      return true;
    });
    out += ']';
  } else if (value.kind() == json_kind::object) {
    std::vector<std::pair<std::string, json_slice>> members;
    value.for_each_member([&](std::string name, json_slice member) {
      members.emplace_back(std::move(name), member);
      return true;
    });
    std::stable_sort(members.begin(), members.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    out += '{';
    for (const auto& [name, member] : members) {
      auto below = path.empty() ? name : path + '.' + name;
      if (std::find(ignored.begin(), ignored.end(), below) != ignored.end())
        continue;
      out += std::to_string(name.size());
      out += ':';
      out += name;
      out += '=';
      append_canonical(out, member, below, ignored);
      out += ',';
    }
    out += '}';
  } else {
    value.append_compact(out);
  }
}

/// Most answers are JSON, and simdjson says so ten times as fast. Whatever it refuses (numbers too
/// large for it, among others) has the word of the other parser.
bool is_json(std::string_view text) {
  /// Above this its working memory, a multiple of the text, is not worth keeping.
  constexpr std::size_t quick_bytes_max = 256 * 1024;
  thread_local simdjson::dom::parser quick;
  if (text.size() <= quick_bytes_max) {
    simdjson::dom::element root;
    if (quick.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS)
      return true;
  }
  return nlohmann::json::accept(text.begin(), text.end());
}

} // namespace

result<json_slice> json_slice::check(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  if (!within_depth(text))
    return error{errc::malformed_json, "the JSON is nested too deeply"};
  if (!is_json(text))
    return error{errc::malformed_json, "the answer is not JSON"};
  auto begin = skip_space(text, 0);
  return json_slice{text.substr(begin, skip_value(text, begin) - begin)};
}

json_kind json_slice::kind() const noexcept {
  if (text_.empty())
    return json_kind::none;
  switch (text_.front()) {
  case '{': return json_kind::object;
  case '[': return json_kind::array;
  case '"': return json_kind::string;
  case 'n': return json_kind::null;
  case 't':
  case 'f': return json_kind::boolean;
  default: return json_kind::number;
  }
}

void json_slice::for_each(const std::function<bool(json_slice)>& visit) const {
  if (kind() != json_kind::array)
    return;
  auto at = skip_space(text_, 1);
  while (at < text_.size() && text_[at] != ']') {
    auto end = skip_value(text_, at);
    if (!visit(json_slice{text_.substr(at, end - at)}))
      return;
    at = skip_space(text_, end);
    if (at < text_.size() && text_[at] == ',')
      at = skip_space(text_, at + 1);
  }
}

void json_slice::for_each_member(
  const std::function<bool(std::string, json_slice)>& visit) const {
  if (kind() != json_kind::object)
    return;
  auto at = skip_space(text_, 1);
  while (at < text_.size() && text_[at] == '"') {
    auto name_end = skip_string(text_, at);
    auto name = plain(text_.substr(at, name_end - at));
    at = skip_space(text_, skip_space(text_, name_end) + 1); // Over the colon.
    auto end = skip_value(text_, at);
    if (at >= end || !visit(std::move(name), json_slice{text_.substr(at, end - at)}))
      return;
    at = skip_space(text_, end);
    if (at < text_.size() && text_[at] == ',')
      at = skip_space(text_, at + 1);
  }
}

json_slice json_slice::operator[](std::string_view name) const {
  json_slice found;
  for_each_member([&](const std::string& here, json_slice value) {
    if (here != name)
      return true;
    found = value;
    return false;
  });
  return found;
}

json_slice json_slice::at(std::string_view path) const {
  auto here = *this;
  if (path == "$")
    return here;
  while (!path.empty() && here.exists()) {
    auto dot = path.find('.');
    here = here[path.substr(0, dot)];
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return here;
}

std::optional<std::string> json_slice::scalar() const {
  if (kind() == json_kind::string)
    return plain(text_);
  if (kind() == json_kind::number)
    return std::string{text_};
  return std::nullopt;
}

void json_slice::append_compact(std::string& out) const {
  constexpr std::string_view nul = "\\u0000";
  for (std::size_t at = 0; at < text_.size();) {
    if (text_[at] != '"') {
      if (!is_space(text_[at]))
        out += text_[at];
      ++at;
      continue;
    }
    auto end = skip_string(text_, at);
    while (at < end) {
      if (text_[at] == '\\' && at + 1 < end) {
        bool is_nul = text_.substr(at, nul.size()) == nul;
        out += is_nul ? std::string_view{"\\ufffd"} : text_.substr(at, 2);
        at += is_nul ? nul.size() : 2;
      } else {
        out += text_[at++];
      }
    }
  }
}

result<bool> for_each_item(json_slice root, std::string_view path,
                           const std::function<bool(json_slice)>& visit) {
  if (path == "$")
    path = {};
  if (root.kind() != json_kind::array && root.kind() != json_kind::object)
    return error{errc::malformed_json, "the answer is neither an object nor a list"};
  if (root.kind() == json_kind::array && !path.empty() && !path.starts_with("[]"))
    return wrong_type(path, "there: the answer is a list");
  return walk(root, path, path, visit);
}

std::string digest_of(json_slice value, const std::vector<std::string>& ignored) {
  std::vector<std::string> places;
  for (const auto& path : ignored)
    places.push_back(without_brackets(path));
  std::string canonical;
  append_canonical(canonical, value, {}, places);
  return digest_of(canonical);
}

std::string digest_of(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    out += digits[hash[i] >> 4];
    out += digits[hash[i] & 15];
  }
  return out;
}

} // namespace lapwing
