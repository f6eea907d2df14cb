#include "net/webhook/text.hpp"

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"
#include "net/auth/encoding.hpp"

namespace lapwing {
namespace {

constexpr std::string_view ellipsis = "\xe2\x80\xa6";

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size())
    return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i]))
      return false;
  return true;
}

bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// The index behind the JSON string that begins at `from`.
std::size_t end_of_string(std::string_view json, std::size_t from) {
  for (auto i = from + 1; i < json.size(); ++i) {
    if (json[i] == '\\')
      ++i;
    else if (json[i] == '"')
      return i + 1;
  }
  return json.size();
}

/// The index behind the JSON value that begins at `from`.
std::size_t end_of_value(std::string_view json, std::size_t from) {
  std::size_t depth = 0;
  for (auto i = from; i < json.size();) {
    char c = json[i];
    if (c == '"') {
      i = end_of_string(json, i);
      if (depth == 0)
        return i;
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth <= 1) // 0: the end of the object around a number or word.
        return depth == 0 ? i : i + 1;
      --depth;
    } else if (depth == 0 && (c == ',' || is_space(c))) {
      return i;
    }
    ++i;
  }
  return json.size();
}

/// A name as it stands in the text, without its quotes. Escapes of ASCII letters count as these.
bool is_name(std::string_view written, std::string_view name) {
  if (written.find('\\') == written.npos)
    return written == name;
  std::string plain;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '\\') {
      plain += written[i];
      continue;
    }
    if (written.substr(i + 1, 3) != "u00")
      return false;
    auto byte = from_hex(written.substr(i + 4, 2));
    if (!byte || byte->empty())
      return false;
    plain += *byte;
    i += 5;
  }
  return plain == name;
}

} // namespace

void append_clipped(std::string& out, std::string_view text, std::size_t bytes_max) {
  bool cut = text.size() > bytes_max;
  if (cut) {
    auto end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    text = text.substr(0, end);
  }
  bool plain = true;
  auto from = out.size();
  for (char c : text) {
    plain &= static_cast<unsigned char>(c) < 0x80;
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  if (!plain) {
    auto repaired = repaired_utf8(std::string_view{out}.substr(from));
    out.replace(from, std::string::npos, repaired);
  }
  if (cut)
    out += ellipsis;
}

std::string clipped(std::string_view text, std::size_t bytes_max) {
  std::string out;
  append_clipped(out, text, bytes_max);
  return out;
}

bool is_plain_id(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.empty() || text.size() > bytes_max)
    return false;
  for (char c : text)
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
      return false;
  return true;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      auto byte = from_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1)
        return std::nullopt;
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> form_field(std::string_view form, std::string_view name) {
  std::optional<std::string_view> found;
  while (!form.empty()) {
    auto field = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(field.size() + 1, form.size()));
    auto equals = field.find('=');
    if (equals == field.npos || field.substr(0, equals) != name)
      continue;
    if (found)
      return std::nullopt;
    found = field.substr(equals + 1);
  }
  if (!found)
    return std::nullopt;
  return percent_decoded(*found);
}

bool is_media_type(std::string_view content_type, std::string_view type) noexcept {
  auto value = content_type.substr(0, content_type.find(';'));
  while (!value.empty() && is_space(value.back()))
    value.remove_suffix(1);
  return equal_without_case(value, type);
}

std::string with_blanked_member(std::string_view json, std::string_view name) {
  std::string out;
  out.reserve(json.size());
  std::size_t copied = 0;
  auto i = json.find('{');
  while (i < json.size()) {
    i = json.find_first_of("\"}", i);
    if (i == json.npos || json[i] == '}')
      break;
    auto name_end = end_of_string(json, i);
    auto written = json.substr(i + 1, name_end - i - 2);
    auto value = json.find_first_not_of(": \t\r\n", name_end);
    if (value == json.npos)
      break;
    auto value_end = end_of_value(json, value);
    if (is_name(written, name)) {
      out.append(json, copied, value - copied);
      out += "\"\"";
      copied = value_end;
    }
    i = value_end;
  }
  out.append(json, copied);
  return out;
}

void object_writer::name_member(std::string_view name) {
  if (out_.size() > 1)
    out_ += ',';
  out_ += '"';
  out_ += name; // Our own names: nothing to escape.
  out_ += "\":";
}

void object_writer::text(std::string_view name, std::string_view value, std::size_t bytes_max) {
  if (value.empty())
    return;
  name_member(name);
  append_json_string(out_, clipped(value, bytes_max));
}

void object_writer::number(std::string_view name, std::optional<std::int64_t> value) {
  if (!value)
    return;
  name_member(name);
  out_ += std::to_string(*value);
}

void object_writer::truth(std::string_view name, bool value) {
  name_member(name);
  out_ += value ? "true" : "false";
}

void object_writer::raw(std::string_view name, std::string_view json) {
  name_member(name);
  out_ += json;
}

std::string object_writer::take() {
  out_ += '}';
  return std::exchange(out_, "{");
}

} // namespace lapwing
