#include "platforms/poll/cursor_state.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "platforms/poll/instant.hpp"

namespace lapwing {
namespace {

void append_member(std::string& out, char name, std::string_view json) {
  out += out.size() == 1 ? "\"" : ",\"";
  out += name;
  out += "\":";
  out += json;
}

void append_text(std::string& out, char name, const std::string& text) {
  if (text.empty())
    return;
  std::string json;
  append_json_string(json, text);
  append_member(out, name, json);
}

void append_list(std::string& out, char name, const std::vector<std::string>& list) {
  if (list.empty())
    return;
  std::string json = "[";
  for (const auto& text : list) {
    if (json.size() > 1)
      json += ',';
    append_json_string(json, text);
  }
  append_member(out, name, json + ']');
}

/// Digits, at most one point with digits around it.
bool is_decimal(std::string_view text) noexcept {
  auto dot = text.find('.');
  auto digits = [](std::string_view part) {
    return !part.empty()
           && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return digits(text.substr(0, dot))
         && (dot == std::string_view::npos || digits(text.substr(dot + 1)));
}

int sign(int order) noexcept { return order < 0 ? -1 : order > 0 ? 1 : 0; }

std::string_view without_trailing_zeros(std::string_view digits) noexcept {
  while (!digits.empty() && digits.back() == '0')
    digits.remove_suffix(1);
  return digits;
}

int compare_decimals(std::string_view a, std::string_view b) {
  auto whole = [](std::string_view text) {
    auto part = text.substr(0, text.find('.'));
    part.remove_prefix(std::min(part.find_first_not_of('0'), part.size()));
    return part;
  };
  auto fraction = [](std::string_view text) {
    auto dot = text.find('.');
    return dot == std::string_view::npos ? std::string_view{}
                                         : without_trailing_zeros(text.substr(dot + 1));
  };
  auto x = whole(a);
  auto y = whole(b);
  if (x.size() != y.size())
    return x.size() < y.size() ? -1 : 1;
  if (auto order = x.compare(y); order != 0)
    return sign(order);
  return sign(fraction(a).compare(fraction(b)));
}

std::string text_of(const nlohmann::json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::vector<std::string> list_of(const nlohmann::json& object, const char* name) {
  std::vector<std::string> out;
  auto found = object.find(name);
  if (found == object.end() || !found->is_array())
    return out;
  for (const auto& member : *found)
    if (member.is_string() && out.size() < cursor_state::known_max)
      out.push_back(member.get<std::string>());
  return out;
}

} // namespace

std::string encoded(const cursor_state& state) {
  cursor_state plain;
  plain.value = state.value;
  if (state == plain && !state.value.empty() && state.value.front() != '{')
    return state.value;
  std::string out = "{";
  append_text(out, 'v', state.value);
  append_list(out, 'k', state.known);
  if (!state.page.empty()) {
    append_text(out, 'p', state.page);
    append_text(out, 'n', state.pending);
    append_list(out, 'h', state.head);
    if (state.first)
      append_member(out, 'f', "true");
    if (state.resync)
      append_member(out, 'r', "true");
    append_member(out, 'c', std::to_string(state.kept));
  }
  return out + '}';
}

std::optional<cursor_state> decoded_cursor(std::string_view text) {
  if (text.empty())
    return std::nullopt;
  cursor_state out;
  if (text.front() != '{') {
    out.value = text;
    return out;
  }
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (!parsed.is_object())
    return std::nullopt;
  auto is_set = [&](const char* name) {
    auto found = parsed.find(name);
    return found != parsed.end() && found->is_boolean() && found->get<bool>();
  };
  out.value = text_of(parsed, "v");
  out.known = list_of(parsed, "k");
  out.page = text_of(parsed, "p");
  out.pending = text_of(parsed, "n");
  out.head = list_of(parsed, "h");
  out.first = is_set("f");
  out.resync = is_set("r");
  auto kept = parsed.find("c");
  if (kept != parsed.end() && kept->is_number_unsigned())
    out.kept = kept->get<std::size_t>();
  return out;
}

int compare_cursors(std::string_view a, std::string_view b) {
  if (is_decimal(a) && is_decimal(b))
    return compare_decimals(a, b);
  auto x = parse_instant(a);
  auto y = parse_instant(b);
  if (x && y) {
    if (x->second != y->second)
      return x->second < y->second ? -1 : 1;
    return sign(x->fraction.compare(y->fraction));
  }
  return sign(a.compare(b));
}

std::string overlapped(std::string_view cursor, std::chrono::seconds by) {
  auto time = parse_instant(cursor);
  if (!time)
    return std::string{cursor};
  return to_whole_seconds(time->second - by);
}

} // namespace lapwing
